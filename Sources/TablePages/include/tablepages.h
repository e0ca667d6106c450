// SQLite's pages with a checksum each: a VFS above the system's own. SQLite keeps no checksums in its file, so that a bit that flips on the disk
// would be served as if it had been written. Every page of a database file whose header reserves TABLEPAGES_RESERVED bytes ends with one here; it is
// made on the way to the disk and compared on the way back, and a page that differs is an error of the read (SQLITE_IOERR_DATA). Files that reserve none
// are left alone. Source: SQLite's documentation of the file format (reserved bytes) and of VFS shims.
#ifndef PLATFORM_TABLEPAGES_H
#define PLATFORM_TABLEPAGES_H

/// Bytes at the end of each page: CRC-32C of the page's place and content, and its complement.
#define TABLEPAGES_RESERVED 8

/// Makes the VFS the one that databases are opened with from now on. 0, or a result code of SQLite. Called once, before any database is opened.
int tablepages_install(void);

#endif
