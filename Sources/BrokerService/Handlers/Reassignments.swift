// AlterPartitionReassignments and ListPartitionReassignments: new replicas are added first; the old ones are removed once the new ones have
// caught up.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func alterPartitionReassignments(_ request: AlterPartitionReassignmentsRequest, _ call: Call) {
        var responses = request.topics.map { topic in
            AlterPartitionReassignmentsResponse.Topic(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition) })
        }
        let mayChangeCount = request.allowReplicationFactorChange
        let gathering = Gathering {
            let response = AlterPartitionReassignmentsResponse(allowReplicationFactorChange: mayChangeCount, responses: responses)
            call.reply(response)
        }
        for (t, topic) in request.topics.enumerated() {
            for (p, part) in topic.partitions.enumerated() {
                func refuse(_ code: KafkaErrorCode, _ message: String) {
                    responses[t].partitions[p].errorCode = code
                    responses[t].partitions[p].errorMessage = message
                }
                let name = TopicPartition(topic.name, part.partition)
                guard let state = machine.cluster.partitions[name] else {
                    let isKnown = (0..<(machine.topics[name.topic]?.partitions ?? 0)).contains(name.partition)
                    if !isKnown {
                        refuse(.unknownTopicOrPartition, "there is no such partition")
                    } else if part.replicas == nil {
                        refuse(.noReassignmentInProgress, "the partition is not on its way anywhere")
                    } else if part.replicas != [settings.nodeID] {
                        refuse(.invalidReplicaAssignment, "the broker stands alone; every partition lies on it")
                    }
                    continue
                }
                guard part.replicas != nil || state.isReassigned else {
                    refuse(.noReassignmentInProgress, "the partition is not on its way anywhere")
                    continue
                }
                guard part.replicas?.isEmpty != true else {
                    refuse(.invalidReplicaAssignment, "a partition has at least one replica")
                    continue
                }
                if let replicas = part.replicas, !mayChangeCount, replicas.count != state.target.count {
                    refuse(
                        .invalidReplicationFactor,
                        "\(replicas.count) replicas are asked for, there are \(state.target.count), and the request does not allow to change that"
                    )
                    continue
                }
                gathering.enter()
                replica.propose(.cluster(.reassign([Reassignment(name, target: part.replicas ?? [])]))) { result in
                    switch result {
                    case .success(.refused(let refusal)): refuse(refusal.code, refusal.message)
                    case .success: break
                    case .failure: refuse(.coordinatorNotAvailable, BrokerRefusal.notWritable.message)
                    }
                    gathering.leave()
                }
            }
        }
        gathering.leave()
    }

    func listPartitionReassignments(_ request: ListPartitionReassignmentsRequest, _ call: Call) {
        let wanted = request.topics.map { topics in Set(topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.name, $0) } })
        }
        var topics: [ListPartitionReassignmentsResponse.Topic] = []
        for (name, state) in machine.cluster.partitions.entries where state.isReassigned && wanted?.contains(name) ?? true {
            if topics.last?.name != name.topic { topics.append(.init(name: name.topic)) }
            topics[topics.count - 1].partitions.append(
                .init(partition: name.partition, replicas: state.replicas, adding: state.adding, removing: state.removing))
        }
        call.reply(ListPartitionReassignmentsResponse(topics: topics))
    }
}
