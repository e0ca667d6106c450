// Text that is equal if its bytes are, and keys of text. Swift takes an é and an e with an accent behind it for the same, and the sign of
// the kelvin for a K; to ZooKeeper, Kafka and HDFS they are two names.

/// A text as a key, and a field of one: `@ExactText var name = ""` makes the derived `==` and hash of a type go by bytes.
@frozen @propertyWrapper public struct ExactText: Hashable, Comparable, Sendable {
    public var wrappedValue: String
    @inlinable public init(wrappedValue: String) { self.wrappedValue = wrappedValue }
    @inlinable public init(_ text: String) { wrappedValue = text }
    @inlinable public var text: String { wrappedValue }

    @inlinable public static func == (left: Self, right: Self) -> Bool { left.wrappedValue.hasSameBytes(as: right.wrappedValue) }
    @inlinable public static func < (left: Self, right: Self) -> Bool { left.wrappedValue.precedesByBytes(right.wrappedValue) }

    @inlinable public func hash(into hasher: inout Hasher) {
        var text = wrappedValue
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }  // read within the call
    }

    /// In the order of the bytes of each one's text.
    public static func sorted<T>(_ elements: [T], by text: (T) -> String) -> [T] {
        elements.sorted { text($0).precedesByBytes(text($1)) }
    }
}

extension String {
    @inlinable public func precedesByBytes(_ other: String) -> Bool {
        // Both are read within the calls; compared as memory, which texts of ours nearly always are.
        let answer = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in left.lexicographicallyPrecedes(right) }
        }
        if case .some(.some(let answer)) = answer { return answer }
        return utf8.lexicographicallyPrecedes(other.utf8)
    }
}

/// A key of any type; one that is text goes by its bytes. The compiler decides which where the type is known.
@frozen @usableFromInline struct ExactKey<Key: Hashable>: Hashable {
    @usableFromInline let key: Key
    @inlinable init(_ key: Key) { self.key = key }

    @inlinable static func == (left: Self, right: Self) -> Bool {
        if let one = left.key as? String, let other = right.key as? String { return one.hasSameBytes(as: other) }
        return left.key == right.key
    }

    @inlinable func hash(into hasher: inout Hasher) {
        if let text = key as? String { ExactText(text).hash(into: &hasher) } else { key.hash(into: &hasher) }
    }
}

extension ExactKey: Sendable where Key: Sendable {}
