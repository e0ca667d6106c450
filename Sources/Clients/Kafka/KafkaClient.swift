// A client of Kafka's protocol for our own command line, demos and benchmarks; it works against a real Kafka as well. It finds leaders and
// coordinators, and keeps one connection to each broker. It does not repeat a failed call: commands report it and end.
import Base
import KafkaWire
import NetKit

/// A topic as the cluster describes it.
package struct KafkaTopic: Sendable, Equatable {
    package struct Partition: Sendable, Equatable {
        package var number: Int32
        package var leader: Int32
        package var replicas: [Int32]
        package var inSync: [Int32] = []
    }
    package var name: String
    package var partitions: [Partition]
}

/// A cluster as a broker describes it.
package struct KafkaCluster: Sendable {
    package var clusterID: String?
    package var brokers: [(node: Int32, address: HostPort)]
    package var topics: [KafkaTopic]
}

/// The client of a cluster.
package actor KafkaClient {
    private let loop: NIOServiceLoop
    private let clientID: String
    private let user: KafkaUser?
    private let bootstrap: KafkaConnection
    private let tls: TLSTrust?
    private var brokers: [Int32: HostPort] = [:]
    private var connections: [Int32: KafkaConnection] = [:]
    private var leaders: [String: [Int32: Int32]] = [:]

    /// The end of a partition, for `offset(of:_:at:)`.
    package static let latest: Int64 = -1
    /// The beginning of a partition.
    package static let earliest: Int64 = -2
    /// The time limit of administrative work on a broker, in milliseconds.
    static let adminTimeoutMilliseconds: Int32 = 30_000

    private init(_ loop: NIOServiceLoop, _ clientID: String, _ user: KafkaUser?, _ bootstrap: KafkaConnection, _ tls: TLSTrust?) {
        self.loop = loop
        self.clientID = clientID
        self.user = user
        self.bootstrap = bootstrap
        self.tls = tls
    }

    /// Connects to one broker of the cluster. Throws `KafkaFailure`.
    package static func connect(_ address: HostPort, clientID: String = "platform", user: KafkaUser? = nil, tls: TLSTrust? = nil)
        async throws -> KafkaClient
    {
        let loop = NIOServiceLoop()
        do {
            let bootstrap = try await KafkaConnection.connect(address, loop: loop, clientID: clientID, user: user, tls: tls)
            return KafkaClient(loop, clientID, user, bootstrap, tls)
        } catch {
            // The loop's thread ends in any case; the connection's error is the one that matters.
            try? await loop.stop()
            throw error
        }
    }

    package func close() async {
        for connection in connections.values { connection.close() }
        bootstrap.close()
        // Nothing waits on this loop any more; a late end of its thread changes nothing.
        try? await loop.stop()
    }

    // MARK: the cluster

    /// Brokers and topics; `topics` nil for all. Does not create missing topics.
    package func cluster(topics names: [String]? = nil) async throws -> KafkaCluster {
        let request = MetadataRequest(topics: names.map { $0.map { .init(name: $0) } }, allowAutoTopicCreation: false)
        let answer = try await bootstrap.call(request)
        for broker in answer.brokers { brokers[broker.nodeID] = HostPort(broker.host, Int(broker.port)) }
        var topics: [KafkaTopic] = []
        // A request for all topics leaves out internal ones.
        for topic in answer.topics where names != nil || !topic.isInternal {
            let name = topic.name ?? ""
            if topic.errorCode == .unknownTopicOrPartition { throw KafkaFailure.unknownTopic(name, near: try await near(name)) }
            guard topic.errorCode == .none else {
                throw KafkaFailure.refused(topic.errorCode, doing: "asking for topic '\(name)'", detail: nil)
            }
            leaders[name] = Dictionary(topic.partitions.map { ($0.partition, $0.leaderID) }, uniquingKeysWith: { $1 })
            topics.append(
                KafkaTopic(
                    name: name,
                    partitions: topic.partitions.map {
                        .init(number: $0.partition, leader: $0.leaderID, replicas: $0.replicaNodes, inSync: $0.isrNodes)
                    }
                    .sorted { $0.number < $1.number }))
        }
        return KafkaCluster(
            clusterID: answer.clusterID, brokers: brokers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
            topics: topics.sorted { $0.name < $1.name })
    }

    func near(_ name: String) async throws -> [String] {
        let all = try await bootstrap.call(MetadataRequest(topics: nil, allowAutoTopicCreation: false))
        return KafkaFailure.nearest(to: name, among: all.topics.compactMap(\.name))
    }

    /// A topic; throws if it does not exist.
    package func topic(_ name: String) async throws -> KafkaTopic {
        guard let found = try await cluster(topics: [name]).topics.first else { throw KafkaFailure.unknownTopic(name, near: []) }
        return found
    }

    static var mismatch: KafkaFailure { .damagedAnswer("it answers another request than the one that was sent") }

    /// The connection to a node.
    func connection(to node: Int32) async throws -> KafkaConnection {
        if let known = connections[node] { return known }
        guard let address = brokers[node] else {
            throw KafkaFailure.refused(.leaderNotAvailable, doing: "finding broker \(node)", detail: nil)
        }
        let made: KafkaConnection
        do {
            made = try await KafkaConnection.connect(address, loop: loop, clientID: clientID, user: user, tls: tls)
        } catch KafkaFailure.cannotConnect(_, let reason)
            where address != bootstrap.address
        {
            throw KafkaFailure.cannotConnect(
                address,
                reason: reason
                    + "; \(bootstrap.address) says that broker \(node) is there (broker.advertised, in Kafka advertised.listeners)")
        }
        // Another call may have connected meanwhile; one of the two is enough.
        if let known = connections[node] {
            made.close()
            return known
        }
        connections[node] = made
        return made
    }

    func leader(of topic: String, _ partition: Int32) async throws -> Int32 {
        if leaders[topic]?[partition] == nil { _ = try await cluster(topics: [topic]) }
        if let known = leaders[topic], !known.isEmpty, known[partition] == nil {
            throw KafkaFailure.unknownPartition(partition, topic: topic, count: known.count)
        }
        guard let leader = leaders[topic]?[partition], leader >= 0 else { throw KafkaFailure.noLeader(topic: topic, partition: partition) }
        return leader
    }

    /// The last versions with topic names; ids would save nothing here.
    static let (produceByName, fetchByName, offsetCommitByName): (Int16, Int16, Int16) = (12, 12, 9)

    /// Sends a request to a node.
    func call<Request: KafkaRequest>(_ node: Int32, _ request: Request, versionMax: Int16 = .max) async throws -> Request.Response {
        try await connection(to: node).call(request, versionMax: versionMax)
    }

    /// The live nodes, in order. Metadata, the only source before Kafka 2.8, may name a node that has just gone.
    package func nodes() async throws -> [Int32] {
        if brokers.isEmpty { _ = try await cluster(topics: []) }
        do {
            let answer = try await bootstrap.call(DescribeClusterRequest())
            guard answer.errorCode == .none else { return brokers.keys.sorted() }
            for broker in answer.brokers { brokers[broker.brokerID] = HostPort(broker.host, Int(broker.port)) }
            return answer.brokers.map(\.brokerID).sorted()
        } catch KafkaFailure.notServed { return brokers.keys.sorted() }
    }

    /// Sends a request to the bootstrap broker.
    func callAny<Request: KafkaRequest>(_ request: Request) async throws -> Request.Response { try await bootstrap.call(request) }

    /// A kind of coordinated thing, by the protocol's number.
    enum Coordinated: Int8 { case group = 0, transaction = 1 }

    private static var coordinatorAttemptsMax: Int { 50 }
    private static var coordinatorPause: Duration { .milliseconds(100) }

    /// The node that coordinates a group or a transaction.
    func coordinator(of name: String, _ kind: Coordinated = .group) async throws -> Int32 {
        if brokers.isEmpty { _ = try await cluster(topics: []) }
        let request = FindCoordinatorRequest(key: name, keyType: kind.rawValue)
        var answer = FindCoordinatorResponse()
        // The very first question may come before there is a coordinator: Kafka makes its topic of offsets then.
        for attempt in 1...Self.coordinatorAttemptsMax {
            answer = try await bootstrap.call(request, versionMax: 3)
            guard answer.errorCode == .coordinatorNotAvailable, attempt < Self.coordinatorAttemptsMax else { break }
            try await Task.sleep(for: Self.coordinatorPause)
        }
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "finding the coordinator of \(kind) '\(name)'", detail: answer.errorMessage)
        }
        brokers[answer.nodeID] = HostPort(answer.host, Int(answer.port))
        return answer.nodeID
    }

    // MARK: topics

    /// Creates a topic; `partitions` and `replicas` nil leave the number to the broker.
    package func createTopic(
        _ name: String, partitions: Int32? = nil, replicas: Int16? = nil, configs: [(name: String, value: String)] = []
    ) async throws {
        let topic = CreateTopicsRequest.Topic(
            name: name, numPartitions: partitions ?? -1, replicationFactor: replicas ?? -1,
            configs: configs.map { .init(name: $0.name, value: $0.value) })
        let controller = try await controller()
        let answer = try await call(controller, CreateTopicsRequest(topics: [topic], timeoutMilliseconds: Self.adminTimeoutMilliseconds))
        guard let result = answer.topics.first else { throw Self.mismatch }
        if result.errorCode == .topicAlreadyExists { throw KafkaFailure.topicExists(name) }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(result.errorCode, doing: "creating topic '\(name)'", detail: result.errorMessage)
        }
    }

    package func deleteTopic(_ name: String) async throws {
        let controller = try await controller()
        let request = DeleteTopicsRequest(
            topics: [.init(name: name)], topicNames: [name], timeoutMilliseconds: Self.adminTimeoutMilliseconds)
        let answer = try await call(controller, request)
        guard let result = answer.responses.first else { throw Self.mismatch }
        if result.errorCode == .unknownTopicOrPartition { throw KafkaFailure.unknownTopic(name, near: try await near(name)) }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(result.errorCode, doing: "deleting topic '\(name)'", detail: result.errorMessage)
        }
        leaders[name] = nil
    }

    /// The controller, for administrative requests.
    func controller() async throws -> Int32 {
        let answer = try await bootstrap.call(MetadataRequest(topics: [], allowAutoTopicCreation: false))
        for broker in answer.brokers { brokers[broker.nodeID] = HostPort(broker.host, Int(broker.port)) }
        return answer.controllerID
    }

    /// A topic's settings in force, by name.
    package func settings(of topic: String) async throws -> [(name: String, value: String)] {
        let topicResource: Int8 = 2
        let request = DescribeConfigsRequest(resources: [.init(resourceType: topicResource, resourceName: topic)])
        let answer = try await bootstrap.call(request)
        guard let result = answer.results.first else { throw Self.mismatch }
        if result.errorCode == .unknownTopicOrPartition { throw KafkaFailure.unknownTopic(topic, near: try await near(topic)) }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(result.errorCode, doing: "asking for the settings of '\(topic)'", detail: result.errorMessage)
        }
        return result.configs.map { ($0.name, $0.value ?? "") }.sorted { $0.0 < $1.0 }
    }

    /// An offset of a partition: -1 the latest, -2 the earliest, otherwise the first at or after a time in milliseconds (nil: none).
    package func offset(of topic: String, _ partition: Int32, at timestamp: Int64) async throws -> Int64? {
        let request = ListOffsetsRequest(topics: [.init(name: topic, partitions: [.init(partition: partition, timestamp: timestamp)])])
        let node = try await leader(of: topic, partition)
        let answer = try await call(node, request)
        guard let result = answer.topics.first?.partitions.first else { throw Self.mismatch }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(result.errorCode, doing: "asking for offsets of '\(topic)' partition \(partition)", detail: nil)
        }
        return result.offset < 0 ? nil : result.offset
    }
}
