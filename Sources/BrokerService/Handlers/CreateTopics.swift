// CreateTopics and CreatePartitions: what is stated must be possible on one broker, and is refused with a sentence otherwise.
import Base
import BrokerCore
import KafkaWire

/// Why a topic is not made.
private struct CreateRefusal: Error {
    var code: KafkaErrorCode
    var message: String
}

extension Broker {
    func createTopics(_ request: CreateTopicsRequest, _ call: Call) {
        var results = request.topics.map { CreateTopicsResponse.Topic(name: $0.name) }
        let gathering = Gathering { call.reply(.createTopics(CreateTopicsResponse(topics: results))) }
        for (index, topic) in request.topics.enumerated() {
            func refuse(_ refusal: CreateRefusal) {
                results[index].errorCode = refusal.code
                results[index].errorMessage = refusal.message
            }
            guard request.topics.count(where: { $0.name == topic.name }) == 1 else {
                refuse(CreateRefusal(code: .invalidRequest, message: "the topic is named more than once in this request"))
                continue
            }
            do {
                let record = try record(of: topic)
                if request.validateOnly {
                    describe(record, &results[index])
                    continue
                }
                gathering.enter()
                create(record, joining: false) { [self] result in
                    switch result {
                    case .success(let made): describe(made, &results[index])
                    case .failure(let refusal): refuse(CreateRefusal(code: refusal.code, message: refusal.message))
                    }
                    gathering.leave()
                }
            } catch { refuse(error) }
        }
        gathering.leave()
    }

    /// The topic as it would be stored.
    private func record(of topic: CreateTopicsRequest.Topic) throws(CreateRefusal) -> TopicRecord {
        guard topic.replicationFactor == -1 || topic.replicationFactor == 1 || !topic.assignments.isEmpty else {
            throw CreateRefusal(code: .invalidReplicationFactor, message: "replication factor \(topic.replicationFactor) needs as many brokers; there is one")
        }
        var partitions = topic.numPartitions == -1 ? defaultPartitions : topic.numPartitions
        if !topic.assignments.isEmpty {
            let places = topic.assignments.sorted { $0.partition < $1.partition }
            guard places.enumerated().allSatisfy({ Int($1.partition) == $0 && $1.brokerIDs == [settings.nodeID] }) else {
                throw CreateRefusal(code: .invalidReplicaAssignment, message: "partitions are numbered from 0 and each lies on broker \(settings.nodeID), the only one")
            }
            partitions = Int32(places.count)
        }
        var random = SystemRandomNumberGenerator()
        let configs = topic.configs.compactMap { config in config.value.map { TopicConfigEntry(name: config.name, value: $0) } }
        do { _ = try topicDefaults.applying(configs) } catch { throw CreateRefusal(code: .invalidConfig, message: error.reason) }
        let id = UUIDBytes(high: random.next(), low: random.next())
        let record = TopicRecord(name: topic.name, id: id, partitions: partitions, configs: configs)
        if let refusal = machine.refusalToCreate(record) { throw CreateRefusal(code: refusal.code, message: refusal.message) }
        return record
    }

    private func describe(_ topic: TopicRecord, _ result: inout CreateTopicsResponse.Topic) {
        let config = config(of: topic)
        result.topicID = topic.id
        result.numPartitions = topic.partitions
        result.replicationFactor = 1
        result.configs = TopicConfig.rows.map { row in
            let stated = topic.configs.contains { $0.name == row.name }
            return .init(
                name: row.name, value: row.read(config), readOnly: false,
                configSource: stated ? ConfigSource.topic.rawValue : ConfigSource.byDefault.rawValue, isSensitive: false)
        }
    }

    func createPartitions(_ request: CreatePartitionsRequest, _ call: Call) {
        var results = request.topics.map { CreatePartitionsResponse.Result(name: $0.name) }
        let gathering = Gathering { call.reply(.createPartitions(CreatePartitionsResponse(results: results))) }
        for (index, topic) in request.topics.enumerated() {
            func set(_ refusal: BrokerRefusal?) {
                results[index].errorCode = refusal?.code ?? .none
                results[index].errorMessage = refusal?.message
            }
            guard let known = machine.topics[topic.name] else {
                set(.unknownTopic(topic.name))
                continue
            }
            if let assignments = topic.assignments, !assignments.allSatisfy({ $0.brokerIDs == [settings.nodeID] }) {
                results[index].errorCode = .invalidReplicaAssignment
                results[index].errorMessage = "every partition lies on broker \(settings.nodeID), the only one"
                continue
            }
            guard topic.count > known.partitions else {
                set(.invalidPartitionCount(topic.count, reason: "the topic has \(known.partitions) partitions, and partitions are never taken away"))
                continue
            }
            guard !request.validateOnly else { continue }
            gathering.enter()
            grow(topic.name, to: topic.count) {
                set($0)
                gathering.leave()
            }
        }
        gathering.leave()
    }
}
