// The server's figures: one set, which the four-letter words print and the AdminServer sends as JSON. Names are those of ZooKeeper's
// `mntr`, so that existing dashboards find them.
import Base
import CoordCore
import Glibc
import NetKit
import Storage

enum ServerReport {
    /// The version whose behaviour is followed, and by whom; tools read the number in front.
    static let version = "3.9.5-platform, built on 2026-02-11 20:18 UTC"

    /// At most four digits behind the point, as ZooKeeper prints averages.
    static func decimal(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
}

extension CoordDoor {
    /// The part that this server plays.
    var mode: String {
        guard settings.ensemble != nil else { return "standalone" }
        if replica.isLeading { return "leader" }
        if replica.awaitsTables { return "looking" }
        if isReadOnly { return "read-only" }
        switch replica.standing {
        case .observer: return replica.leader == nil ? "looking" : "observer"
        case .founding, .guest, .stranger: return "looking"
        case .alone, .voter: return replica.leader == nil ? "looking" : "follower"
        }
    }

    var monitored: [(String, String)] {
        let counts = statistics
        return [
            ("version", ServerReport.version), ("server_state", mode), ("ephemerals_count", "\(machine.tree.ephemeralCount)"),
            ("num_alive_connections", "\(connections.count)"), ("avg_latency", ServerReport.decimal(counts.latencyAverage)),
            ("min_latency", "\(counts.latencyMin.inMilliseconds)"), ("max_latency", "\(counts.latencyMax.inMilliseconds)"),
            ("outstanding_requests", "\(outstanding)"), ("znode_count", "\(machine.tree.count)"), ("watch_count", "\(watches.count)"),
            ("packets_sent", "\(counts.sent)"), ("packets_received", "\(counts.received)"),
            ("approximate_data_size", "\(machine.tree.dataBytes)"), ("global_sessions", "\(machine.sessions.count)"),
            ("local_sessions", "\(sessions.locals.count)"),
            ("open_file_descriptor_count", "\(openFiles)"), ("max_file_descriptor_count", "\(openFilesMax)"),
            ("auth_failed_count", "\(counters.authenticationFailures.total)"), ("connection_rejected", "\(refusedConnections)"),
            ("stale_sessions_expired", "\(counters.expirations.total)"), ("throttled_ops", "\(holds)"),
            ("uptime", "\(uptime.inMilliseconds)"),
        ] + countedFigures + ensembleFigures + quotaFigures
    }

    /// Counts and latencies since the start, in milliseconds.
    private var countedFigures: [(String, String)] {
        [
            ("connection_request_count", "\(requestedConnections)"), ("connection_drop_count", "\(refusedConnections)"),
            ("commit_count", "\(executedCount)"), ("looking_count", "\(leaderlessCount)"),
            ("request_throttle_wait_count", "\(holds)"), ("watch_bytes", "\(watches.bytes)"),
        ]
            + Self.figures("readlatency", counters.reads.summary, quantiles: true)
            + Self.figures("updatelatency", counters.updates.summary, quantiles: true)
            + Self.figures("fsynctime", counters.syncs.summary, quantiles: false)
    }

    private static func figures(_ name: String, _ all: DurationSummary, quantiles: Bool) -> [(String, String)] {
        let average = all.count == 0 ? 0 : Double(all.total.inNanoseconds) / Double(all.count) / 1_000_000
        let figures = [
            ("avg_\(name)", ServerReport.decimal(average)), ("min_\(name)", "\(all.least.inMilliseconds)"),
            ("max_\(name)", "\(all.greatest.inMilliseconds)"), ("cnt_\(name)", "\(all.count)"),
            ("sum_\(name)", "\(all.total.inMilliseconds)"),
        ]
        guard quantiles else { return figures }
        return figures
            + [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)].map { ("\($0)_\(name)", "\(all.quantile($1).inMilliseconds)") }
    }

    /// Figures of a server of an ensemble, under ZooKeeper's names.
    private var ensembleFigures: [(String, String)] {
        guard settings.ensemble != nil, let roster = replica.roster else { return [] }
        let figures = [
            ("quorum_size", "\(roster.voters.count)"), ("peer_state", peerState), ("tables_missing", replica.awaitsTables ? "1" : "0"),
        ]
        guard replica.isLeading else { return figures }
        let (followers, observers, guests) = replica.synced
        return figures + [
            ("learners", "\(followers + observers + guests)"), ("synced_followers", "\(followers)"), ("synced_observers", "\(observers)"),
            ("synced_non_voting_followers", "\(guests)"),
        ]
    }

