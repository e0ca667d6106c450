// Metadata: the brokers and the requested topics; creates missing topics if broker and client allow it.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func metadata(_ request: MetadataRequest, _ call: Call) {
        let missesSome =
            request.topics?.contains { topic in topic.name.map { shownTopic($0) == nil } ?? (topicName(id: topic.topicID) == nil) } ?? false
        guard isClustered, missesSome else { return answer(request, call) }
        // Another broker may have created the topic and said so to its client.
        replica.afterBarrier { [self] _ in answer(request, call) }
    }

    private func answer(_ request: MetadataRequest, _ call: Call) {
        guard let asked = request.topics, !(asked.isEmpty && call.version == 0) else {
            let all = (machine.topics.entries.map(\.value) + shownInternalTopics).map(describe)
            return call.reply(response(all, call))
        }
        let mayCreate = autoCreatesTopics && (call.version < 4 || request.allowAutoTopicCreation)
        var described = [MetadataResponse.Topic](repeating: .init(), count: asked.count)
        let gathering = Gathering { [self] in call.reply(response(described, call)) }
        for (index, topic) in asked.enumerated() {
            if topic.name == nil || !topic.topicID.isZero {
                described[index] = describe(id: topic.topicID)
            } else if let name = topic.name, let known = shownTopic(name), topicsUnderWay[name] == nil {
                described[index] = describe(known)
            } else if let name = topic.name {
                gathering.enter()
                make(name, mayCreate) {
                    described[index] = $0
                    gathering.leave()
                }
            }
        }
        gathering.leave()
    }

    private func make(_ name: String, _ mayCreate: Bool, _ done: @escaping (MetadataResponse.Topic) -> Void) {
        if BrokerMachine.problem(withTopicName: name) != nil { return done(.init(errorCode: .invalidTopic, name: name)) }
        guard mayCreate || topicsUnderWay[name] != nil else { return done(.init(errorCode: .unknownTopicOrPartition, name: name)) }
        var random = SystemRandomNumberGenerator()
        let id = UUIDBytes(high: random.next(), low: random.next())
        create(TopicRecord(name: name, id: id, partitions: defaultPartitions), joining: true) { [self] result in
            switch result {
            case .success(let topic):
                log.info("topic made because a client asked for it", metadata: ["topic": "\(name)", "partitions": "\(topic.partitions)"])
                done(describe(topic))
            case .failure(.topicExists): done(machine.topics[name].map(describe) ?? .init(errorCode: .leaderNotAvailable, name: name))
            case .failure(let refusal): done(.init(errorCode: refusal.code, name: name))
            }
        }
    }

    private func describe(id: UUIDBytes) -> MetadataResponse.Topic {
        guard let topic = topicName(id: id).flatMap(shownTopic) else { return .init(errorCode: .unknownTopicID, topicID: id) }
        return describe(topic)
    }

    private func describe(_ topic: TopicRecord) -> MetadataResponse.Topic {
        let places = (0..<topic.partitions).map { number in
            let state = shownState(of: TopicPartition(topic.name, number))
            return MetadataResponse.Topic.Partition(
                errorCode: state.leader < 0 ? .leaderNotAvailable : .none, partition: number, leaderID: state.leader,
                leaderEpoch: state.leaderEpoch,
                replicaNodes: state.replicas, isrNodes: state.inSync, offlineReplicas: offlineReplicas(state))
        }
        return .init(name: topic.name, topicID: topic.id, isInternal: InternalTopic.isName(topic.name), partitions: places)
    }

    /// The state of a partition as shown to clients. The leader counts only while it is alive.
    func shownState(of name: TopicPartition) -> PartitionState {
        if let state = internalState(of: name) { return state }
        guard isClustered else {
            let own = settings.nodeID
            return PartitionState(replicas: [own], inSync: [own], leader: partitions[name] == nil ? -1 : own)
        }
        return machine.cluster.partitions[name] ?? PartitionState(replicas: [], inSync: [], leader: -1)
    }

    func offlineReplicas(_ state: PartitionState) -> [Int32] {
        isClustered ? state.replicas.filter { !machine.cluster.aliveSet.contains($0) } : []
    }

    // MARK: brokers

    /// A broker's address for clients.
    struct Endpoint {
        var id: Int32
        var host: String
        var port: Int32
        var rack: String?
    }

    func ownEndpoint(_ call: Call) -> Endpoint {
        let address = advertised(to: call)
        return Endpoint(
            id: settings.nodeID, host: address.host, port: Int32(address.port),
            rack: settings.cluster.flatMap { $0.rack.isEmpty ? nil : $0.rack })
    }

    /// nil for an unknown broker.
    func endpoint(of id: Int32, _ call: Call) -> Endpoint? {
        guard let broker = machine.cluster.brokers[id] else { return nil }
        return Endpoint(id: id, host: broker.host, port: broker.port, rack: broker.rack.isEmpty ? nil : broker.rack)
    }

    func liveEndpoints(_ call: Call) -> [Endpoint] {
        isClustered ? machine.cluster.alive.compactMap { endpoint(of: $0, call) } : [ownEndpoint(call)]
    }

    /// The live brokers and recently departed ones. Some clients take an unlisted broker for gone for good and never notice its return; a
    /// restarting broker therefore stays listed.
    private func endpointsShown(_ call: Call) -> [Endpoint] {
        let gone = departed.filter { now - $0.value < BrokerSettings.departedBrokersShown }.compactMap { endpoint(of: $0.key, call) }
        return gone.isEmpty ? liveEndpoints(call) : (liveEndpoints(call) + gone).sorted { $0.id < $1.id }
    }

    /// The controller shown to administrators, a live broker: the leader of the metadata quorum if possible. Any broker can do the work.
    var controllerID: Int32 {
        guard isClustered else { return settings.nodeID }
        let cluster = machine.cluster
        let leader = replica.leader.map { Int32(truncatingIfNeeded: $0.rawValue) } ?? -1
        return [leader, settings.nodeID].first(where: cluster.aliveSet.contains) ?? cluster.alive.first ?? -1
    }

    private func response(_ topics: [MetadataResponse.Topic], _ call: Call) -> MetadataResponse {
        // Versions before 12 have no null name.
        var topics = topics
        if call.version < 12 { for index in topics.indices where topics[index].name == nil { topics[index].name = "" } }
        return MetadataResponse(
            brokers: endpointsShown(call).map { .init(nodeID: $0.id, host: $0.host, port: $0.port, rack: $0.rack) },
            clusterID: machine.clusterID?.uuidText,
            controllerID: controllerID, topics: topics)
    }

    func apiVersions(_ request: ApiVersionsRequest, _ call: Call) { call.reply(Self.servedApis(error: .none)) }

    /// The ApiVersions response.
    static func servedApis(error: KafkaErrorCode) -> ApiVersionsResponse {
        ApiVersionsResponse(
            errorCode: error,
            apis: ApiTable.rows.map {
                .init(apiKey: $0.key.rawValue, minVersion: $0.versions.lowerBound, maxVersion: $0.versions.upperBound)
            },
            features: servedFeatures)
    }

    /// Level 1 of share groups (KIP-932). Level 2 of transactions: an epoch per transaction, and partitions that join with their first
    /// batch (KIP-890).
    private static let servedFeatures = [
        ApiVersionsResponse.Feature(name: "share.version", level: 1), ApiVersionsResponse.Feature(name: "transaction.version", level: 2),
    ]
}
