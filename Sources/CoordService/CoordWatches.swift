// Notifications of watchers, also of missed events. The node's access list at the time of the event decides whether a session is
// notified, also for a deleted node.
import Base
import CoordCore
import ZooKeeperWire

extension CoordDoor {
    func fire(_ event: TreeEvent, zxid: Int64) {
        for watcher in watches.fire(event) {
            guard let connection = connections[watcher], AccessControl.allows(event.acl, .read, to: connection.identities) else { continue }
            counters.notifications.add()
            connection.notify(event.watchEvent, zxid: zxid)
        }
    }

    /// The watches of one connection.
    func watches(of id: WatcherID) -> ConnectionWatches {
        ConnectionWatches(
            add: { [unowned self] in self.watches.add(id, $0, $1) }, held: { [unowned self] in self.watches.kinds(id, $0) },
            remove: { [unowned self] in self.watches.remove(id, $0, $1) })
    }

    /// Sets some of the watches of a client that reconnected, and sends it the missed events at once; false if there are more. Persistent
    /// watches have no missed events: the client looks changes up itself.
    func restoreWatches(_ restore: inout WatchRestore, for connection: CoordConnection) -> Bool {
        for _ in 0..<WatchRestore.pathsMax {
            guard !connection.isEnded, let (path, kind) = restore.next() else { return true }
            let node = machine.tree.outline(path)
            let missed: TreeEvent.Kind? =
                switch kind {
                case .data: node.map { $0.stat.mzxid > restore.since ? .dataChanged : nil } ?? .deleted
                case .exists: node == nil ? nil : .created
                case .children: node.map { $0.stat.pzxid > restore.since ? .childrenChanged : nil } ?? .deleted
                case .persistent, .recursive: nil
                }
            self.restore(path, kind.watch, connection, missed: missed, node)
        }
        return false
    }

    private func restore(_ path: String, _ kind: WatchKinds, _ connection: CoordConnection, missed: TreeEvent.Kind?, _ node: ZnodeOutline?)
    {
        if let missed, AccessControl.allows(node?.acl ?? [.open], .read, to: connection.identities) {
            counters.notifications.add()
            // An event that lies in the past has no zxid of its own.
            return connection.notify(TreeEvent(missed, path, acl: []).watchEvent, zxid: -1)
        }
        if !watches.add(connection.id, kind, path) { connection.end() }
    }
}

/// The rest of a client's watches that are to be set.
struct WatchRestore {
    enum Kind: CaseIterable {
        case data, exists, children, persistent, recursive

        var watch: WatchKinds {
            switch self {
            case .data, .exists: .data
            case .children: .child
            case .persistent: .persistent
            case .recursive: .recursive
            }
        }
    }
    let since: Int64
    private var lists: [(kind: Kind, paths: [String])]
    private var place = 0
    /// How many are set in one turn of the loop.
    static let pathsMax = 500

    init(_ request: SetWatches2Request) {
        since = request.oneTime.relativeZxid
        lists = [
            (.recursive, request.recursive), (.persistent, request.persistent), (.children, request.oneTime.children),
            (.exists, request.oneTime.exists),
            (.data, request.oneTime.data),
        ]
    }

    mutating func next() -> (path: String, kind: Kind)? {
        while let (kind, paths) = lists.last {
            guard place < paths.count else {
                lists.removeLast()
                place = 0
                continue
            }
            defer { place += 1 }
            return (paths[place], kind)
        }
        return nil
    }
}
