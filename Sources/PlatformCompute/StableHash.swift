// Hashing with the same value in every process, so that a partitioner sends a key to the same partition on every worker and in every run.
// Swift's own Hasher is seeded for each process and must not be used for this. Not cryptographic. Source of the final mix: MurmurHash3's
// 64-bit finaliser.
import Foundation

/// A value whose hash is the same in every process and on every worker. Equal values must hash alike.
public protocol StableHash {
    /// Mixes the parts that equality looks at into `hasher`.
    func hash(stablyInto hasher: inout StableHasher)
}

/// The requirements of a shuffle key.
public typealias ShuffleKey = Hashable & StableHash & Sendable

/// A hash under way.
public struct StableHasher: Sendable {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The same start for every key.
    public init() {}

    /// Mixes in 64 bits.
    public mutating func combine(_ word: UInt64) {
        state = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
        state ^= state >> 32
    }

    /// Mixes in bytes and their number.
    public mutating func combine(bytes: some Sequence<UInt8>) {
        var word: UInt64 = 0
        var count: UInt64 = 0
        for byte in bytes {
            word = word << 8 | UInt64(byte)
            count += 1
            if count & 7 == 0 {
                combine(word)
                word = 0
            }
        }
        combine(word)
        combine(count)
    }

    /// The hash of the mixed bytes; all 64 bits are used.
    public func finish() -> UInt64 {
        var hash = state
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }

    static func partition(of key: some StableHash, count: Int) -> Int {
        var hasher = StableHasher()
        key.hash(stablyInto: &hasher)
        return Int(hasher.finish() % UInt64(count))
    }
}

extension StableHash where Self: FixedWidthInteger {
    public func hash(stablyInto hasher: inout StableHasher) { hasher.combine(UInt64(truncatingIfNeeded: self)) }
}

extension Int: StableHash {}
extension Int8: StableHash {}
extension Int16: StableHash {}
extension Int32: StableHash {}
extension Int64: StableHash {}
extension UInt: StableHash {}
extension UInt8: StableHash {}
extension UInt16: StableHash {}
extension UInt32: StableHash {}
extension UInt64: StableHash {}

extension Bool: StableHash {
    public func hash(stablyInto hasher: inout StableHasher) { hasher.combine(self ? 1 : 0) }
}

extension Double: StableHash {
    /// Equal values hash alike: -0.0 as 0.0.
    public func hash(stablyInto hasher: inout StableHasher) { hasher.combine(self == 0 ? 0 : bitPattern) }
}

extension String: StableHash {
    /// Canonically equal strings are equal in Swift, so text beyond ASCII is hashed in its decomposed normal form.
    public func hash(stablyInto hasher: inout StableHasher) {
        if utf8.allSatisfy({ $0 < 0x80 }) {
            hasher.combine(bytes: utf8)
        } else {
            hasher.combine(bytes: decomposedStringWithCanonicalMapping.utf8)
        }
    }
}

extension Array: StableHash where Element: StableHash {
    public func hash(stablyInto hasher: inout StableHasher) {
        for element in self { element.hash(stablyInto: &hasher) }
        hasher.combine(UInt64(count))
    }
}

extension Optional: StableHash where Wrapped: StableHash {
    public func hash(stablyInto hasher: inout StableHasher) {
        switch self {
        case .none: hasher.combine(0)
        case .some(let value):
            hasher.combine(1)
            value.hash(stablyInto: &hasher)
        }
    }
}
