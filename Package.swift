// swift-tools-version: 6.2
// The house: one target per room, ordered by ring. A target may depend on lower rings only; HouseTests checks it from the imports.
// Each third-party package is named by one target (Collections and Logging are free to all).
import PackageDescription

let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "platform",
    products: [
        .executable(name: "platform", targets: ["platform"]),
        .library(name: "PlatformCompute", targets: ["PlatformCompute"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Ring 0: ground
        .target(name: "CSupport"),
        .target(name: "DemoInput", exclude: ["flights-2013-01.csv.gz"]),
        .target(
            name: "Base",
            dependencies: ["CSupport", .product(name: "NIOCore", package: "swift-nio"), collections]),
        .systemLibrary(
            name: "CompressionLibraries", providers: [.apt(["zlib1g-dev", "libzstd-dev", "liblz4-dev", "libsnappy-dev"])]),
        .target(name: "Codecs", dependencies: ["CompressionLibraries"]),
        .systemLibrary(name: "RegularExpressionLibrary", providers: [.apt(["libpcre2-dev"])]),

        // Ring 1: wires
        .target(
            name: "SparkWire", dependencies: ["Base", .product(name: "SwiftProtobuf", package: "swift-protobuf")], exclude: ["Protos"]),
        .target(name: "KafkaWire", dependencies: ["Base", "Codecs"]),
        .target(name: "ZooKeeperWire", dependencies: ["Base"]),
        .target(name: "HadoopWire", dependencies: ["Base"]),
        .target(name: "Parquet", dependencies: ["Codecs"]),

        // Ring 2: cores
        .target(name: "BrokerCore", dependencies: ["Base", collections]),
        .target(name: "CatalogCore", dependencies: ["Base"]),
        .target(name: "Consensus", dependencies: ["Base", collections]),
        .target(name: "CoordCore", dependencies: ["Base", collections]),
        .target(name: "DFSCore", dependencies: ["Base", collections]),
        .target(name: "QueryCore", dependencies: [collections]),
        .target(name: "ComputeCore", dependencies: ["Codecs", "Parquet", "QueryCore", "RegularExpressionLibrary", collections]),

        // Ring 3: storage
        .target(name: "Storage", dependencies: ["Base", "CSupport"]),
        .target(name: "TablePages", dependencies: ["CSupport"], linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "MetaStore",
            dependencies: [
                "Base", "Storage", "TablePages", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),

        // Ring 4: runtime
        .target(name: "Replication", dependencies: ["Base", "Consensus", "Storage", "MetaStore", collections, logging]),
        .target(
            name: "NetKit",
            dependencies: [
                "Base", collections, logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .target(name: "Clients", dependencies: ["Base", "NetKit", "KafkaWire", "ZooKeeperWire", "HadoopWire", "HadoopNet", collections]),
        .target(name: "HadoopNet", dependencies: ["Base", "HadoopWire", "NetKit", logging]),
        .target(
            name: "ComputeRuntime", dependencies: ["Base", "Codecs", "ComputeCore", "NetKit", "Clients"],
            resources: [.embedInCode("Python/platform_worker.py"), .embedInCode("Python/platform_values.py")]),

        // Ring 5: services
        .target(
            name: "CoordService",
            dependencies: ["Base", "ZooKeeperWire", "CoordCore", "Replication", "NetKit", "Storage", collections, logging]),
        .target(
            name: "BrokerService",
            dependencies: ["Base", "KafkaWire", "BrokerCore", "Replication", "NetKit", "Storage", collections, logging]),
        .target(
            name: "NamenodeService",
            dependencies: ["Base", "HadoopWire", "HadoopNet", "DFSCore", "Replication", "NetKit", "Storage", logging]),
        .target(name: "DatanodeService", dependencies: ["Base", "HadoopWire", "HadoopNet", "NetKit", "Storage", logging]),
        .target(name: "PlatformCompute", dependencies: ["ComputeCore", "ComputeRuntime", collections]),
        .target(
            name: "ComputeService",
            dependencies: [
                "Base", "CatalogCore", "Codecs", "SparkWire", "QueryCore", "ComputeCore", "ComputeRuntime", "NetKit", "Replication",
                "Storage", logging, .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ]),

        // Ring 6: roof
        .target(
            name: "PlatformKit",
            dependencies: [
                "CSupport", "Base", "Codecs", "Storage", "Replication", "NetKit", "Clients", "ZooKeeperWire", "KafkaWire", "CoordCore",
                "QueryCore",
                "ComputeCore",
                "CoordService", "BrokerService", "NamenodeService", "DatanodeService", "HadoopWire", "HadoopNet", "ComputeService",
                "ComputeRuntime", "PlatformCompute", "DemoInput", logging,
                collections, .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ]),
        .executableTarget(name: "platform", dependencies: ["PlatformKit"]),

        // Tests and what they stand on
        .target(name: "TestKit", dependencies: []),
        .executableTarget(
            name: "platform-bench", dependencies: ["Base", "NetKit", "Clients", "ZooKeeperWire", "ComputeService", "TestKit"]),
        .target(
            name: "Simulator",
            dependencies: ["Base", "Consensus", "Storage", "Replication", "BrokerCore", "CatalogCore", "CoordCore", "DFSCore"]),
        .target(
            name: "FuzzTargets",
            dependencies: ["Base", "KafkaWire", "Parquet", "ZooKeeperWire", "Consensus", "Replication", "BrokerCore", "CoordCore"]),
        .executableTarget(name: "platform-fuzz", dependencies: ["Base", "FuzzTargets"]),
        .executableTarget(
            name: "platform-fuzz-api",
            dependencies: [
                "Base", "ComputeCore", "ComputeService", "HadoopNet", "HadoopWire", "KafkaWire", "NamenodeService", "QueryCore",
                "SparkWire", "TestKit", "ZooKeeperWire",
            ]),
        .executableTarget(name: "platform-sim", dependencies: ["BrokerCore", "CatalogCore", "CoordCore", "DFSCore", "Simulator"]),
        .testTarget(name: "HouseTests", dependencies: ["TestKit"]),
        .testTarget(name: "BaseTests", dependencies: ["Base", "Codecs", "CSupport"]),
        .testTarget(name: "NetKitTests", dependencies: ["Base", "NetKit", .product(name: "Logging", package: "swift-log")]),
        .testTarget(name: "ConsensusTests", dependencies: ["Base", "Consensus"]),
        .testTarget(name: "WireTests", dependencies: ["Base", "KafkaWire"], exclude: ["Golden"]),
        .testTarget(name: "FuzzTests", dependencies: ["Base", "FuzzTargets"]),
        .testTarget(name: "BrokerTests", dependencies: ["Base", "BrokerCore", "BrokerService", "KafkaWire"]),
        .testTarget(name: "CoordTests", dependencies: ["Base", "CoordCore", "CoordService", "NetKit", "ZooKeeperWire"]),
        .testTarget(
            name: "DFSTests", dependencies: ["Base", "DFSCore", "HadoopWire", "HadoopNet", "NamenodeService", "NetKit", logging],
            exclude: ["Golden"]),
        .testTarget(name: "SparkWireTests", dependencies: ["SparkWire"]),
        .testTarget(
            name: "QueryTests", dependencies: ["QueryCore", "ComputeCore", "Parquet"], exclude: ["Golden"], resources: [.copy("SQL")]),
        .testTarget(name: "PlatformComputeTests", dependencies: ["PlatformCompute", "ComputeCore", "ComputeRuntime"]),
        .testTarget(name: "ComputeServiceTests",
            dependencies: ["Base", "CatalogCore", "ComputeCore", "ComputeService", "ComputeRuntime", "QueryCore", "SparkWire"]),
        .testTarget(name: "StorageTests", dependencies: ["Base", "Storage", "MetaStore", "Simulator", "TestKit"], exclude: ["Golden"]),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Base", "BrokerCore", "CatalogCore", "CoordCore", "DFSCore", "Replication", "Simulator", "TestKit", logging]),
        .testTarget(name: "ProcessTests", dependencies: ["TestKit", "platform"]),
    ]
)
