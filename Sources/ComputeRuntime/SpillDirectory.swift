// Temporary files of queries in a folder of the data directory. A file has no name from the beginning, so that it is gone with its owner,
// whatever ends the process.
import Base
import ComputeCore
import Foundation
import QueryCore
import Synchronization

package final class SpillDirectory: SpillFiles {
    private let directory: String
    private let bytesMax: Int
    private let used = Mutex(0)

    /// `bytesMax` is the limit of all files together.
    package init(_ directory: String, bytesMax: Int) {
        self.directory = directory
        self.bytesMax = bytesMax
    }

    /// Bytes in all files at present.
    package var bytes: Int { used.withLock { $0 } }

    package func makeFile() throws(QueryError) -> any SpillFile {
        // Each file makes the directory if it is missing: people clear data directories.
        if mkdir(directory, 0o700) != 0, errno != EEXIST { throw Self.failure("The directory \(directory) cannot be made", errno) }
        var template = Array((directory + "/query-XXXXXX").utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Self.failure("No file can be made in \(directory)", errno) }
        _ = template.withUnsafeBufferPointer { unlink($0.baseAddress!) }  // read within the call; a left-over name harms nothing
        return File(descriptor, self)
    }

    fileprivate func take(_ bytes: Int) throws(QueryError) {
        let isFree = used.withLock { used in
            guard bytes <= bytesMax - used else { return false }
            used += bytes
            return true
        }
        guard isFree else {
            throw QueryError(
                .failedReadFile,
                [
                    "path": "of temporary rows",
                    "reason":
                        "Temporary files of queries hold compute.spill.bytes.max, \(bytesMax) bytes; set it higher, or the query's memory.",
                ])
        }
    }

    fileprivate func giveBack(_ bytes: Int) { used.withLock { $0 -= bytes } }

    fileprivate static func failure(_ what: String, _ code: Int32) -> QueryError {
        QueryError(.failedReadFile, ["path": "of temporary rows", "reason": "\(what): \(String(cString: strerror(code)))."])
    }

    private final class File: SpillFile {
        private let descriptor: Int32
        private let owner: SpillDirectory
        private var size = 0
        /// Of each piece, by its offset.
        private var checksums: [Int: UInt32] = [:]

        init(_ descriptor: Int32, _ owner: SpillDirectory) {
            self.descriptor = descriptor
            self.owner = owner
        }

        deinit {
            close(descriptor)
            owner.giveBack(size)
        }

        func append(_ bytes: [UInt8]) throws(QueryError) -> Int {
            try owner.take(bytes.count)
            let start = size
            size += bytes.count
            checksums[start] = Self.checksum(bytes)
            var code: Int32 = 0
            // Each call writes inside of the bytes' memory, which lives until the closure ends.
            bytes.withUnsafeBytes { memory in
                var done = 0
                while done < memory.count {
                    let count = pwrite(descriptor, memory.baseAddress! + done, memory.count - done, off_t(start + done))
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else {
                        code = count < 0 ? errno : ENOSPC
                        return
                    }
                    done += count
                }
            }
            guard code == 0 else { throw SpillDirectory.failure("Rows cannot be written to \(owner.directory)", code) }
            return start
        }

        func read(at offset: Int, count: Int) throws(QueryError) -> [UInt8] {
            var code: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
                while filled < count {
                    // Inside of the capacity.
                    let got = pread(descriptor, memory.baseAddress! + filled, count - filled, off_t(offset + filled))
                    if got < 0, errno == EINTR { continue }
                    guard got > 0 else {
                        code = got < 0 ? errno : EIO
                        return
                    }
                    filled += got
                }
            }
            guard code == 0 else { throw SpillDirectory.failure("Rows cannot be read from \(owner.directory)", code) }
            guard Self.checksum(bytes) == checksums[offset] else {
                throw QueryError(
                    .failedReadFile, ["path": "of temporary rows", "reason": "\(owner.directory) gives other bytes than were written."])
            }
            return bytes
        }

        private static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32C.checksum($0) } }  // read within the call
    }
}
