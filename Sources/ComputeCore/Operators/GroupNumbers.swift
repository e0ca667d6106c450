// The group of each row of a batch, for aggregates, and the loop over the present rows.

import QueryCore

enum GroupNumbers {
    /// All `count` rows belong to group 0: an aggregation without keys.
    case one(count: Int)
    case each([Int32])

    var count: Int {
        switch self {
        case .one(let count): count
        case .each(let numbers): numbers.count
        }
    }

    func take(_ rows: [Int32]) -> GroupNumbers {
        switch self {
        case .one: .one(count: rows.count)
        case .each(let numbers): .each(rows.map { numbers[Int($0)] })
        }
    }

    var expanded: [Int32] {
        switch self {
        case .one(let count): [Int32](repeating: 0, count: count)
        case .each(let numbers): numbers
        }
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    /// Calls `body` with each row whose bit is set, and its group. Groups are below the accumulators' count.
    @inline(__always)
    func forEach(where validity: Bitmap?, _ body: (_ row: Int, _ group: Int) -> Void) {
        switch self {
        case .one(let count):
            guard let validity else {
                for row in 0..<count { body(row, 0) }
                return
            }
            Self.forEachBit(validity) { body($0, 0) }
        case .each(let numbers):
            // Rows are below the count of numbers, which is that of the batch.
            numbers.withUnsafeBufferPointer { numbers in
                guard let validity else {
                    for row in 0..<numbers.count { body(row, Int(numbers[row])) }
                    return
                }
                Self.forEachBit(validity) { body($0, Int(numbers[$0])) }
            }
        }
    }

    @inline(__always)
    private static func forEachBit(_ bits: Bitmap, _ body: (Int) -> Void) {
        for (index, word) in bits.words.enumerated() {
            var rest = word
            while rest != 0 {
                body(index &* 64 &+ rest.trailingZeroBitCount)
                rest &= rest &- 1
            }
        }
    }
}
