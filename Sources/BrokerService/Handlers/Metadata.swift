// Metadata: this broker, and the topics that were asked for; makes missing ones if broker and client agree to that.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func metadata(_ request: MetadataRequest, _ call: Call) {
        guard let asked = request.topics, !(asked.isEmpty && call.version == 0) else {
            let all = machine.topics.entries.map { describe($0.value) }
            return call.reply(.metadata(response(all, call)))
        }
        let mayCreate = autoCreatesTopics && (call.version < 4 || request.allowAutoTopicCreation)
        var described = [MetadataResponse.Topic](repeating: .init(), count: asked.count)
        let gathering = Gathering { [self] in call.reply(.metadata(response(described, call))) }
        for (index, topic) in asked.enumerated() {
            if topic.name == nil || !topic.topicID.isZero {
                described[index] = describe(id: topic.topicID)
            } else if let name = topic.name, let known = machine.topics[name], topicsUnderWay[name] == nil {
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
        guard let topic = machine.topic(id: id) else { return .init(errorCode: .unknownTopicID, topicID: id) }
        return describe(topic)
    }

    private func describe(_ topic: TopicRecord) -> MetadataResponse.Topic {
        let places = (0..<topic.partitions).map { number in
            let isOpen = partitions[TopicPartition(topic.name, number)] != nil
            return MetadataResponse.Topic.Partition(
                errorCode: isOpen ? .none : .leaderNotAvailable, partition: number, leaderID: isOpen ? settings.nodeID : -1, leaderEpoch: 0,
                replicaNodes: [settings.nodeID], isrNodes: [settings.nodeID])
        }
        return .init(name: topic.name, topicID: topic.id, partitions: places)
    }

    private func response(_ topics: [MetadataResponse.Topic], _ call: Call) -> MetadataResponse {
        let address = advertised(to: call)
        // Versions before 12 cannot carry a missing name.
        var topics = topics
        if call.version < 12 { for index in topics.indices where topics[index].name == nil { topics[index].name = "" } }
        return MetadataResponse(
            brokers: [.init(nodeID: settings.nodeID, host: address.host, port: Int32(address.port))], clusterID: machine.clusterID?.uuidText,
            controllerID: settings.nodeID, topics: topics)
    }

    /// What ApiVersions says.
    static func servedApis(error: KafkaErrorCode) -> ApiVersionsResponse {
        ApiVersionsResponse(
            errorCode: error,
            apis: ApiTable.rows.map { .init(apiKey: $0.key.rawValue, minVersion: $0.versions.lowerBound, maxVersion: $0.versions.upperBound) },
            features: servedFeatures)
    }

    /// Level 2 of transactions: an epoch of its own for each, and partitions that join with their first batch (KIP-890).
    private static let servedFeatures = [ApiVersionsResponse.Feature(name: "transaction.version", level: 2)]
}
