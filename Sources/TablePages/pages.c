// The VFS of tablepages.h. Only main database files are wrapped: the write-ahead log has checksums of its own, and a copy in it gets its own on its way to the
// database file. One file is used by one connection on one thread at a time, as SQLite promises.
#include "tablepages.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "csupport.h"

typedef struct {
  sqlite3_file base;
  /// What the header says of each page's end; only TABLEPAGES_RESERVED means that there are checksums.
  int reserved;
  /// Room for one page, to put the checksum in without touching SQLite's own copy.
  unsigned char *page;
  int pageBytes;
} PageFile;

/// The byte of the header that says how much each page reserves.
enum { reservedAt = 20, headerBytes = 100, pageBytesMin = 512, pageBytesMax = 65536 };

static sqlite3_vfs pages;
static sqlite3_vfs *below(void) { return (sqlite3_vfs *)pages.pAppData; }
/// The system's own file lies behind ours.
static sqlite3_file *under(sqlite3_file *file) { return (sqlite3_file *)((PageFile *)file + 1); }

static int isPage(int bytes, sqlite3_int64 at) {
  return bytes >= pageBytesMin && bytes <= pageBytesMax && (bytes & (bytes - 1)) == 0 && at % bytes == 0;
}

static void checksum(const unsigned char *page, int bytes, sqlite3_int64 at, unsigned char *out) {
  uint64_t place = (uint64_t)at;
  uint32_t sum = csupport_crc32c(csupport_crc32c(0, &place, sizeof place), page, (size_t)(bytes - TABLEPAGES_RESERVED));
  uint32_t both[2] = {sum, ~sum};
  memcpy(out, both, TABLEPAGES_RESERVED);
}

static int pagesClose(sqlite3_file *file) {
  free(((PageFile *)file)->page);
  return under(file)->pMethods->xClose(under(file));
}

