// CreateTopics and CreatePartitions: a request that the present brokers cannot fulfil is refused with a sentence.
import Base
import BrokerCore
import KafkaWire

/// The reason for refusing a topic.
private struct CreateRefusal: Error {
    var code: KafkaErrorCode
    var message: String
}

extension Broker {
    func createTopics(_ request: CreateTopicsRequest, _ call: Call) {
        var results = request.topics.map { CreateTopicsResponse.Topic(name: $0.name) }
        let gathering = Gathering { call.reply(CreateTopicsResponse(topics: results)) }
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
                let (record, places) = try record(of: topic)
                let factor = places.first?.brokers.count ?? 1
                if request.validateOnly {
                    describe(record, factor, &results[index])
                    continue
                }
                gathering.enter()
                create(record, places, joining: false) { [self] result in
                    switch result {
                    case .success(let made): describe(made, factor, &results[index])
                    case .failure(let refusal): refuse(CreateRefusal(code: refusal.code, message: refusal.message))
                    }
                    gathering.leave()
                }
            } catch { refuse(error) }
        }
        gathering.leave()
    }

    /// The topic's record, and in a cluster the placement of its partitions.
    private func record(of topic: CreateTopicsRequest.Topic) throws(CreateRefusal) -> (TopicRecord, [ReplicaList]) {
        var partitions = topic.numPartitions == -1 ? defaultPartitions : topic.numPartitions
        let assignments = topic.assignments.sorted { $0.partition < $1.partition }
        if !assignments.isEmpty {
            guard assignments.enumerated().allSatisfy({ Int($1.partition) == $0 }) else {
                throw CreateRefusal(code: .invalidReplicaAssignment, message: "partitions are numbered from 0, without gaps")
            }
            partitions = Int32(assignments.count)
        }
        if InternalTopic.isName(topic.name) { throw CreateRefusal(code: .topicAlreadyExists, message: InternalTopic.refusal(topic.name)) }
        var random = SystemRandomNumberGenerator()
        if let missing = topic.configs.first(where: { $0.value == nil }) {
            throw CreateRefusal(code: .invalidConfig, message: "the setting '\(missing.name)' has no value (null)")
        }
        let configs = topic.configs.map { TopicConfigEntry(name: $0.name, value: $0.value ?? "") }
        do { _ = try topicDefaults.applying(configs) } catch { throw CreateRefusal(code: .invalidConfig, message: error.reason) }
        let id = UUIDBytes(high: random.next(), low: random.next())
        let record = TopicRecord(name: topic.name, id: id, partitions: partitions, configs: configs)
        if let refusal = machine.refusalToCreate(record) { throw CreateRefusal(code: refusal.code, message: refusal.message) }
        return (record, try places(of: record, assignments.map(\.brokerIDs), topic.replicationFactor))
    }

    /// The placement of a topic's partitions; empty for a standalone broker.
    private func places(of topic: TopicRecord, _ stated: [[Int32]], _ factor: Int16) throws(CreateRefusal) -> [ReplicaList] {
        guard factor > 0 || factor == -1 || !stated.isEmpty else {
            throw CreateRefusal(
                code: .invalidReplicationFactor,
                message:
                    "replication factor \(factor) is not possible: a partition has at least one replica (-1: as many as the broker gives)")
        }
        guard isClustered else {
            guard factor == -1 || factor == 1 || !stated.isEmpty else {
                throw CreateRefusal(
                    code: .invalidReplicationFactor, message: "replication factor \(factor) needs as many brokers; there is one")
            }
            guard stated.allSatisfy({ $0 == [settings.nodeID] }) else {
                throw CreateRefusal(
                    code: .invalidReplicaAssignment, message: "each partition lies on broker \(settings.nodeID), the only one")
            }
            return []
        }
        let alive = machine.cluster.alive.count
        let wanted = factor == -1 ? defaultReplicationFactor : Int(factor)
        guard !stated.isEmpty || (1...max(1, alive)).contains(wanted) else {
            throw CreateRefusal(
                code: .invalidReplicationFactor, message: "replication factor \(factor) needs as many brokers; \(alive) are alive")
        }
        guard alive > 0 else { throw CreateRefusal(code: .invalidReplicationFactor, message: "no broker is known to be alive yet") }
        let places = stated.isEmpty ? placement(of: topic, first: 0, count: topic.partitions, factor: wanted) : stated.map(ReplicaList.init)
        if let refusal = machine.refusal(of: places, count: topic.partitions) {
            throw CreateRefusal(code: refusal.code, message: refusal.message)
        }
        return places
    }

    private func describe(_ topic: TopicRecord, _ factor: Int, _ result: inout CreateTopicsResponse.Topic) {
        let config = config(of: topic)
        result.topicID = topic.id
        result.numPartitions = topic.partitions
        result.replicationFactor = Int16(clamping: factor)
        result.configs = TopicConfig.rows.map { row in
            let stated = topic.configs.contains { $0.name == row.name }
            return .init(
                name: row.name, value: row.read(config), readOnly: false,
                configSource: stated ? ConfigSource.topic.rawValue : ConfigSource.byDefault.rawValue, isSensitive: false)
        }
    }

    func createPartitions(_ request: CreatePartitionsRequest, _ call: Call) {
        var results = request.topics.map { CreatePartitionsResponse.Result(name: $0.name) }
        let gathering = Gathering { call.reply(CreatePartitionsResponse(results: results)) }
        for (index, topic) in request.topics.enumerated() {
            func set(_ refusal: BrokerRefusal?) {
                results[index].errorCode = refusal?.code ?? .none
                results[index].errorMessage = refusal?.message
            }
            guard let known = machine.topics[topic.name] else {
                if InternalTopic.isName(topic.name) {
                    (results[index].errorCode, results[index].errorMessage) = (.invalidTopic, InternalTopic.refusal(topic.name))
                    continue
                }
                set(.unknownTopic(topic.name))
                continue
            }
            if !isClustered, let assignments = topic.assignments, !assignments.allSatisfy({ $0.brokerIDs == [settings.nodeID] }) {
                results[index].errorCode = .invalidReplicaAssignment
                results[index].errorMessage = "every partition lies on broker \(settings.nodeID), the only one"
                continue
            }
            if let refusal = machine.refusalToGrow(known, to: topic.count) {
                set(refusal)
                continue
            }
            let places = isClustered ? topic.assignments.map { $0.map { ReplicaList($0.brokerIDs) } } ?? [] : []
            if !places.isEmpty, let refusal = machine.refusal(of: places, count: topic.count - known.partitions) {
                set(refusal)
                continue
            }
            guard !request.validateOnly else { continue }
            gathering.enter()
            grow(topic.name, to: topic.count, places) {
                set($0)
                gathering.leave()
            }
        }
        gathering.leave()
    }
}
