// A hash table that cannot be iterated: replicas that walk a Dictionary diverge, since its order differs in every process.

/// Finds values by key. For an order, keep a sorted array or an OrderedDictionary beside it.
public struct LookupTable<Key: Hashable, Value> {
    @usableFromInline var entries: [Key: Value] = [:]
    @inlinable public init() {}
    @inlinable public var count: Int { entries.count }
    @inlinable public var isEmpty: Bool { entries.isEmpty }
    @inlinable public subscript(key: Key) -> Value? {
        get { entries[key] }
        _modify { yield &entries[key] }
    }
    @inlinable public subscript(key: Key, default fallback: @autoclosure () -> Value) -> Value {
        get { entries[key, default: fallback()] }
        _modify { yield &entries[key, default: fallback()] }
    }
    @inlinable @discardableResult public mutating func remove(_ key: Key) -> Value? { entries.removeValue(forKey: key) }
    @inlinable public mutating func removeAll() { entries.removeAll() }
}

extension LookupTable: Sendable where Key: Sendable, Value: Sendable {}
