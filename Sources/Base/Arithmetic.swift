// Sums and products of numbers from a client, a disk or a clock. Plain `+` and `*` end the process where the result does not fit; these
// stop at the bounds of the type. Where a protocol wants a number to wrap around, the code uses `&+`.

extension FixedWidthInteger {
    /// The sum, or the bound of the type that it would exceed.
    @inlinable public func addingClamped(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        guard overflow else { return sum }
        return other < 0 ? .min : .max
    }

    /// The difference, or the bound of the type that it would exceed.
    @inlinable public func subtractingClamped(_ other: Self) -> Self {
        let (difference, overflow) = subtractingReportingOverflow(other)
        guard overflow else { return difference }
        return other < 0 ? .max : .min
    }

    /// The product, or the bound of the type that it would exceed.
    @inlinable public func multipliedClamped(by other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        guard overflow else { return product }
        return (self < 0) == (other < 0) ? .max : .min
    }
}
