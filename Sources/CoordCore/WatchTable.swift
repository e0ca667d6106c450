// The watches of this server. One-time watches fire once; persistent ones stay until they are removed. Not part of the replicated
// state: a client that reconnects sets its watches again. A watcher gets an event at most once, for any number of its watches.
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

/// How much one server, and one watcher, may have in watches.
package struct WatchLimits: Sendable {
    /// Watches at a time over all connections; a client that asks for more is refused.
    package var watches: Int
    package var watchesPerWatcher: Int

    package init(watches: Int = 1_000_000, watchesPerWatcher: Int = 250_000) {
        self.watches = watches
        self.watchesPerWatcher = watchesPerWatcher
    }

    /// Each watch may hold this much on average, its name included, in bytes: names are of a client's choosing.
    private static let bytesPerWatch = 512
    /// Memory of a watch beside its name, about, in bytes.
    private static let overheadBytes = 160

    static func bytes(_ path: ExactText) -> Int { overheadBytes + path.text.utf8.count }

    func allow(_ watches: Int, _ bytes: Int) -> Bool { watches <= self.watches && bytes / Self.bytesPerWatch <= self.watches }
    func allowOne(_ watches: Int, _ bytes: Int) -> Bool { watches <= watchesPerWatcher && bytes / Self.bytesPerWatch <= watchesPerWatcher }
}

/// The watches of one server.
package struct WatchTable: Sendable {
    /// What one watcher holds.
    private struct Holdings: Sendable {
        var paths = OrderedSet<ExactText>()
        var count = 0
        var bytes = 0
    }
    private let limits: WatchLimits
    /// Memory of all watches, about, in bytes.
    package private(set) var bytes = 0
    private var watchers = LookupTable<ExactText, OrderedDictionary<WatcherID, WatchKinds>>()
    private var held = LookupTable<WatcherID, Holdings>()
    package private(set) var count = 0
    /// Number of recursive watches; at 0 ancestors are not searched.
    private var recursiveCount = 0
    package init(limits: WatchLimits = WatchLimits()) { self.limits = limits }

    /// False if the server, or the watcher, holds as many watches as it may.
    package mutating func add(_ watcher: WatcherID, _ kinds: WatchKinds, _ path: String) -> Bool {
        let path = ExactText(path)
        let added = kinds.subtracting(watchers[path]?[watcher] ?? [])
        if added.isEmpty { return true }
        // One of a name that the watcher watches already takes no more memory.
        let isFirst = watchers[path]?[watcher] == nil
        let more = isFirst ? WatchLimits.bytes(path) : 0
        let own = held[watcher]
        guard limits.allow(count + added.count, bytes + more), limits.allowOne((own?.count ?? 0) + added.count, (own?.bytes ?? 0) + more)
        else { return false }
        watchers[path, default: [:]][watcher, default: []].formUnion(added)
        if isFirst { held[watcher, default: Holdings()].paths.append(path) }
        held[watcher]?.count += added.count
        held[watcher]?.bytes += more
        count += added.count
        bytes += more
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
        held[watcher]?.count -= kinds.count
        if kinds.contains(.recursive) { recursiveCount -= 1 }
        let rest = self.kinds(watcher, path).subtracting(kinds)
        guard rest.isEmpty else {
            watchers[path]?[watcher] = rest
            return
        }
        bytes -= WatchLimits.bytes(path)
        held[watcher]?.bytes -= WatchLimits.bytes(path)
        held[watcher]?.paths.removeUnordered(path)
        if held[watcher]?.paths.isEmpty == true { held.remove(watcher) }
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

    /// The kinds that an event fires, and those of them that it removes.
    private static func kinds(for event: TreeEvent.Kind) -> (wanted: WatchKinds, once: WatchKinds) {
        switch event {
        case .created, .dataChanged: ([.data, .persistent, .recursive], .data)
        case .childrenChanged: ([.child, .persistent], .child)
        case .deleted: (.all, [.data, .child])
        }
    }

    /// The watcher's connection is gone: gives up at most `pathsMax` of the names that it watched; false if there are more.
    package mutating func forget(_ watcher: WatcherID, pathsMax: Int) -> Bool {
        for _ in 0..<pathsMax {
            guard let path = held[watcher]?.paths.last else { return true }
            take(kinds(watcher, path), from: watcher, path)
        }
        return held[watcher] == nil
    }

    /// How many paths are watched.
    package var pathCount: Int { watchers.count }
    /// Paths that a watcher watches, for reports. O(1).
    package func paths(of watcher: WatcherID) -> [ExactText] { held[watcher]?.paths.elements ?? [] }
    package func watches(_ watcher: WatcherID) -> Bool { held[watcher] != nil }
    /// The watchers of a path.
    package func watchers(of path: ExactText) -> [WatcherID] { watchers[path].map { Array($0.keys) } ?? [] }
}
