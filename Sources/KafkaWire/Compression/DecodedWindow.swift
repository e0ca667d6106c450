// A decoder's output, handed on piece by piece. Only the bytes within reach of back references are kept, so that a small payload with a
// large output never lies in memory whole. hot: `platform-bench broker`, every compressed batch that is produced passes through it.
import Base

/// Takes decompressed bytes piece by piece; they are valid within the call. Returns false to end early.
typealias DecodedSink = (UnsafeRawBufferPointer) throws(WireError) -> Bool

/// The newest decompressed bytes.
struct DecodedWindow: ~Copyable {
    // Allocated here, freed in deinit; every access is checked against `count` first.
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0
    /// Bytes before those in memory.
    private var dropped = 0
    private var handed = 0
    private let bytesMax: Int
    /// The window of back references, in bytes.
    var reach: Int

    /// Fewest bytes handed on at once.
    private static let handBytesMin = 64 << 10

    init(reach: Int, bytesMax: Int) {
        self.reach = reach
        self.bytesMax = bytesMax
        capacity = 4096
        memory = .allocate(capacity: capacity)
    }

    deinit { memory.deallocate() }

    /// All output bytes, dropped ones included.
    var total: Int { dropped + count }

    private mutating func makeRoom(_ more: Int) throws(WireError) {
        guard more <= bytesMax - total else { throw .overLimit("decompressed batch bytes", bytesMax) }
        guard count + more > capacity else { return }
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: memory, count: count)
        memory.deallocate()
        memory = larger
    }

    mutating func append(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        try makeRoom(bytes.count)
        bytes.withUnsafeBufferPointer { if let from = $0.baseAddress { (memory + count).update(from: from, count: $0.count) } }
        count += bytes.count
    }

    mutating func append(_ byte: UInt8, times: Int) throws(WireError) {
        try makeRoom(times)
        (memory + count).update(repeating: byte, count: times)
        count += times
    }

    /// Repeats the output from `distance` bytes back; the copy may overlap itself: it then reads bytes that it has just written.
    mutating func copy(_ length: Int, from distance: Int) throws(WireError) {
        guard distance > 0, distance <= count else { throw .badLength(distance) }
        try makeRoom(length)
        var left = length
        // Each turn doubles the repeated part.
        while left > 0 {
            let part = min(left, distance + length - left)
            (memory + count).update(from: memory + (count - distance - (length - left)), count: part)
            count += part
            left -= part
        }
    }

    /// Hands on the new output, if it is enough or the last; then drops the bytes out of reach. false ends the work.
    mutating func hand(isLast: Bool = false, _ sink: DecodedSink) throws(WireError) -> Bool {
        guard count - handed >= Self.handBytesMin || isLast else { return true }
        if count > handed {
            guard try sink(UnsafeRawBufferPointer(start: memory + handed, count: count - handed)) else { return false }
            handed = count
        }
        let old = count - reach
        if old > max(reach, Self.handBytesMin) {
            memory.update(from: memory + old, count: reach)
            dropped += old
            count = reach
            handed = reach
        }
        return true
    }
}