static int pagesRead(sqlite3_file *file, void *buffer, int bytes, sqlite3_int64 at) {
  PageFile *own = (PageFile *)file;
  int code = under(file)->pMethods->xRead(under(file), buffer, bytes, at);
  if (code != SQLITE_OK) return code;
  if (at == 0 && bytes >= headerBytes) own->reserved = ((unsigned char *)buffer)[reservedAt];
  if (own->reserved != TABLEPAGES_RESERVED || !isPage(bytes, at)) return code;
  unsigned char wanted[TABLEPAGES_RESERVED];
  checksum(buffer, bytes, at, wanted);
  return memcmp(wanted, (unsigned char *)buffer + bytes - TABLEPAGES_RESERVED, TABLEPAGES_RESERVED) == 0 ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int pagesWrite(sqlite3_file *file, const void *buffer, int bytes, sqlite3_int64 at) {
  PageFile *own = (PageFile *)file;
  if (at == 0 && bytes >= headerBytes) own->reserved = ((const unsigned char *)buffer)[reservedAt];
  if (own->reserved != TABLEPAGES_RESERVED || !isPage(bytes, at)) return under(file)->pMethods->xWrite(under(file), buffer, bytes, at);
  if (own->pageBytes < bytes) {
    unsigned char *larger = realloc(own->page, (size_t)bytes);
    if (larger == NULL) return SQLITE_IOERR_NOMEM;
    own->page = larger;
    own->pageBytes = bytes;
  }
  memcpy(own->page, buffer, (size_t)bytes);
  checksum(own->page, bytes, at, own->page + bytes - TABLEPAGES_RESERVED);
  return under(file)->pMethods->xWrite(under(file), own->page, bytes, at);
}

// What follows hands the call on.
static int pagesTruncate(sqlite3_file *file, sqlite3_int64 size) { return under(file)->pMethods->xTruncate(under(file), size); }
static int pagesSync(sqlite3_file *file, int flags) { return under(file)->pMethods->xSync(under(file), flags); }
static int pagesFileSize(sqlite3_file *file, sqlite3_int64 *size) { return under(file)->pMethods->xFileSize(under(file), size); }
static int pagesLock(sqlite3_file *file, int lock) { return under(file)->pMethods->xLock(under(file), lock); }
static int pagesUnlock(sqlite3_file *file, int lock) { return under(file)->pMethods->xUnlock(under(file), lock); }
static int pagesCheckReservedLock(sqlite3_file *file, int *out) { return under(file)->pMethods->xCheckReservedLock(under(file), out); }
static int pagesFileControl(sqlite3_file *file, int what, void *argument) { return under(file)->pMethods->xFileControl(under(file), what, argument); }
static int pagesSectorSize(sqlite3_file *file) { return under(file)->pMethods->xSectorSize(under(file)); }
static int pagesCharacteristics(sqlite3_file *file) { return under(file)->pMethods->xDeviceCharacteristics(under(file)); }
static int pagesShmMap(sqlite3_file *file, int region, int size, int extend, void volatile **out) {
  return under(file)->pMethods->xShmMap(under(file), region, size, extend, out);
}
static int pagesShmLock(sqlite3_file *file, int offset, int count, int flags) { return under(file)->pMethods->xShmLock(under(file), offset, count, flags); }
static void pagesShmBarrier(sqlite3_file *file) { under(file)->pMethods->xShmBarrier(under(file)); }
static int pagesShmUnmap(sqlite3_file *file, int delete) { return under(file)->pMethods->xShmUnmap(under(file), delete); }

/// Version 2: shared memory for the write-ahead log, and no reading through a map of the file, which would pass by the comparison.
static const sqlite3_io_methods methods = {
    2, pagesClose, pagesRead, pagesWrite, pagesTruncate, pagesSync, pagesFileSize, pagesLock, pagesUnlock, pagesCheckReservedLock, pagesFileControl,
    pagesSectorSize, pagesCharacteristics, pagesShmMap, pagesShmLock, pagesShmBarrier, pagesShmUnmap, NULL, NULL};

static int pagesOpen(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  (void)vfs;
  if (!(flags & SQLITE_OPEN_MAIN_DB)) return below()->xOpen(below(), name, file, flags, out);
  PageFile *own = (PageFile *)file;
  memset(own, 0, sizeof *own);
  int code = below()->xOpen(below(), name, under(file), flags, out);
  if (under(file)->pMethods == NULL) return code;
  own->base.pMethods = &methods;
  if (code != SQLITE_OK) return code;
  // Pages of a file that is being made may be written before its header is.
  sqlite3_int64 size = 0;
  if (under(file)->pMethods->xFileSize(under(file), &size) == SQLITE_OK && size == 0) own->reserved = TABLEPAGES_RESERVED;
  return code;
}

static int pagesDelete(sqlite3_vfs *vfs, const char *name, int sync) { (void)vfs; return below()->xDelete(below(), name, sync); }
static int pagesAccess(sqlite3_vfs *vfs, const char *name, int flags, int *out) { (void)vfs; return below()->xAccess(below(), name, flags, out); }
static int pagesFullPathname(sqlite3_vfs *vfs, const char *name, int size, char *out) { (void)vfs; return below()->xFullPathname(below(), name, size, out); }
static int pagesRandomness(sqlite3_vfs *vfs, int count, char *out) { (void)vfs; return below()->xRandomness(below(), count, out); }
static int pagesSleep(sqlite3_vfs *vfs, int microseconds) { (void)vfs; return below()->xSleep(below(), microseconds); }
static int pagesCurrentTime(sqlite3_vfs *vfs, double *out) { (void)vfs; return below()->xCurrentTime(below(), out); }
static int pagesGetLastError(sqlite3_vfs *vfs, int count, char *out) { (void)vfs; return below()->xGetLastError(below(), count, out); }
static int pagesCurrentTimeInt64(sqlite3_vfs *vfs, sqlite3_int64 *out) { (void)vfs; return below()->xCurrentTimeInt64(below(), out); }

int tablepages_install(void) {
  sqlite3_vfs *system = sqlite3_vfs_find(NULL);
  if (system == NULL || system->iVersion < 2) return SQLITE_ERROR;
  pages = (sqlite3_vfs){
      .iVersion = 2, .szOsFile = (int)sizeof(PageFile) + system->szOsFile, .mxPathname = system->mxPathname, .zName = "tablepages", .pAppData = system,
      .xOpen = pagesOpen, .xDelete = pagesDelete, .xAccess = pagesAccess, .xFullPathname = pagesFullPathname, .xRandomness = pagesRandomness,
      .xSleep = pagesSleep, .xCurrentTime = pagesCurrentTime, .xGetLastError = pagesGetLastError, .xCurrentTimeInt64 = pagesCurrentTimeInt64};
  return sqlite3_vfs_register(&pages, 1);
}
