// A hash table that cannot be iterated: replicas that walk a Dictionary diverge, since its order differs in every process.

/// Finds values by key. For an order, keep a sorted array or an OrderedDictionary beside it.
public struct LookupTable<Key: Hashable, Value> {
    private var entries: [Key: Value] = [:]
    public init() {}
    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }
    @inlinable public subscript(key: Key) -> Value? {
        get { value(key) }
        set { set(key, newValue) }
        _modify { yield &self[raw: key] }
    }
    @usableFromInline func value(_ key: Key) -> Value? { entries[key] }
    @usableFromInline mutating func set(_ key: Key, _ value: Value?) { entries[key] = value }
    @usableFromInline subscript(raw key: Key) -> Value? {
        get { entries[key] }
        _modify { yield &entries[key] }
    }
    @discardableResult public mutating func remove(_ key: Key) -> Value? { entries.removeValue(forKey: key) }
    public mutating func removeAll() { entries.removeAll() }
}

extension LookupTable: Sendable where Key: Sendable, Value: Sendable {}
