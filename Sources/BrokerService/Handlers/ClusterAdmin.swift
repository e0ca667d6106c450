// DescribeCluster, DescribeLogDirs, ElectLeaders, DescribeQuorum and DescribeTopicPartitions: the cluster as administrators see it, which here
// is one broker.
import Base
import BrokerCore
import KafkaWire
import Storage

extension Broker {
    func describeCluster(_ request: DescribeClusterRequest, _ call: Call) {
        let brokers: Int8 = 1
        guard request.endpointType == brokers else {
            return call.reply(
                .describeCluster(DescribeClusterResponse(errorCode: .invalidRequest, errorMessage: "only brokers have endpoints here; controllers have none of their own")))
        }
        let address = advertised(to: call)
        call.reply(
            .describeCluster(
                DescribeClusterResponse(
                    clusterID: machine.clusterID?.uuidText ?? "", controllerID: settings.nodeID,
                    brokers: [.init(brokerID: settings.nodeID, host: address.host, port: Int32(address.port))])))
    }

    func describeLogDirs(_ request: DescribeLogDirsRequest, _ call: Call) {
        let wanted: [TopicPartition] =
            request.topics?.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }
            ?? machine.topics.entries.flatMap { name, topic in (0..<topic.partitions).map { TopicPartition(name, $0) } }
        var result = DescribeLogDirsResponse.Result(logDir: dataDirectory + "/topics")
        for name in wanted.sorted() {
            guard let partition = partitions[name] else { continue }
            if result.topics.last?.name != name.topic { result.topics.append(.init(name: name.topic)) }
            result.topics[result.topics.count - 1].partitions.append(.init(partition: name.partition, partitionSize: partition.sizeBytes))
        }
        if let space = RealFileSystem.space(dataDirectory) {
            result.totalBytes = space.total
            result.usableBytes = space.usable
        }
        call.reply(.describeLogDirs(DescribeLogDirsResponse(results: [result])))
    }

    func electLeaders(_ request: ElectLeadersRequest, _ call: Call) {
        let topics = (request.topicPartitions ?? []).map { topic in
            ElectLeadersResponse.Topic(
                topic: topic.topic,
                partitionResult: topic.partitions.map { number in
                    guard partitions[TopicPartition(topic.topic, number)] != nil else {
                        return .init(partitionID: number, errorCode: .unknownTopicOrPartition, errorMessage: "there is no such partition")
                    }
                    return .init(partitionID: number, errorCode: .electionNotNeeded, errorMessage: "broker \(settings.nodeID) leads it, the only one")
                })
        }
        call.reply(.electLeaders(ElectLeadersResponse(replicaElectionResults: topics)))
    }

    /// The replicated metadata in the place of Kafka's log of that name.
    func describeQuorum(_ request: DescribeQuorumRequest, _ call: Call) {
        let metadata = "__cluster_metadata"
        let end = replica.appliedSlot.rawValue
        let wall = time.wallTime().milliseconds
        let topics = request.topics.map { topic in
            DescribeQuorumResponse.Topic(
                topicName: topic.topicName,
                partitions: topic.partitions.map { part in
                    guard topic.topicName == metadata, part.partition == 0 else {
                        return .init(partition: part.partition, errorCode: .unknownTopicOrPartition)
                    }
                    return .init(
                        partition: 0, leaderID: settings.nodeID, highWatermark: end,
                        currentVoters: [.init(replicaID: settings.nodeID, logEndOffset: end, lastFetchTimestamp: wall, lastCaughtUpTimestamp: wall)])
                })
        }
        call.reply(.describeQuorum(DescribeQuorumResponse(topics: topics)))
    }

    func describeTopicPartitions(_ request: DescribeTopicPartitionsRequest, _ call: Call) {
        let names = request.topics.isEmpty ? machine.topics.keys : request.topics.map(\.name).sorted()
        var response = DescribeTopicPartitionsResponse()
        var room = min(Int(request.responsePartitionLimit), Self.partitionsPerPageMax)
        for name in names where name >= request.cursor?.topicName ?? "" {
            guard let topic = machine.topics[name] else {
                response.topics.append(.init(errorCode: .unknownTopicOrPartition, name: name))
                continue
            }
            let first = name == request.cursor?.topicName ? max(0, request.cursor?.partition ?? 0) : 0
            guard room > 0 else {
                response.nextCursor = .init(topicName: name, partition: first)
                break
            }
            let end = min(topic.partitions, first + Int32(room))
            let places = first < end ? Array(first..<end) : []
            room -= places.count
            response.topics.append(
                .init(
                    name: name, topicID: topic.id,
                    partitions: places.map {
                        .init(partition: $0, leaderID: settings.nodeID, leaderEpoch: 0, replicaNodes: [settings.nodeID], isrNodes: [settings.nodeID])
                    }))
            if end < topic.partitions {
                response.nextCursor = .init(topicName: name, partition: end)
                break
            }
        }
        call.reply(.describeTopicPartitions(response))
    }

    private static var partitionsPerPageMax: Int { 2000 }
}
