// DescribeCluster, ElectLeaders and DescribeTopicPartitions: the cluster as administrators see it, whether it has one broker or several.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func describeCluster(_ request: DescribeClusterRequest, _ call: Call) {
        let (brokers, controllers): (Int8, Int8) = (1, 2)
        guard request.endpointType == brokers else {
            let code: KafkaErrorCode =
                call.version == 0
                ? .invalidRequest : request.endpointType == controllers ? .mismatchedEndpointType : .unsupportedEndpointType
            return call.reply(
                DescribeClusterResponse(
                    errorCode: code, errorMessage: "only brokers have endpoints here; controllers have none of their own"))
        }
        call.reply(
            DescribeClusterResponse(
                clusterID: machine.clusterID?.uuidText ?? "", controllerID: controllerID,
                brokers: liveEndpoints(call).map { .init(brokerID: $0.id, host: $0.host, port: $0.port, rack: $0.rack) }))
    }

    func electLeaders(_ request: ElectLeadersRequest, _ call: Call) {
        let isUnclean = request.electionType == 1
        let named = request.topicPartitions?.map { ($0.topic, $0.partitions) }
        let wanted = named ?? machine.topics.entries.map { name, topic in (name, Array(0..<topic.partitions)) }
        let places = wanted.flatMap { topic, numbers in numbers.map { TopicPartition(topic, $0) } }
        func answer(_ elected: Set<TopicPartition>, _ failure: KafkaErrorCode?) {
            // A request for all partitions is answered with the changed ones.
            let topics = wanted.map { topic, numbers in
                ElectLeadersResponse.Topic(
                    topic: topic,
                    partitionResult: numbers.filter { named != nil || elected.contains(TopicPartition(topic, $0)) }.map { number in
                        let name = TopicPartition(topic, number)
                        if elected.contains(name) { return .init(partitionID: number) }
                        let (code, reason) = failure.map { ($0, BrokerRefusal.notWritable.message) } ?? reasonNotToElect(name, isUnclean)
                        return .init(partitionID: number, errorCode: code, errorMessage: reason)
                    })
            }
            call.reply(
                ElectLeadersResponse(replicaElectionResults: topics.filter { named != nil || !$0.partitionResult.isEmpty }))
        }
        guard isClustered else { return answer([], nil) }
        replica.propose(.cluster(.elect(places, unclean: isUnclean))) { result in
            guard case .success(.placed(let changed)) = result else { return answer([], .coordinatorNotAvailable) }
            answer(Set(changed), nil)
        }
    }

    private func reasonNotToElect(_ name: TopicPartition, _ isUnclean: Bool) -> (KafkaErrorCode, String) {
        guard let topic = machine.topics[name.topic], (0..<topic.partitions).contains(name.partition) else {
            return (.unknownTopicOrPartition, "there is no such partition")
        }
        let state = shownState(of: name)
        if state.leader == state.preferredLeader || (isUnclean && state.leader >= 0) {
            return (.electionNotNeeded, "broker \(state.leader) leads it")
        }
        if isUnclean { return (.eligibleLeadersNotAvailable, "none of the replicas \(state.replicas) is alive") }
        return (.preferredLeaderNotAvailable, "broker \(state.preferredLeader) is not alive or not in sync")
    }

    func describeTopicPartitions(_ request: DescribeTopicPartitionsRequest, _ call: Call) {
        let review = AccessReview(broker: self, call: call)
        let names =
            request.topics.isEmpty
            ? (machine.topics.keys + shownInternalTopics.map(\.name)).sorted().filter { review.maySee(.topic, $0) }
            : request.topics.map(\.name).sorted()
        var response = DescribeTopicPartitionsResponse()
        var room = min(Int(request.responsePartitionLimit), Self.partitionsPerPageMax)
        for name in names where name >= request.cursor?.topicName ?? "" {
            guard review.may(.describe, .topic, name) else {
                response.topics.append(.init(errorCode: .topicAuthorizationFailed, name: name))
                continue
            }
            guard let topic = shownTopic(name) else {
                response.topics.append(.init(errorCode: .unknownTopicOrPartition, name: name))
                continue
            }
            let first = name == request.cursor?.topicName ? max(0, request.cursor?.partition ?? 0) : 0
            guard room > 0 else {
                response.nextCursor = .init(topicName: name, partition: first)
                break
            }
            let end = min(topic.partitions, first.addingClamped(Int32(room)))
            let places = first < end ? Array(first..<end) : []
            room -= places.count
            response.topics.append(
                .init(
                    name: name, topicID: topic.id, isInternal: InternalTopic.isName(name),
                    partitions: places.map { number in
                        let state = shownState(of: TopicPartition(name, number))
                        return .init(
                            errorCode: state.leader < 0 ? .leaderNotAvailable : .none, partition: number, leaderID: state.leader,
                            leaderEpoch: state.leaderEpoch,
                            replicaNodes: state.replicas, isrNodes: state.inSync,
                            // There are no eligible leaders beside the in-sync replicas. Kafka's own client fails on null, which the schema
                            // allows.
                            eligibleLeaderReplicas: [], lastKnownElr: [], offlineReplicas: offlineReplicas(state))
                    }))
            if end < topic.partitions {
                response.nextCursor = .init(topicName: name, partition: end)
                break
            }
        }
        call.reply(response)
    }

    private static var partitionsPerPageMax: Int { 2000 }
}
