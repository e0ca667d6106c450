// Text by its bytes. Swift's own comparisons and searches follow the visible text: an é equals an e followed by an accent, and a colon
// followed by an accent is not a colon. Names, paths, lists and rows differ: two of them are equal if their bytes are, and a separator
// counts whatever follows it.

extension String {
    /// Whether both have the same bytes.
    @inlinable public func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        // Both are read within the calls; compared as memory, which texts of ours nearly always are.
        let same = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in left.elementsEqual(right) }
        }
        if case .some(.some(let same)) = same { return same }
        return utf8.elementsEqual(other.utf8)
    }
}

extension StringProtocol {
    /// The pieces between the bytes `separator`, which is ASCII.
    public func pieces(at separator: Unicode.Scalar, maxSplits: Int = .max, keepsEmpty: Bool = true) -> [Substring] {
        let byte = UInt8(ascii: separator)
        return Substring(self).utf8.split(separator: byte, maxSplits: maxSplits, omittingEmptySubsequences: !keepsEmpty).map {
            Substring($0)
        }
    }

    /// The part before the first byte `separator`, which is ASCII; everything if there is none.
    public func piece(before separator: Unicode.Scalar) -> Substring {
        let byte = UInt8(ascii: separator)
        return Substring(Substring(self).utf8.prefix { $0 != byte })
    }

    /// Whether both have the same bytes.
    public func hasSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Whether the text starts with the bytes of `start`.
    public func beginsWithBytes(of start: some StringProtocol) -> Bool { utf8.starts(with: start.utf8) }

    /// Whether the text ends with the bytes of `end`.
    public func endsWithBytes(of end: some StringProtocol) -> Bool {
        utf8.count >= end.utf8.count && utf8.suffix(end.utf8.count).elementsEqual(end.utf8)
    }

    /// The text without its first and last bytes, which must be whole scalars.
    public func droppingBytes(first: Int = 0, last: Int = 0) -> Substring {
        Substring(Substring(self).utf8.dropFirst(first).dropLast(last))
    }

    /// The text without spaces and tabs around it.
    public var withoutBlanks: Substring {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let front = Substring(self).utf8.drop(while: isBlank)
        guard let last = front.lastIndex(where: { !isBlank($0) }) else { return "" }
        return Substring(front[...last])
    }
}
