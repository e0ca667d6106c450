// The part of a column chunk that is in memory, and the count of memory that a chunk's reader takes.

/// Memory of one chunk's reader by purpose, counted by the file's owner before it is taken, and given back at the end.
final class CountedMemory {
    var window = 0
    var page = 0
    var dictionary = 0
    private let file: any ParquetBytes

    init(_ file: any ParquetBytes) { self.file = file }

    deinit {
        // Giving back memory cannot fail.
        do { try file.reserve(-window - page - dictionary) } catch { return }
    }

    /// Counts up to `bytes` for a purpose; the count stays until the end.
    func hold(_ bytes: Int, for purpose: ReferenceWritableKeyPath<CountedMemory, Int>) throws(ParquetError) {
        let more = bytes - self[keyPath: purpose]
        guard more > 0 else { return }
        do { try file.reserve(more) } catch { throw .failedRead(error) }
        self[keyPath: purpose] = bytes
    }
}

struct ChunkWindow {
    private static let headerBytesMax = 1 << 20

    private(set) var bytes: [UInt8] = []
    /// The next byte to read in `bytes`.
    var at = 0
    private let file: any ParquetBytes
    /// The part of the file that is not in the window yet.
    private var rest: Range<Int>
    private let windowBytes: Int

    init(_ file: any ParquetBytes, _ range: Range<Int>, windowBytes: Int) {
        self.file = file
        rest = range
        self.windowBytes = windowBytes
    }

    /// Makes `count` bytes from `at` on available; false if the chunk has fewer.
    mutating func fetch(_ count: Int, _ memory: CountedMemory) throws(ParquetError) -> Bool {
        let there = bytes.count - at
        if there >= count { return true }
        let wanted = min(max(count - there, windowBytes), rest.count)
        guard there + wanted >= count else { return false }
        try memory.hold(there + wanted, for: \.window)
        bytes.removeFirst(at)
        at = 0
        let more: [UInt8]
        do { more = try file.read(at: rest.lowerBound, count: wanted) } catch { throw .failedRead(error) }
        guard more.count == wanted else { throw .damaged("the file ends early") }
        if bytes.isEmpty { bytes = more } else { bytes += more }
        rest = rest.dropFirst(wanted)
        return true
    }

    /// The page header at the position, which is behind it then; nil at the end of the chunk.
    mutating func header(_ memory: CountedMemory) throws(ParquetError) -> PageHeader? {
        var wanted = 64
        while true {
            let all = bytes.count - at + rest.count
            if all == 0 { return nil }
            let available = min(wanted, all)
            _ = try fetch(available, memory)
            var reader = ThriftReader(bytes, at: at, end: at + available)
            do {
                let header = try PageHeader(&reader)
                at = reader.at
                return header
            } catch {
                // A longer header, unless there are no more bytes.
                guard reader.isShort, available == wanted, wanted < Self.headerBytesMax else { throw error }
                wanted *= 2
            }
        }
    }
}
