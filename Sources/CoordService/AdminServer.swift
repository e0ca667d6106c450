// ZooKeeper's AdminServer: the four-letter words over HTTP, as JSON. It only shows things, but for counters that are set back where their
// four-letter word is allowed; what would change the server is refused with the reason. Source: ZooKeeper's administrator's guide, "The
// AdminServer", names and fields of version 3.9.
import Base
import CoordCore
import Logging
import NetKit

/// A document on its way to JSON.
indirect enum AdminValue {
    case null
    case text(String)
    case number(Int64)
    case decimal(Double)
    case flag(Bool)
    case list([AdminValue])
    case object([(String, AdminValue)])

    /// Indented as ZooKeeper's own answers are.
    func json(indent: String = "") -> String {
        switch self {
        case .null: return "null"
        case .text(let text): return JSONText.quoted(text)
        case .number(let number): return "\(number)"
        case .decimal(let number): return "\(number)"
        case .flag(let flag): return "\(flag)"
        case .list(let values):
            return values.isEmpty ? "[ ]" : "[ " + values.map { $0.json(indent: indent) }.joined(separator: ", ") + " ]"
        case .object(let fields):
            if fields.isEmpty { return "{ }" }
            let inner = indent + "  "
            return "{\n" + fields.map { inner + JSONText.quoted($0.0) + " : " + $0.1.json(indent: inner) }.joined(separator: ",\n")
                + "\n\(indent)}"
        }
    }
}

/// The listening AdminServer.
struct AdminServer: Sendable {
    private let server: HTTPServer
    var address: HostPort { server.address }
    func stop() async { await server.stop() }

    static func start(_ address: HostPort, _ door: CoordDoor, _ log: Logger) async throws -> AdminServer {
        AdminServer(server: try await HTTPServer.start(address, name: "coord", log: log) { call in await answer(call, door) })
    }

    private static func answer(_ call: HTTPCall, _ door: CoordDoor) async -> HTTPReply {
        guard call.method == "GET" || call.method == "HEAD" else { return .text(405, "this port only shows things: use GET\n") }
        let parts = call.path.pieces(at: "/", keepsEmpty: false).map(String.init)
        guard parts.first == "commands", parts.count <= 2 else { return .text(404, "there is no \(call.path) here; try /commands\n") }
        guard parts.count == 2 else { return commandList }
        guard let command = AdminCommand.byName[parts[1]] else {
            if let absent = AdminCommand.absent.first(where: { $0.names.contains(parts[1]) }) {
                return .json(501, AdminValue.object([("command", .text(absent.names[0])), ("error", .text(absent.reason))]).json() + "\n")
            }
            return .json(
                200, AdminValue.object([("command", .text(parts[1])), ("error", .text("Unknown command: \(parts[1])"))]).json() + "\n")
        }
        if let word = command.word, !door.settings.fourLetterWords.contains(word) {
            let reason = "it is not allowed: add \(word.rawValue) to coord.four-letter-words"
            return .json(403, AdminValue.object([("command", .text(command.names[0])), ("error", .text(reason))]).json() + "\n")
        }
        if let report = command.report { return await Self.stream(report, command.names[0], door) }
        let text = await door.onLoop {
            let fields = command.fields(door)
            let error: [(String, AdminValue)] = fields.contains { $0.0 == "error" } ? [] : [("error", .null)]
            return AdminValue.object([("command", .text(command.names[0]))] + fields + error).json()
        }
        return .json(200, text + "\n")
    }

    private static func stream(_ report: (field: String, order: WatchReport.Order), _ name: String, _ door: CoordDoor) async -> HTTPReply {
        let pieces = await door.onLoop { ReportPieces(WatchReport(door, report.order, isJSON: true)) }
        let body = HTTPReply.Body.stream(length: nil) { write in
            try await write(Bytes(string: "{\n  \"\(report.field)\" : {\n"))
            while let text = await door.onLoop({ pieces.next(door) }) { if !text.isEmpty { try await write(Bytes(string: text)) } }
            try await write(Bytes(string: "\n  },\n  \"command\" : \"\(name)\",\n  \"error\" : null\n}\n"))
        }
        return HTTPReply(200, headers: [("Content-Type", "application/json")], body: body)
    }

    /// A report that is asked for piece by piece from elsewhere.
    private final class ReportPieces: @unchecked Sendable {
        // Safe to share: the report is touched on the door's loop only.
        private var report: WatchReport
        init(_ report: WatchReport) { self.report = report }
        func next(_ door: CoordDoor) -> String? { report.next(door) }
    }

    private static var commandList: HTTPReply {
        let links = AdminCommand.all.map { "<a href=\"/commands/\($0.names[0])\">\($0.names[0])</a>" }
        return .text(
            200, "<!DOCTYPE html><title>coord</title>\n" + links.joined(separator: "<br/>\n") + "\n", type: "text/html; charset=utf-8")
    }
}

/// One command, under all its names.
struct AdminCommand: Sendable {
    var names: [String]
    /// The four-letter word that must be allowed for it; nil for what only shows things.
    var word: FourLetterWord?
    var fields: @Sendable (CoordDoor) -> [(String, AdminValue)] = { _ in [] }
    /// A report in pieces, as the one field of this name.
    var report: (field: String, order: WatchReport.Order)?

    static let byName: [String: AdminCommand] = Dictionary(
        uniqueKeysWithValues: all.flatMap { command in command.names.map { ($0, command) } })

    static let all = ofServer + ofEnsemble