    private var peerState: String {
        if replica.isLeading { return "leading - broadcast" }
        if replica.leader == nil { return "looking" }
        if replica.awaitsTables { return "following - synchronization" }
        return mode == "observer" ? "observing - broadcast" : "following - broadcast"
    }

    /// The members as `conf` prints them; nothing on a server that stands alone.
    var membershipText: String {
        guard settings.ensemble != nil, let roster = replica.roster else { return "" }
        return "peerType=\(replica.standing == .observer ? 1 : 0)\nmembership: \n\(MemberText.config(roster))\n"
    }

    /// Limits and use of every quota, under the name of its first part as ZooKeeper has it.
    private var quotaFigures: [(String, String)] {
        machine.tree.quotas.flatMap { path, limit -> [(String, String)] in
            let used = machine.tree.quotaUsage(of: path.text)
            let name = path.text.pieces(at: "/", keepsEmpty: false).first.map(String.init) ?? ""
            return [
                ("\(name)_quota_count_limit_per_namespace", "\(limit.countHard >= 0 ? limit.countHard : limit.count)"),
                ("\(name)_quota_count_usage_per_namespace", "\(used.count)"),
                ("\(name)_quota_bytes_limit_per_namespace", "\(limit.bytesHard >= 0 ? limit.bytesHard : limit.bytes)"),
                ("\(name)_quota_bytes_usage_per_namespace", "\(used.bytes)"),
            ]
        }
    }

    var configuration: [(String, String)] {
        [
            ("clientPort", "\(address.port)"), ("secureClientPort", "\(secureAddress?.port ?? -1)"), ("dataDir", dataDirectory),
            ("dataDirSize", "\(dataBytesOnDisk)"),
            ("dataLogDir", dataDirectory + "/log"), ("dataLogSize", "\(dataBytesOnDisk)"),
            ("tickTime", "\(settings.sessions.tickMilliseconds)"),
            ("maxClientCnxns", "\(settings.connectionsPerAddressMax)"), ("minSessionTimeout", "\(settings.sessions.millisecondsMin)"),
            ("maxSessionTimeout", "\(settings.sessions.millisecondsMax)"), ("clientPortListenBacklog", "-1"),
            ("serverId", "\(settings.ensemble?.id ?? 0)"),
        ]
    }

    var environment: [(String, String)] {
        var name = utsname()
        uname(&name)
        func text<T>(_ field: T) -> String { withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }  // a C array of the call above
        return [
            ("zookeeper.version", ServerReport.version), ("host.name", text(name.nodename)), ("os.name", text(name.sysname)),
            ("os.arch", text(name.machine)),
            ("os.version", text(name.release)), ("server.name", "platform coord"),
        ]
    }

    /// Bytes of the log and the tables on disk; 0 for what cannot be read just now.
    var dataBytesOnDisk: Int64 {
        let files = RealFileSystem()
        func size(_ path: String) -> Int64 {
            // A segment may be trimmed between listing and looking; then it takes no room.
            guard let file = try? files.open(path, create: false) else { return 0 }
            defer { files.close(file) }
            return (try? files.size(file)) ?? 0  // as above
        }
        let segments = (try? files.list(dataDirectory + "/log")) ?? []  // as above
        let tables = ["meta.sqlite", "meta.sqlite-wal"].map { dataDirectory + "/" + $0 }
        return (segments.map { dataDirectory + "/log/" + $0 } + tables).reduce(0) { $0 + size($1) }
    }

    private var openFiles: Int {
        // Where /proc is not mounted the figure is 0.
        ((try? RealFileSystem().list("/proc/self/fd")) ?? []).count
    }

    private var openFilesMax: UInt64 {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }

    var watchingConnections: [CoordConnection] { connectionList.filter { watches.watches($0.id) } }

    /// The calendar's time of a point on the monotonic clock, in milliseconds.
    func wallTime(of instant: Instant) -> Int64 { time.wallTime().milliseconds - (now - instant).inMilliseconds }
}
