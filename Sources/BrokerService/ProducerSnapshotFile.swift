// The file beside a partition's segments that holds a snapshot of its producers: a checksum and the snapshot's bytes. Replaced atomically; a
// missing or damaged one is no error, since the log tells the same. Disk threads only.
import Base
import BrokerCore
import Storage

enum ProducerSnapshotFile {
    private static let name = "producers.snapshot"
    private static let partial = "producers.snapshot.partial"

    /// nil if there is none that can be read.
    static func read(_ directory: String) throws(StorageError) -> ProducerSnapshot? {
        let files = RealFileSystem()
        let file: FileHandle
        do { file = try files.open(directory + "/" + name, create: false) } catch {
            if error.cause == .notFound { return nil }
            throw error
        }
        defer { files.close(file) }
        var bytes = try files.read(file, at: 0, count: Int(try files.size(file)))
        guard let crc = bytes.readInteger(as: UInt32.self), CRC32C.checksum(bytes) == crc else { return nil }
        // A snapshot that this version cannot read is as good as none.
        return try? ProducerSnapshot(decoding: bytes, as: DurableDialect.self)
    }

    /// `durably` makes it outlive a power cut; without that such an end may leave a damaged one, which is then not used.
    static func write(_ snapshot: ProducerSnapshot, _ directory: String, durably: Bool) throws(StorageError) {
        let files = RealFileSystem()
        let body: Bytes
        do { body = try snapshot.encoded(as: DurableDialect.self) } catch { preconditionFailure("a snapshot of ours can always be encoded: \(error)") }
        var bytes = Bytes()
        bytes.writeInteger(CRC32C.checksum(body))
        bytes.writeImmutableBuffer(body)
        try fill(directory + "/" + partial, bytes, durably: durably)
        try files.rename(directory + "/" + partial, to: directory + "/" + name)
        if durably { try files.syncDirectory(directory) }
    }

    private static func fill(_ path: String, _ bytes: Bytes, durably: Bool) throws(StorageError) {
        let files = RealFileSystem()
        let file = try files.open(path, create: true)
        defer { files.close(file) }
        try files.truncate(file, to: 0)
        try files.write(file, at: 0, bytes)
        if durably { try files.sync(file) }
    }
}