    private static let ofServer: [AdminCommand] = [
        AdminCommand(names: ["configuration", "conf", "config"]) { door in
            let names = [
                "clientPort": "client_port", "dataDir": "data_dir", "dataLogDir": "data_log_dir", "tickTime": "tick_time",
                "maxClientCnxns": "max_client_cnxns", "minSessionTimeout": "min_session_timeout",
                "maxSessionTimeout": "max_session_timeout", "clientPortListenBacklog": "client_port_listen_backlog",
                "serverId": "server_id",
            ]
            return door.configuration.compactMap { name, value in names[name].map { ($0, figure(value)) } }
        },
        AdminCommand(names: ["connections", "cons"]) { door in
            [("connections", .list(door.connectionList.map { connection($0, door) })), ("secure_connections", .list([]))]
        },
        AdminCommand(names: ["dirs"]) { door in
            [("datadir_size", .number(door.dataBytesOnDisk)), ("logdir_size", .number(door.dataBytesOnDisk))]
        },
        AdminCommand(names: ["dump"]) { door in
            let owners = door.machine.sessions.ids.map { ("\($0.rawValue)", door.machine.tree.ephemeralPaths(of: $0)) }
            let expiries = door.sessions.clock.deadlines.map {
                ("\(door.wallTime(of: $0.time))", AdminValue.list($0.sessions.map { .number($0.rawValue) }))
            }
            return [
                ("expiry_time_to_session_ids", .object(expiries)),
                ("session_id_to_ephemeral_paths", .object(owners.filter { !$0.1.isEmpty }.map { ($0.0, .list($0.1.map { .text($0) })) })),
            ]
        },
        AdminCommand(names: ["environment", "env", "envi"]) { door in door.environment.map { ($0.0, .text($0.1)) } },
        AdminCommand(names: ["get_trace_mask", "gtmk"]) { _ in [("tracemask", .number(0))] },
        AdminCommand(names: ["is_read_only", "isro"]) { door in [("read_only", .flag(door.isReadOnly))] },
        AdminCommand(names: ["monitor", "mntr"]) { door in door.monitored.map { ($0.0, figure($0.1)) } },
        AdminCommand(names: ["ruok"]) { _ in [] },
        AdminCommand(names: ["server_stats", "srvr"]) { door in serverStatistics(door) },
        AdminCommand(names: ["stats", "stat"]) { door in
            serverStatistics(door) + [
                ("connections", .list(door.connectionList.map { connection($0, door) })), ("secure_connections", .list([])),
            ]
        },
        AdminCommand(names: ["watch_summary", "wchs"]) { door in
            [
                ("num_connections", .number(Int64(door.watchingConnections.count))), ("num_paths", .number(Int64(door.watches.pathCount))),
                ("num_total_watches", .number(Int64(door.watches.count))),
            ]
        },
        AdminCommand(names: ["watches", "wchc"], report: ("session_id_to_watched_paths", .bySession)),
        AdminCommand(names: ["watches_by_path", "wchp"], report: ("path_to_session_ids", .byPath)),
    ]

    private static func figure(_ text: String) -> AdminValue {
        Int64(text).map { .number($0) } ?? Double(text).map { .decimal($0) } ?? .text(text)
    }

    private static func connection(_ connection: CoordConnection, _ door: CoordDoor) -> AdminValue {
        let (counts, last) = (connection.statistics, connection.last)
        return .object([
            ("remote_socket_address", .text(connection.remote)), ("outstanding_requests", .number(Int64(connection.pendingCount))),
            ("packets_received", .number(Int64(counts.received))), ("packets_sent", .number(Int64(counts.sent))),
            ("session_id", .number(connection.session?.rawValue ?? 0)), ("last_operation", .text(last.operation?.shortName ?? "NA")),
            ("established", .number(door.wallTime(of: connection.openedAt))),
            ("session_timeout", .number(Int64(connection.timeoutMilliseconds))),
            ("last_cxid", .number(Int64(last.xid))), ("last_zxid", .number(last.zxid)),
            ("last_response_time", .number(last.answeredAt.nanoseconds / 1_000_000)),
            ("last_latency", .number(last.latency.inMilliseconds)), ("min_latency", .number(counts.latencyMin.inMilliseconds)),
            ("avg_latency", .decimal(counts.latencyAverage)), ("max_latency", .number(counts.latencyMax.inMilliseconds)),
        ])
    }

    private static func serverStatistics(_ door: CoordDoor) -> [(String, AdminValue)] {
        let counts = door.statistics
        let inner: [(String, AdminValue)] = [
            ("packets_sent", .number(Int64(counts.sent))), ("packets_received", .number(Int64(counts.received))),
            ("avg_latency", .decimal(counts.latencyAverage)),
            ("min_latency", .number(counts.latencyMin.inMilliseconds)), ("max_latency", .number(counts.latencyMax.inMilliseconds)),
            ("last_processed_zxid", .number(door.zxid)), ("outstanding_requests", .number(Int64(door.outstanding))),
            ("server_state", .text(door.mode)),
            ("num_alive_client_connections", .number(Int64(door.connections.count))),
            ("auth_failed_count", .number(Int64(door.counters.authenticationFailures.total))),
            ("data_dir_size", .number(door.dataBytesOnDisk)), ("log_dir_size", .number(door.dataBytesOnDisk)),
            ("uptime", .number(door.uptime.inMilliseconds)),
        ]
        return [
            ("version", .text(ServerReport.version)), ("read_only", .flag(false)), ("server_stats", .object(inner)),
            ("node_count", .number(Int64(door.machine.tree.count))),
        ]
    }
}
