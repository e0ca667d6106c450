// What is left of older code under the rules of LedgerTests. The numbers only shrink.

enum Ledgers {
    /// The parts of the benchmark program.
    static let benchmarks = ["broker", "compute", "coord", "dfs", "start"]

    /// Words that make comments hard to read, and what to say.
    nonisolated(unsafe) static let hardWords: [(words: Regex<Substring>, instead: String)] = [
        (#/\b[Ww]ho(?:ever)? (?:is|was|asks|may|has|leads|watches|comes|goes)\b/#, "the noun: the client, the leader, the caller"),
        (#/\b(?:[Ww]hoever|[Ss]omebody|[Ee]verybody|[Aa]nybody)\b/#, "the noun: any client, every broker"),
        (#/\b[Nn]obody\b/#, "`no client`, `no replica`, or an active sentence"),
        (#/\b[Aa]new\b/#, "`again`, or a verb with re-"),
        (#/\b[Ww]hat (?:is|was|it|they|nobody|somebody|others) /#, "the noun: the value, the rest, the pending records"),
        (#/\b(?:is|are|was|were) told\b/#, "`gets`, `learns`, `is notified`, or the sender as subject"),
        (#/\bhear[ds]? of\b/#, "`gets`, `is notified of`"),
        (#/\bas good as\b/#, "`counts as`"),
    ]
    static let hardComments: [String: Int] = [:]

    static let longLines: [String: Int] = [
        "BrokerCore": 3, "BrokerService": 7, "BrokerTests": 6, "Clients": 1, "ComputeCore": 2, "ComputeRuntime": 1, "CoordCore": 1,
        "CoordService": 9, "CoordTests": 2, "DFSCore": 3, "DFSTests": 2, "DatanodeService": 2, "FuzzTargets": 1, "HadoopNet": 1,
        "HadoopWire": 1, "HouseTests": 6, "KafkaWire": 2, "NamenodeService": 5, "PlatformKit": 68, "ProcessTests": 9, "QueryCore": 5,
        "QueryTests": 8, "Replication": 3, "Simulator": 1, "Storage": 1, "WireTests": 4, "platform-bench": 2, "platform-fuzz": 2,
        "platform-fuzz-api": 5, "platform-sim": 1,
    ]

    static let propertiesMax = 12
    static let manyProperties: [String: Int] = [
        "BrokerCore.BrokerMachine": 20, "BrokerCore.ConsumerGroupMember": 18, "BrokerCore.ConsumerGroupMemberRecord": 14,
        "BrokerCore.Group": 16, "BrokerCore.TopicConfig": 20, "BrokerService.Broker": 42, "BrokerService.BrokerSession": 21,
        "BrokerService.BrokerSettings": 20, "BrokerService.ClusterMember": 17, "BrokerService.Partition": 20,
        "BrokerService.ShareFetchWait": 19, "Clients.BlockWriter": 13, "ComputeCore.HashJoin": 20, "ComputeRuntime.MapReduceJob": 13,
        "ComputeService.ComputeDoorSettings": 13, "ComputeService.PlanOperation": 18, "Consensus.PaxosNode": 27,
        "CoordService.CoordConnection": 24, "CoordService.CoordDoor": 33, "CoordService.CoordSettings": 25, "DFSCore.CommandFields": 16,
        "DFSCore.Inode": 14, "HadoopWire.FileStatus": 15, "HadoopWire.WriteBlockRequest": 13, "NetKit.FrameConnection": 23,
        "NetKit.FrameHandler": 24, "NetKit.PeerLinks": 14, "Replication.ReplicaHost": 31, "Replication.ReplicaPump": 17,
        "Simulator.Broker": 14, "Simulator.ClusterRun": 14, "Simulator.PartitionRun": 14, "Simulator.ShareRun": 14,
        "Simulator.SimServer": 19, "Simulator.TransactionRun": 15, "platform-bench.AnswerHead": 15, "platform-bench.LoadState": 13,
    ]
}
