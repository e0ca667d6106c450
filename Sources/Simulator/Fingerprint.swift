// A checksum over a run's events, number by number: the same in every process, and far cheaper than their text. Not for secrets. Equal
// fingerprints of two outcomes stand for equal outcomes.
import Base
import CoordCore

/// A running checksum of 64 bits.
struct Fingerprint {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ number: Int64) {
        value = (value ^ UInt64(bitPattern: number)) &* 0x9E37_79B9_7F4A_7C15
        value ^= value >> 29
    }

    mutating func add(_ number: Int) { add(Int64(number)) }

    mutating func add(_ text: String) {
        for byte in text.utf8 { add(Int64(byte)) }
        add(-1)
    }

    mutating func add(_ bytes: Bytes) { add(Int64(CRC32C.checksum(bytes)) << 32 | Int64(bytes.readableBytes)) }

    mutating func add(_ outcome: CoordOutcome) {
        switch outcome.result {
        case .success(let results): for result in results { add(result) }
        case .failure(let refusal):
            add(-2)
            add(refusal.place)
            for (place, reason) in CoordRefusal.allCases.enumerated() where reason == refusal.reason { add(place) }
        }
    }

    private mutating func add(_ result: OperationResult) {
        switch result {
        case .created(let path, let status):
            add(1)
            add(path)
            add(status)
        case .changed(let path, let status):
            add(2)
            add(path)
            add(status)
        case .deleted: add(3)
        case .checked: add(4)
        }
    }

    private mutating func add(_ status: NodeStatus) {
        let stat = status.stat
        for number in [stat.czxid, stat.mzxid, stat.pzxid, stat.ctime, stat.mtime, stat.storedLife] { add(number) }
        for number in [stat.version, stat.childrenCreated, stat.aversion] { add(Int64(number)) }
        add(status.dataBytes)
        add(status.childCount)
    }

    mutating func add(_ result: ObservedOperation.Result) {
        switch result {
        case .done(let version):
            add(5)
            add(Int64(version))
        case .value(let value, let version):
            add(6)
            add(value)
            add(Int64(version))
        case .noNode: add(7)
        case .exists: add(8)
        case .badVersion: add(9)
        }
    }
}
