// Who waits for what, on this server. A watch fires once and is gone. Not part of the replicated state: a client that comes back sets its
// watches anew. One event goes at most once to each watcher, even if it holds several watches on the node.
import Base
import Collections

/// A connection that watches; meaningful only on this server.
package struct WatcherID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// Kinds of one-time watches.
package enum WatchKind: Int, Sendable, CaseIterable { case data, child }

/// The watches of one server.
package struct WatchTable: Sendable {
    /// Watches at a time over all connections; a client that asks for more is refused.
    package static let watchesMax = 1_000_000
    private struct Key: Hashable, Sendable {
        var path: String
        var kind: WatchKind
    }
    private var watchers = LookupTable<Key, OrderedSet<WatcherID>>()
    private var held = LookupTable<WatcherID, OrderedSet<Key>>()
    package private(set) var count = 0
    package init() {}

    /// False if the server holds as many watches as it may.
    package mutating func add(_ watcher: WatcherID, _ kind: WatchKind, _ path: String) -> Bool {
        guard count < Self.watchesMax else { return false }
        let key = Key(path: path, kind: kind)
        guard held[watcher, default: []].append(key).inserted else { return true }
        watchers[key, default: []].append(watcher)
        count += 1
        return true
    }

    /// The watchers to tell of an event, in the order in which they began to watch; their watches are used up.
    package mutating func fire(_ event: TreeEvent) -> (path: String, watchers: [WatcherID]) {
        switch event {
        case .created(let path), .dataChanged(let path): return (path, Array(take(Key(path: path, kind: .data))))
        case .childrenChanged(let path): return (path, Array(take(Key(path: path, kind: .child))))
        case .deleted(let path): return (path, Array(take(Key(path: path, kind: .data)).union(take(Key(path: path, kind: .child)))))
        }
    }

    private mutating func take(_ key: Key) -> OrderedSet<WatcherID> {
        guard let found = watchers.remove(key) else { return [] }
        for watcher in found {
            held[watcher]?.remove(key)
            if held[watcher]?.isEmpty == true { held.remove(watcher) }
        }
        count -= found.count
        return found
    }

    /// The watcher's connection is gone.
    package mutating func forget(_ watcher: WatcherID) {
        guard let keys = held.remove(watcher) else { return }
        for key in keys {
            watchers[key]?.remove(watcher)
            if watchers[key]?.isEmpty == true { watchers.remove(key) }
        }
        count -= keys.count
    }
}
