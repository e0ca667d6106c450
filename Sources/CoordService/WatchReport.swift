// Reports of all watches, made in pieces, since there may be a million and other requests go on meanwhile. A report shows each connection's
// watches at its beginning, in the forms of ZooKeeper's `wchc` and `wchp` and of its AdminServer.
import Base
import CoordCore
import NetKit

/// A report under way. Used on the loop.
struct WatchReport {
    enum Order { case bySession, byPath }
    private struct Holder {
        var id: WatcherID
        var session: Int64
        var paths: [ExactText]
    }
    private let order: Order
    private let isJSON: Bool
    private let holders: [Holder]
    private var holder = 0
    private var place = 0
    private var isFirst = true
    private var ended = false
    /// How much of a report is made in one turn of the loop.
    private static let pathsMax = 500
    private static let bytesMax = 64 << 10

    init(_ door: CoordDoor, _ order: Order, isJSON: Bool) {
        self.order = order
        self.isJSON = isJSON
        // The lists are shared, and copied only when they change.
        holders = door.watchingConnections.map {
            Holder(id: $0.id, session: $0.session?.rawValue ?? 0, paths: door.watches.paths(of: $0.id))
        }
    }

    /// The next piece; nil at the end.
    mutating func next(_ door: CoordDoor) -> String? {
        guard !ended else { return nil }
        var text = ""
        var paths = 0
        while holder < holders.count {
            guard place < holders[holder].paths.count else {
                if order == .bySession, isJSON, !holders[holder].paths.isEmpty { text += " ]" }
                (holder, place) = (holder + 1, 0)
                continue
            }
            guard paths < Self.pathsMax, text.utf8.count < Self.bytesMax else { return text }
            text += order == .bySession ? entryBySession() : entryByPath(door)
            place += 1
            paths += 1
        }
        ended = true
        return text + (isJSON ? "" : "\n")
    }

    private mutating func separator() -> String {
        defer { isFirst = false }
        return isFirst ? "" : ",\n"
    }

    private mutating func entryBySession() -> String {
        let (holder, path) = (holders[holder], holders[holder].paths[place].text)
        guard isJSON else { return (place == 0 ? "0x\(String(holder.session, radix: 16))\n" : "") + "\t\(path)\n" }
        return (place == 0 ? separator() + "    \"\(holder.session)\" : [ " : ", ") + JSONText.quoted(path)
    }

    /// A path is reported with the first of its watchers.
    private mutating func entryByPath(_ door: CoordDoor) -> String {
        let (own, path) = (holders[holder], holders[holder].paths[place])
        let watchers = door.watches.watchers(of: path).sorted()
        let known = watchers.compactMap { id in holders.firstIndex { $0.id == id } }
        guard known.first.map({ $0 == holder }) ?? true else { return "" }
        let sessions = known.isEmpty ? [own.session] : known.map { holders[$0].session }
        guard isJSON else { return path.text + "\n" + sessions.map { "\t0x\(String($0, radix: 16))\n" }.joined() }
        return separator() + "    \(JSONText.quoted(path.text)) : [ \(sessions.map { "\($0)" }.joined(separator: ", ")) ]"
    }
}

extension CoordConnection {
    /// Sends a report in place of frames, as the peer takes it, and closes.
    func send(_ report: WatchReport) {
        guard !isEnded else { return }
        guard frames.isPeerTaking else { return door.loop.schedule(after: Self.reportPause) { self.send(report) } }
        var rest = report
        guard let text = rest.next(door) else { return end() }
        frames.sendRaw(Bytes(string: text))
        door.loop.executeNextTurn { [rest] in self.send(rest) }
    }

    private static var reportPause: Duration { .milliseconds(5) }
}
