// Random numbers by a row's place, so that a seed gives the same numbers whatever the number of chains. They are not those of Spark, which
// depend on its partitions.

import QueryCore

enum RandomNumbers {
    static func column(_ seed: Int64, isNormal: Bool, _ batch: Batch) -> Column {
        let first = UInt64(bitPattern: batch.place.packed)
        let values = (0..<batch.rowCount).map { row in
            let one = even(seed, first &+ UInt64(row), 0)
            if !isNormal { return one }
            // Box and Muller; the logarithm is of a number above 0.
            return (-2 * MathKernel.ln(1 - one)).squareRoot() * MathKernel.cos(2 * .pi * even(seed, first &+ UInt64(row), 1))
        }
        return Column(type: .double, count: batch.rowCount, validity: nil, storage: .double(values))
    }

    /// In [0, 1), by the steps of SplitMix64.
    private static func even(_ seed: Int64, _ place: UInt64, _ draw: UInt64) -> Double {
        var state = UInt64(bitPattern: seed) &* 0x9E37_79B9_7F4A_7C15 &+ place &* 0xD1B5_4A32_D192_ED03 &+ draw &* 0x8CB9_2BA7_2F3D_8DD7
        state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
        state ^= state >> 31
        return Double(state >> 11) * 0x1p-53
    }
}
