// A hash table that cannot be iterated: replicas that walk a Dictionary diverge, since its order differs in every process.

/// Finds values by key; keys that are text go by their bytes. For an order, keep a sorted array or an OrderedDictionary beside it.
public struct LookupTable<Key: Hashable, Value> {
    @usableFromInline var entries: [ExactKey<Key>: Value] = [:]
    @inlinable public init() {}
    @inlinable public var count: Int { entries.count }
    @inlinable public var isEmpty: Bool { entries.isEmpty }
    @inlinable public subscript(key: Key) -> Value? {
        get { entries[ExactKey(key)] }
        _modify { yield &entries[ExactKey(key)] }
    }
    @inlinable public subscript(key: Key, default fallback: @autoclosure () -> Value) -> Value {
        get { entries[ExactKey(key), default: fallback()] }
        _modify { yield &entries[ExactKey(key), default: fallback()] }
    }
    @inlinable @discardableResult public mutating func remove(_ key: Key) -> Value? { entries.removeValue(forKey: ExactKey(key)) }
    @inlinable public mutating func removeAll() { entries.removeAll() }
}

extension LookupTable: Sendable where Key: Sendable, Value: Sendable {}
