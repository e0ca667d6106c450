// Opens the compressed bytes of one file, in the order of the file; errors name it.
import Codecs
import ComputeCore

package struct CompressedInput {
    private let path: String
    private let stream: StreamOpener

    /// Nil if the path's ending says that the file is plain. `.gz` is opened, with one member or more.
    package init?(path: String) {
        guard path.hasSuffix(".gz") else { return nil }
        self.path = path
        // Callers take the opened bytes piece by piece; nothing grows with the sum.
        stream = StreamOpener(.gzip, bytesMax: .max)
    }

    /// The file's next bytes; `next` has given nil before.
    package func feed(_ bytes: [UInt8], isLast: Bool) { stream.feed(bytes, isLast: isLast) }

    /// The next opened bytes; nil if all that was fed is opened.
    package func next() throws(JobFileError) -> [UInt8]? {
        do { return try stream.next().map { Array($0) } } catch {
            throw .failed(path: path, operation: "decompress", reason: error.description)
        }
    }
}
