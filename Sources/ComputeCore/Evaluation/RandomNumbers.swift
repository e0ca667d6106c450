// Random values by a row's place, so that a seed gives the same ones whatever the number of chains. The first batch of each part of the
// input has the numbers of Spark's generator for the partition of that number. Source: XORShift; java.util.Random.

import QueryCore

enum RandomNumbers {
    static func column(_ seed: Int64, _ draw: RandomDraw, _ batch: Batch) throws(QueryError) -> Column {
        let count = batch.rowCount
        var generator = XORShift(seed &+ Int64(batch.place.morsel))
        if batch.place.batch > 0 { generator = XORShift(generator.state &+ Int64(batch.place.batch)) }
        switch draw {
        case .place:
            let places = (0..<count).map { batch.place.packed &+ Int64($0) }
            return Column(type: .long, count: count, validity: nil, storage: .int64(places))
        case .uuid, .text:
            var builder = ColumnBuilder(type: .string, capacity: count)
            for _ in 0..<count {
                if case .text(let length) = draw {
                    builder.append(bytes: text(length, &generator))
                } else {
                    builder.append(bytes: uuid(&generator))
                }
                try Batch.checkText(builder.textBytes)
            }
            return builder.finish()
        case .even:
            return Column(type: .double, count: count, validity: nil, storage: .double((0..<count).map { _ in generator.double() }))
        case .normal:
            return Column(type: .double, count: count, validity: nil, storage: .double((0..<count).map { _ in generator.normal() }))
        }
    }

    /// A version 4 UUID of variant 1, in lower-case hexadecimal digits.
    private static func uuid(_ generator: inout XORShift) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { out.append(UInt8(ascii: "-")) }
            let draw = Int(generator.next(16) >> 12)
            out.append(digits[index == 12 ? 4 : index == 16 ? 8 | draw & 3 : draw])
        }
        return out
    }

    private static func text(_ count: Int, _ generator: inout XORShift) -> [UInt8] {
        let letters = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        return (0..<count).map { _ in
            letters[Int((Int32(truncatingIfNeeded: generator.next(32)) % 62).magnitude)]
        }
    }
}

/// Marsaglia's generator, started from a hash of the seed.
struct XORShift {
    private(set) var state: Int64
    private var held: Double?

    init(_ seed: Int64) {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: seed >> Int64(56 - 8 * $0)) }
        var low = Murmur(state: 0x3C07_4A61)
        low.add(bytes)
        var high = low
        high.add(bytes)
        state = Int64(bitPattern: UInt64(high.state) << 32 | UInt64(low.state))
    }

    mutating func next(_ bits: Int64) -> Int64 {
        state ^= state << 21
        state ^= Int64(bitPattern: UInt64(bitPattern: state) >> 35)
        state ^= state << 4
        return state & (1 << bits - 1)
    }

    /// In [0, 1).
    mutating func double() -> Double { Double(next(26) << 27 + next(27)) * 0x1p-53 }

    /// By the polar method, which gives two at a time.
    mutating func normal() -> Double {
        if let second = held {
            held = nil
            return second
        }
        while true {
            let (x, y) = (2 * double() - 1, 2 * double() - 1)
            let square = x * x + y * y
            guard square < 1, square != 0 else { continue }
            let scale = (-2 * MathKernel.ln(square) / square).squareRoot()
            held = y * scale
            return x * scale
        }
    }
}
