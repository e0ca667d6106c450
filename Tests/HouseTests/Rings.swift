// The rings of the house: which target may name which. The picture is in docs/architecture.md; this table is what holds.

enum Rings {
    static let wires: Set<String> = ["ZooKeeperWire", "KafkaWire", "HadoopWire", "SparkWire"]
    static let cores: Set<String> = ["Consensus", "CoordCore", "BrokerCore", "DFSCore", "QueryCore", "ComputeCore", "CatalogCore"]
    static let services: Set<String> = ["CoordService", "BrokerService", "NamenodeService", "DatanodeService", "ComputeService"]

    /// What each target may import of our own.
    static let allowed: [String: Set<String>] = [
        "CSupport": [], "CompressionLibraries": [], "Codecs": ["CompressionLibraries"], "RegularExpressionLibrary": [], "DemoInput": [],
        "Base": ["CSupport"],
        "ZooKeeperWire": ["Base"], "KafkaWire": ["Base", "Codecs"], "HadoopWire": ["Base"], "SparkWire": ["Base"],
        "Parquet": ["Codecs"],
        "CatalogCore": ["Base"], "Consensus": ["Base"], "CoordCore": ["Base"], "BrokerCore": ["Base"], "DFSCore": ["Base"],
        "QueryCore": ["Base"],
        "ComputeCore": ["Base", "Codecs", "Parquet", "QueryCore", "RegularExpressionLibrary"],
        "Storage": ["Base", "CSupport"], "TablePages": ["CSupport"], "MetaStore": ["Base", "Storage", "TablePages"],
        "Replication": ["Base", "Consensus", "Storage", "MetaStore"],
        "NetKit": ["Base"],
        "Clients": wires.union(["Base", "NetKit", "HadoopNet"]),
        "CoordService": ["Base", "ZooKeeperWire", "CoordCore", "Replication", "NetKit", "Storage"],
        "BrokerService": ["Base", "KafkaWire", "BrokerCore", "Replication", "NetKit", "Storage"],
        "HadoopNet": ["Base", "HadoopWire", "NetKit"],
        "NamenodeService": ["Base", "HadoopWire", "HadoopNet", "DFSCore", "Replication", "NetKit", "Storage"],
        "DatanodeService": ["Base", "HadoopWire", "HadoopNet", "NetKit", "Storage"],
        "ComputeRuntime": ["Base", "Codecs", "QueryCore", "ComputeCore", "NetKit", "Clients"],
        "PlatformCompute": ["Base", "QueryCore", "ComputeCore", "ComputeRuntime", "Clients", "NetKit"],
        "ComputeService": [
            "Base", "CatalogCore", "Codecs", "SparkWire", "QueryCore", "ComputeCore", "ComputeRuntime", "PlatformCompute", "Replication",
            "NetKit", "Storage", "Clients",
        ],
        "PlatformKit": services.union(wires).union([
            "CSupport", "Base", "Codecs", "HadoopNet", "CoordCore", "DemoInput", "Storage", "Replication", "NetKit", "Clients",
            "PlatformCompute", "ComputeRuntime", "ComputeCore", "QueryCore",
        ]),
        "platform": ["PlatformKit"],
        "Simulator": ["Base", "Consensus", "CatalogCore", "CoordCore", "BrokerCore", "DFSCore", "Storage", "Replication"],
        "FuzzTargets": ["Base", "KafkaWire", "Parquet", "ZooKeeperWire", "Consensus", "Replication", "BrokerCore", "CoordCore"],
        "platform-fuzz": ["Base", "FuzzTargets"],
        // The table of the RPC's methods, with their layouts, belongs to the namenode; the client of Spark Connect to compute.
        "platform-fuzz-api": wires.union(["Base", "ComputeCore", "ComputeService", "HadoopNet", "NamenodeService", "QueryCore", "TestKit"]),
        "platform-sim": ["BrokerCore", "CatalogCore", "CoordCore", "DFSCore", "Simulator"],
        "TestKit": [],
        "platform-bench": services.union([
            "Base", "NetKit", "Clients", "TestKit", "ZooKeeperWire", "KafkaWire", "ComputeCore", "QueryCore", "PlatformCompute",
        ]),
    ]

    /// The one target that may import each third-party module.
    static let importer: [String: String] = [
        "NIOPosix": "NetKit", "NIOSSL": "NetKit", "NIOTLS": "NetKit", "HummingbirdTLS": "NetKit", "NIOHTTP1": "NetKit",
        "Hummingbird": "NetKit", "HummingbirdCore": "NetKit", "HTTPTypes": "NetKit",
        "ServiceLifecycle": "NetKit", "UnixSignals": "NetKit", "Crypto": "NetKit", "CryptoExtras": "NetKit", "GRDB": "MetaStore",
        "GRDBSQLite": "MetaStore", "ArgumentParser": "PlatformKit", "TOMLKit": "PlatformKit", "Subprocess": "PlatformKit",
        "GRPCCore": "ComputeService", "GRPCNIOTransportHTTP2Posix": "ComputeService", "SwiftProtobuf": "SparkWire",
    ]

    /// Words that have no place in a value core, and what to use instead.
    static let bannedInCores: [(pattern: String, instead: String)] = [
        (#"\bimport Foundation\b"#, "the standard library"), (#"\basync\b"#, "a synchronous step; effects go out as values"),
        (#"\bTask\b *(\{|\.|<)"#, "effects"), (#"\bactor\b +\w"#, "a struct"),
        (#"\b(Date|ContinuousClock|SuspendingClock)\("#, "`now: Instant` as an argument"),
        (#"\.random\(|SystemRandomNumberGenerator"#, "a `Prng` argument"),
        (#"\b(NSLock|Mutex|DispatchQueue|pthread_)"#, "a value owned by one pump"),
        (#"\b(print|fopen|fputs)\("#, "an effect"),
    ]

    /// Where text is names, paths, lists and rows of others.
    static let targetsOfBytes = wires.union([
        "Base", "CatalogCore", "CoordCore", "BrokerCore", "DFSCore", "Consensus", "CoordService", "Replication", "MetaStore", "Storage",
    ])

    /// Cuts and searches that go by characters. Literals are empty here.
    nonisolated(unsafe) static let characterwise = /\.split\(separator: ""|\.hasPrefix\(|\.hasSuffix\(|Index\(of: ""|prefix \{ \$0 [!=]= ""/  // a constant that nobody changes

    /// How many lines do so all the same, of old; only ever fewer.
    static let characterwiseMax: [String: Int] = ["BrokerCore": 9, "DFSCore": 3, "SparkWire": 1, "Storage": 11]
}
