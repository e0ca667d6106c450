// Telling watchers what happened, and what they missed. What a session may not read it does not hear of: the access list that the node had
// at the event decides, also for a node that is gone.
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

    /// Sets the watches of a client that came back, and tells it at once what it missed. Persistent watches miss nothing: what
    /// happened meanwhile is the client's to look up.
    func restoreWatches(_ request: SetWatches2Request, for connection: CoordConnection) {
        let since = request.oneTime.relativeZxid
        for path in request.oneTime.data {
            let node = machine.tree.outline(path)
            restore(path, .data, connection, missed: node.map { $0.stat.mzxid > since ? .dataChanged : nil } ?? .deleted, node)
        }
        for path in request.oneTime.exists {
            let node = machine.tree.outline(path)
            restore(path, .data, connection, missed: node == nil ? nil : .created, node)
        }
        for path in request.oneTime.children {
            let node = machine.tree.outline(path)
            restore(path, .child, connection, missed: node.map { $0.stat.pzxid > since ? .childrenChanged : nil } ?? .deleted, node)
        }
        for path in request.persistent { restore(path, .persistent, connection, missed: nil, nil) }
        for path in request.recursive { restore(path, .recursive, connection, missed: nil, nil) }
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
