// The size and the free space of a disk, from the system.
import Glibc

/// Sizes of the file system that holds a path, in bytes.
package struct DiskSpace: Sendable {
    package var capacityBytes: UInt64 = 0
    /// Free bytes for a user without privileges.
    package var freeBytes: UInt64 = 0

    /// Zeros if the system does not know.
    package init(of path: String) {
        var found = statvfs()
        guard statvfs(path, &found) == 0 else { return }
        let unit = UInt64(found.f_frsize)
        capacityBytes = UInt64(found.f_blocks).multipliedReportingOverflow(by: unit).partialValue
        freeBytes = UInt64(found.f_bavail).multipliedReportingOverflow(by: unit).partialValue
    }
}
