// A table looked up by hash and iterated in key order: replicas and restarts see the same order, whatever the order of insertion.

/// Values by key; iteration follows the keys' order, that of their bytes for text.
@frozen public struct SortedTable<Key: Hashable & Comparable & Sendable, Value: Sendable>: Sendable {
    @usableFromInline var order: [Key] = []
    @usableFromInline var values = LookupTable<Key, Value>()

    @inlinable public init() {}
    /// Ascending.
    @inlinable public var keys: [Key] { order }
    @inlinable public var count: Int { order.count }
    @inlinable public var isEmpty: Bool { order.isEmpty }

    @inlinable public subscript(key: Key) -> Value? {
        get { values[key] }
        set {
            let present = values[key] != nil
            if present == (newValue == nil) {
                let place = place(of: key)
                if present { order.remove(at: place) } else { order.insert(key, at: place) }
            }
            values[key] = newValue
        }
    }

    /// Changes a value in place; `body` is not called if there is none.
    @inlinable @discardableResult public mutating func update<T>(_ key: Key, _ body: (inout Value) -> T) -> T? {
        guard values[key] != nil else { return nil }
        return body(&values[key]!)
    }

    @inlinable func place(of key: Key) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(order[middle], key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    @inlinable static func precedes(_ left: Key, _ right: Key) -> Bool {
        if let left = left as? String, let right = right as? String { return left.precedesByBytes(right) }
        return left < right
    }

    /// Keys and values in key order.
    @inlinable public var entries: [(key: Key, value: Value)] { order.compactMap { key in values[key].map { (key, $0) } } }
}
