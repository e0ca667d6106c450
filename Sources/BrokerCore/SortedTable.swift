// A table looked up by hash and iterated in key order: replicas and restarts see the same order, whatever the order of insertion.
import Base

/// Values by key; iteration follows the keys' order, that of their bytes for text.
package struct SortedTable<Key: Hashable & Comparable & Sendable, Value: Sendable>: Sendable {
    package private(set) var keys: [Key] = []
    private var values = LookupTable<Key, Value>()

    package init() {}
    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }

    package subscript(key: Key) -> Value? {
        get { values[key] }
        set {
            let present = values[key] != nil
            if present == (newValue == nil) {
                let place = place(of: key)
                if present { keys.remove(at: place) } else { keys.insert(key, at: place) }
            }
            values[key] = newValue
        }
    }

    /// Changes a value in place; `body` is not called if there is none.
    @discardableResult package mutating func update<T>(_ key: Key, _ body: (inout Value) -> T) -> T? {
        guard values[key] != nil else { return nil }
        return body(&values[key]!)
    }

    private func place(of key: Key) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(keys[middle], key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func precedes(_ left: Key, _ right: Key) -> Bool {
        if let left = left as? String, let right = right as? String { return left.precedesByBytes(right) }
        return left < right
    }

    /// Keys and values in key order.
    package var entries: [(key: Key, value: Value)] { keys.compactMap { key in values[key].map { (key, $0) } } }
}
