// What a decoder has made of a compressed payload, handed on piece by piece: only what later parts of the payload may refer to is kept, so that a small
// payload that opens to much never lies in memory whole. hot: every compressed batch that is produced passes through it.
import Base

/// Takes opened bytes as they come; they are valid within the call. false ends the work early.
typealias DecodedSink = (UnsafeRawBufferPointer) throws(WireError) -> Bool

/// The newest opened bytes.
struct DecodedWindow: ~Copyable {
    // Allocated here, freed in deinit; every access is held against `count` before.
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0
    /// Bytes before those in memory.
    private var dropped = 0
    private var handed = 0
    private let bytesMax: Int
    /// Bytes that may be referred to.
    var reach: Int

    /// What is handed on at once, in bytes.
    private static let handBytesMin = 64 << 10

    init(reach: Int, bytesMax: Int) {
        self.reach = reach
        self.bytesMax = bytesMax
        capacity = 4096
        memory = .allocate(capacity: capacity)
    }

    deinit { memory.deallocate() }

    /// All that was made, with what is no longer here.
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

    /// Repeats what was made `distance` bytes ago; the copy may overlap itself: what was just written is read again.
    mutating func copy(_ length: Int, from distance: Int) throws(WireError) {
        guard distance > 0, distance <= count else { throw .badLength(distance) }
        try makeRoom(length)
        var left = length
        // Each turn doubles what repeats.
        while left > 0 {
            let part = min(left, distance + length - left)
            (memory + count).update(from: memory + (count - distance - (length - left)), count: part)
            count += part
            left -= part
        }
    }

    /// Hands on what has not been yet, if it is much or the last; then lets go what nothing can refer to. false ends the work.
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
