// Requests about watches alone. Setting one asks for no permission: whether the session may know is asked at each event.
import Base
import CoordCore
import ZooKeeperWire

enum WatchRequests {
    static func add(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        let request = try read(&io)
        let kind: WatchKinds
        switch request.mode {
        case 0: kind = .persistent
        case 1: kind = .recursive
        default: throw .unknownTag("watch mode", Int(request.mode))
        }
        guard context.watches.add(kind, request.path) else { return .refused(.badArguments) }
        return .body(encode(ErrorResponse(error: .ok)))
    }

    static func check(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        let request = try read(&io)
        let wanted = try kinds(request.mode)
        return context.watches.held(request.path).isDisjoint(with: wanted) ? .refused(.noWatcher) : .body(Bytes())
    }

    static func remove(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        let request = try read(&io)
        return context.watches.remove(try kinds(request.mode), request.path) ? .body(Bytes()) : .refused(.noWatcher)
    }

    private static func read(_ io: inout JuteReader) throws(WireError) -> (path: String, mode: Int32) {
        var request = WatchRequest()
        try request.layout(&io)
        // Nothing has a path that is null; as in ZooKeeper it can be watched all the same.
        return (request.path ?? "", request.mode)
    }

    /// Source: ZooKeeper's Watcher.WatcherType.
    private static func kinds(_ type: Int32) throws(WireError) -> WatchKinds {
        switch type {
        case 1: .child
        case 2: .data
        case 3: .all
        case 4: .persistent
        case 5: .recursive
        default: throw .unknownTag("watcher type", Int(type))
        }
    }
}

extension TreeEvent {
    var watchEvent: WatchEvent {
        switch kind {
        case .created: WatchEvent(type: .created, path: path)
        case .deleted: WatchEvent(type: .deleted, path: path)
        case .dataChanged: WatchEvent(type: .dataChanged, path: path)
        case .childrenChanged: WatchEvent(type: .childrenChanged, path: path)
        }
    }
}
