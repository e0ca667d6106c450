// ZooKeeper's four-letter words, in the forms that monitoring tools parse. A setting allows them one by one; the others are answered as not
// allowed. Source: ZooKeeper's administrator's guide, "The Four Letter Words", and the answers of a real server.
import Base
import CoordCore
import NetKit
import ZooKeeperWire

/// A word sent in place of the first frame's length.
package enum FourLetterWord: String, CaseIterable, Sendable {
    case conf, cons, crst, dirs, dump, envi, gtmk, hash, isro, mntr, ruok, srst, srvr, stat, stmk, wchc, wchp, wchs

    init?(_ raw: UInt32) {
        var bytes = Bytes()
        bytes.writeInteger(raw)
        self.init(rawValue: bytes.text)
    }

    /// Those that only read and cost little.
    package static let byDefault: Set<FourLetterWord> = [
        .conf, .cons, .dirs, .envi, .gtmk, .hash, .isro, .mntr, .ruok, .srvr, .stat, .wchs,
    ]

    /// Reads a list such as `srvr,mntr`, or `*` for all; nil if a word is none.
    package static func list(_ text: String) -> Set<FourLetterWord>? {
        let words = text.split { $0 == "," || $0 == " " }
        if words == ["*"] { return Set(allCases) }
        let known = words.compactMap { FourLetterWord(rawValue: String($0)) }
        return known.count == words.count ? Set(known) : nil
    }
}

extension CoordDoor {
    /// The words whose answers are sent in pieces.
    func report(_ word: FourLetterWord) -> WatchReport? {
        guard settings.fourLetterWords.contains(word) else { return nil }
        return switch word {
        case .wchc: WatchReport(self, .bySession, isJSON: false)
        case .wchp: WatchReport(self, .byPath, isJSON: false)
        default: nil
        }
    }

    func answer(_ word: FourLetterWord) -> String {
        guard settings.fourLetterWords.contains(word) else {
            return "\(word.rawValue) is not executed because it is not in the whitelist.\n"
        }
        switch word {
        case .ruok: return "imok"
        case .isro: return isReadOnly ? "ro" : isServing ? "rw" : "null"
        case .srvr: return "Zookeeper version: \(ServerReport.version)\n" + summary
        case .stat: return "Zookeeper version: \(ServerReport.version)\nClients:\n" + clients(brief: true) + "\n" + summary
        case .cons: return clients(brief: false) + "\n"
        case .conf: return configuration.map { "\($0.0)=\($0.1)\n" }.joined() + membershipText
        case .dirs: return "datadir_size: \(dataBytesOnDisk)\nlogdir_size: \(dataBytesOnDisk)\n"
        case .envi: return "Environment:\n" + environment.map { "\($0.0)=\($0.1)\n" }.joined()
        case .mntr: return monitored.map { "zk_\($0.0)\t\($0.1)\n" }.joined()
        case .dump: return dump
        // The trace mask of this server is fixed, and it keeps no digests of its tree.
        case .gtmk, .stmk: return "0"
        case .hash: return "\n"
        case .crst:
            for connection in connectionList { connection.resetStatistics() }
            return "Connection stats reset.\n"
        case .srst:
            statistics.reset()
            return "Server stats reset.\n"
        case .wchs: return "\(watchingConnections.count) connections watching \(watches.pathCount) paths\nTotal watches:\(watches.count)\n"
        case .wchc, .wchp: preconditionFailure("these two are told in pieces")
        }
    }

    private var summary: String {
        let latency = statistics
        return """
            Latency min/avg/max: \(latency.latencyMin.inMilliseconds)/\(ServerReport.decimal(latency.latencyAverage))/\(latency.latencyMax.inMilliseconds)
            Received: \(latency.received)
            Sent: \(latency.sent)
            Connections: \(connections.count)
            Outstanding: \(outstanding)
            Zxid: 0x\(String(zxid, radix: 16))
            Mode: \(mode)
            Node count: \(machine.tree.count)

            """
    }

    private func clients(brief: Bool) -> String {
        connectionList.map { connection in
            let counts = connection.statistics
            var line =
                " /\(connection.remote)[\(connection.session == nil ? 0 : 1)](queued=\(connection.pendingCount),recved=\(counts.received),sent=\(counts.sent)"
            if !brief, let session = connection.session {
                let last = connection.last
                line +=
                    ",sid=0x\(String(session.rawValue, radix: 16)),lop=\(last.operation?.shortName ?? "NA"),est=\(wallTime(of: connection.openedAt))"
                line +=
                    ",to=\(connection.timeoutMilliseconds),lcxid=0x\(String(last.xid, radix: 16)),lzxid=0x\(String(UInt64(bitPattern: last.zxid), radix: 16))"
                line +=
                    ",lresp=\(last.answeredAt.nanoseconds / 1_000_000),llat=\(last.latency.inMilliseconds),minlat=\(counts.latencyMin.inMilliseconds)"
                line += ",avglat=\(Int(counts.latencyAverage)),maxlat=\(counts.latencyMax.inMilliseconds)"
            }
            return line + ")\n"
        }.joined()
    }

    private var dump: String {
        let sessions = machine.sessions.ids
        var text = "SessionTracker dump:\nSession Sets (1)/(\(sessions.count)):\n\(sessions.count) open:\n"
        text += sessions.map { "\t0x\(String($0.rawValue, radix: 16))\n" }.joined()
        let owners = sessions.filter { !machine.tree.ephemeralPaths(of: $0).isEmpty }
        text += "ephemeral nodes dump:\nSessions with Ephemerals (\(owners.count)):\n"
        for owner in owners {
            text += "0x\(String(owner.rawValue, radix: 16)):\n" + machine.tree.ephemeralPaths(of: owner).map { "\t\($0)\n" }.joined()
        }
        text += "Connections dump:\nConnections Sets (1)/(\(connections.count)):\n\(connections.count) open:\n"
        return text + connectionList.map { "\tip: /\($0.remote) sessionId: 0x\(String($0.session?.rawValue ?? 0, radix: 16))\n" }.joined()
    }
}
