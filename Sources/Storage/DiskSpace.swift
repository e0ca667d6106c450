// How large a disk is and how much of it is free, as the system tells it.
import Glibc

/// Sizes of the file system that holds a path, in bytes.
package struct DiskSpace: Sendable {
    package var capacityBytes: UInt64 = 0
    /// What a user without privileges may still write.
    package var freeBytes: UInt64 = 0

    /// Zeros if the system cannot tell.
    package init(of path: String) {
        var found = statvfs()
        guard statvfs(path, &found) == 0 else { return }
        let unit = UInt64(found.f_frsize)
        capacityBytes = UInt64(found.f_blocks).multipliedReportingOverflow(by: unit).partialValue
        freeBytes = UInt64(found.f_bavail).multipliedReportingOverflow(by: unit).partialValue
    }
}
