// The AdminServer's commands about the ensemble, those that set counters back, and those of ZooKeeper 3.9 that have no place here, each
// with the reason. Names and fields are ZooKeeper's.
import Base
import CoordCore
import NetKit
import Replication

extension AdminCommand {
    static let ofEnsemble: [AdminCommand] = [
        AdminCommand(names: ["leader", "lead"]) { door in
            guard door.settings.ensemble != nil else { return [("error", .text("server is not initialized"))] }
            guard let leader = door.replica.leader else { return [("error", .text("no leader is known"))] }
            return [
                ("is_leader", .flag(door.replica.isLeading)), ("leader_id", .number(leader.rawValue)),
                ("leader_ip", .text(door.member(leader).map { host(of: $0.address) } ?? "")),
            ]
        },
        AdminCommand(names: ["voting_view"]) { door in
            let voters = (door.settings.ensemble == nil ? nil : door.replica.roster)?.members.filter(\.isVoter) ?? []
            return [("current_config", .object(voters.map { ("\($0.id.rawValue)", view(of: $0)) }))]
        },
        AdminCommand(names: ["initial_configuration", "icfg"]) { door in
            let peers = door.settings.ensemble?.peers.map { "server.\($0.id)=\($0.address)\n" }.joined() ?? ""
            return [("initial_configuration", .text(peers))]
        },
        AdminCommand(names: ["observers", "obsr"]) { door in
            // Who they are is known to the leader only by number; ZooKeeper tells their connections as well.
            let isLeading = door.settings.ensemble != nil && door.replica.isLeading
            return [("synced_observers", .number(Int64(isLeading ? door.replica.synced.observers : 0))), ("observers", .list([]))]
        },
        AdminCommand(names: ["zabstate"]) { door in
            let (zxid, own) = (UInt64(bitPattern: door.zxid), door.settings.ensemble.flatMap { door.member(NodeID($0.id)) })
            return [
                ("myid", .number(door.settings.ensemble?.id ?? 0)),
                ("is_leader", .flag(door.settings.ensemble == nil || door.replica.isLeading)),
                ("quorum_address", .text(own?.address ?? "")), ("election_address", .text(own.map(electionAddress) ?? "")),
                ("client_address", .text("\(door.address)")), ("last_zxid", .text("0x" + String(zxid, radix: 16))),
                ("zab_epoch", .number(Int64(zxid >> 32))), ("zab_counter", .number(Int64(zxid & 0xffff_ffff))),
                ("voting", .flag(own?.isVoter ?? false)),
                ("zabstate", .text(door.settings.ensemble == nil ? "" : door.replica.leader == nil ? "election" : "broadcast")),
            ]
        },
        AdminCommand(names: ["hash"]) { _ in [("digests", .list([]))] },
        AdminCommand(names: ["connection_stat_reset", "crst"], word: .crst) { door in
            for connection in door.connectionList { connection.resetStatistics() }
            return []
        },
        AdminCommand(names: ["stat_reset", "srst"], word: .srst) { door in
            door.statistics.reset()
            return []
        },
    ]

    /// Names of ZooKeeper's that are not answered, and why.
    static let absent: [(names: [String], reason: String)] = [
        (["last_snapshot", "lsnp"], "there are no snapshots: the tables follow the log all the time"),
        (["snapshot", "snap"], "this port only shows things; copy the data directory of a stopped server, or use platform coord export"),
        (["restore", "rest"], "this port only shows things; put a copied data directory in its place, or use platform coord import"),
        (["set_trace_mask", "stmk"], "there is no trace mask; set log.level"),
        (["observer_connection_stat_reset", "orst"], "connections of observers have no counters"),
        (["system_properties", "sysp"], "there is no Java; platform config show tells the settings"),
    ]

    private static func host(of address: String) -> String { HostPort(parsing: address, defaultPort: 0)?.host ?? address }

    private static func electionAddress(of member: Member) -> String { "\(host(of: member.address)):\(MemberText.electionPort(member))" }

    private static func view(of member: Member) -> AdminValue {
        let parts = member.card.pieces(at: ";", maxSplits: 1)
        return .object([
            ("server_addresses", .list([.text(member.address)])), ("election_addresses", .list([.text(electionAddress(of: member))])),
            ("client_address", .text(parts.count > 1 ? String(parts[1]) : "")),
            ("learner_type", .text(member.isVoter ? "participant" : "observer")),
        ])
    }
}

extension CoordDoor {
    fileprivate func member(_ id: NodeID) -> Member? { replica.roster?.members.first { $0.id == id } }
}
