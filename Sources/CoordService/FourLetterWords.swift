// ZooKeeper's four-letter words that are cheap and only read. Anything else is answered by closing, as ZooKeeper does with words that
// are not on its list. Source: ZooKeeper's administrator's guide, "The Four Letter Words".
import Base
import CoordCore

/// A word sent in place of the first frame's length.
enum FourLetterWord: String, CaseIterable {
    case ruok, srvr, stat, mntr, conf, cons, isro, envi

    init?(_ raw: UInt32) {
        var bytes = Bytes()
        bytes.writeInteger(raw)
        self.init(rawValue: bytes.text)
    }

    func answer(_ door: CoordDoor) -> String {
        switch self {
        case .ruok: "imok"
        case .isro: "rw"
        case .srvr: summary(door)
        case .stat: summary(door) + "\nClients:\n" + clients(door)
        case .cons: clients(door)
        case .conf:
            "clientPort=\(door.address.port)\ntickTime=\(door.settings.tickMilliseconds)\nminSessionTimeout=\(door.settings.sessionMillisecondsMin)\nmaxSessionTimeout=\(door.settings.sessionMillisecondsMax)\nmaxClientCnxns=\(door.settings.connectionsPerAddressMax)\nserverId=1\n"
        // Clients take the server's version from the first line.
        case .envi: "Environment:\nzookeeper.version=3.9.5-platform\nserver=platform coord\n"
        case .mntr: monitor(door)
        }
    }

    private func clients(_ door: CoordDoor) -> String {
        door.connectionList.map { " /\($0.remote)[\($0.session == nil ? 0 : 1)](queued=\($0.pendingCount))\n" }.joined()
    }

    private func summary(_ door: CoordDoor) -> String {
        """
        Zookeeper version: 3.9.5-platform
        Received: \(door.counters.requests.total)
        Connections: \(door.connectionCount)
        Zxid: 0x\(String(door.zxid, radix: 16))
        Mode: standalone
        Node count: \(door.machine.tree.count)

        """
    }

    private func monitor(_ door: CoordDoor) -> String {
        let values: [(String, String)] = [
            ("zk_version", "3.9.5-platform"), ("zk_server_state", "standalone"), ("zk_packets_received", "\(door.counters.requests.total)"),
            ("zk_num_alive_connections", "\(door.connectionCount)"), ("zk_znode_count", "\(door.machine.tree.count)"),
            ("zk_watch_count", "\(door.watchCount)"), ("zk_global_sessions", "\(door.machine.sessions.count)"),
            ("zk_approximate_data_size", "\(door.machine.tree.dataBytes)"), ("zk_uptime", "\(door.uptime.inMilliseconds)"),
        ]
        return values.map { "\($0.0)\t\($0.1)\n" }.joined()
    }
}
