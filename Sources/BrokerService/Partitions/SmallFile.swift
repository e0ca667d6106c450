// Small files beside a partition's segments: a checksum and one message. A missing or damaged file is no error, since the log has its
// content. Disk threads only.
import Base
import Storage

enum SmallFile {
    private static let partial = ".partial"

    /// nil if there is no readable file.
    static func read<Message: WireLayout>(_: Message.Type, _ directory: String, _ name: String) throws(StorageError) -> Message? {
        let files = RealFileSystem()
        let file: FileHandle
        do { file = try files.open(directory + "/" + name, create: false) } catch {
            if error.cause == .notFound { return nil }
            throw error
        }
        defer { files.close(file) }
        var bytes = try files.read(file, at: 0, count: Int(try files.size(file)))
        guard let crc = bytes.readInteger(as: UInt32.self), CRC32C.checksum(bytes) == crc else { return nil }
        // A file that this version cannot read counts as missing.
        return try? Message(decoding: bytes, as: DurableDialect.self)
    }

    /// `durably` makes it outlive a power cut; without it a power cut may leave a damaged file, which is then ignored.
    /// Returns its size in bytes.
    @discardableResult
    static func write<Message: WireLayout>(_ message: Message, _ directory: String, _ name: String, durably: Bool) throws(StorageError)
        -> Int
    {
        let files = RealFileSystem()
        let bytes = encoded(message)
        try fill(directory + "/" + name + partial, bytes, durably: durably)
        try files.rename(directory + "/" + name + partial, to: directory + "/" + name)
        if durably { try files.syncDirectory(directory) }
        return bytes.readableBytes
    }

    /// The same in place. A power cut may leave a damaged file, even where a whole one was; the file system need not write anything now,
    /// unlike with a new file that replaces another. Returns its size in bytes.
    static func overwrite<Message: WireLayout>(_ message: Message, _ directory: String, _ name: String) throws(StorageError) -> Int {
        let files = RealFileSystem()
        let bytes = encoded(message)
        let file = try files.open(directory + "/" + name, create: true)
        defer { files.close(file) }
        try files.write(file, at: 0, bytes)
        try files.truncate(file, to: Int64(bytes.readableBytes))
        return bytes.readableBytes
    }

    private static func encoded<Message: WireLayout>(_ message: Message) -> Bytes {
        let body: Bytes
        do { body = try message.encoded(as: DurableDialect.self) } catch {
            preconditionFailure("a message of ours can always be encoded: \(error)")
        }
        var bytes = Bytes()
        bytes.writeInteger(CRC32C.checksum(body))
        bytes.writeImmutableBuffer(body)
        return bytes
    }

    static func remove(_ directory: String, _ name: String) throws(StorageError) {
        let files = RealFileSystem()
        do { try files.remove(directory + "/" + name) } catch {
            guard error.cause == .notFound else { throw error }
        }
        try files.syncDirectory(directory)
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
