// Who waits for what, on this server. One-time watches fire once and are gone; persistent ones stay until they are removed. Not part of
// the replicated state: a client that comes back sets its watches anew. One event goes at most once to each watcher, whatever it holds.
import Base
import Collections

/// A connection that watches; meaningful only on this server.
package struct WatcherID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// Kinds of watches on a path, as a set: all of them may be held at once.
package struct WatchKinds: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Once: the node is created, deleted or its data set.
    package static let data = WatchKinds(rawValue: 1)
    /// Once: the node is deleted, or gains or loses a child.
    package static let child = WatchKinds(rawValue: 2)
    /// Always, all of the above.
    package static let persistent = WatchKinds(rawValue: 4)
    /// Always: the node or anything below it is created, deleted or its data set.
    package static let recursive = WatchKinds(rawValue: 8)
    package static let all: WatchKinds = [.data, .child, .persistent, .recursive]
    package var count: Int { rawValue.nonzeroBitCount }
}

/// The watches of one server.
package struct WatchTable: Sendable {
    /// Watches at a time over all connections; a client that asks for more is refused.
    package static let watchesMax = 1_000_000
    private var watchers = LookupTable<ExactText, OrderedDictionary<WatcherID, WatchKinds>>()
    private var held = LookupTable<WatcherID, OrderedSet<ExactText>>()
    package private(set) var count = 0
    /// While nobody watches recursively, ancestors need not be looked at.
    private var recursiveCount = 0
    package init() {}

    /// False if the server holds as many watches as it may.
    package mutating func add(_ watcher: WatcherID, _ kinds: WatchKinds, _ path: String) -> Bool {
        let path = ExactText(path)
        let added = kinds.subtracting(watchers[path]?[watcher] ?? [])
        if added.isEmpty { return true }
        guard count + added.count <= Self.watchesMax else { return false }
        watchers[path, default: [:]][watcher, default: []].formUnion(added)
        held[watcher, default: []].append(path)
        count += added.count
        if added.contains(.recursive) { recursiveCount += 1 }
        return true
    }

    /// The kinds that a watcher holds on a path.
    package func kinds(_ watcher: WatcherID, _ path: String) -> WatchKinds { kinds(watcher, ExactText(path)) }
    private func kinds(_ watcher: WatcherID, _ path: ExactText) -> WatchKinds { watchers[path]?[watcher] ?? [] }

    /// False if the watcher holds none of `kinds` there.
    package mutating func remove(_ watcher: WatcherID, _ kinds: WatchKinds, _ path: String) -> Bool {
        let path = ExactText(path)
        let removed = kinds.intersection(self.kinds(watcher, path))
        guard !removed.isEmpty else { return false }
        take(removed, from: watcher, path)
        return true
    }

    private mutating func take(_ kinds: WatchKinds, from watcher: WatcherID, _ path: ExactText) {
        count -= kinds.count
        if kinds.contains(.recursive) { recursiveCount -= 1 }
        let rest = self.kinds(watcher, path).subtracting(kinds)
        guard rest.isEmpty else {
            watchers[path]?[watcher] = rest
            return
        }
        held[watcher]?.removeUnordered(path)
        if held[watcher]?.isEmpty == true { held.remove(watcher) }
        watchers[path]?.removeUnordered(watcher)
        if watchers[path]?.isEmpty == true { watchers.remove(path) }
    }

    /// The watchers to tell of an event, each once; their one-time watches for it are used up. O(depth of the path + watchers).
    package mutating func fire(_ event: TreeEvent) -> [WatcherID] {
        if count == 0 { return [] }
        let (wanted, once) = Self.kinds(for: event.kind)
        var told = OrderedSet<WatcherID>()
        let path = ExactText(event.path)
        for (watcher, kinds) in watchers[path] ?? [:] where !kinds.isDisjoint(with: wanted) {
            told.append(watcher)
            let used = kinds.intersection(once)
            if !used.isEmpty { take(used, from: watcher, path) }
        }
        if recursiveCount > 0, event.kind != .childrenChanged {
            for ancestor in ZnodePath.ancestors(of: event.path) {
                for (watcher, kinds) in watchers[ExactText(ancestor)] ?? [:] where kinds.contains(.recursive) { told.append(watcher) }
            }
        }
        return told.elements
    }

    /// Which kinds hear of an event, and which of them it uses up.
    private static func kinds(for event: TreeEvent.Kind) -> (wanted: WatchKinds, once: WatchKinds) {
        switch event {
        case .created, .dataChanged: ([.data, .persistent, .recursive], .data)
        case .childrenChanged: ([.child, .persistent], .child)
        case .deleted: (.all, [.data, .child])
        }
    }

    /// The watcher's connection is gone.
    package mutating func forget(_ watcher: WatcherID) {
        for path in held[watcher] ?? [] { take(kinds(watcher, path), from: watcher, path) }
    }

    /// How many paths are watched.
    package var pathCount: Int { watchers.count }
    /// Paths that a watcher watches, for reports.
    package func paths(of watcher: WatcherID) -> [String] { (held[watcher] ?? []).map(\.text) }
}
