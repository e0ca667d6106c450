// The one table from this broker's refusals to Kafka's codes.
import BrokerCore
import KafkaWire

extension BrokerRefusal {
    var code: KafkaErrorCode {
        switch self {
        case .topicExists: .topicAlreadyExists
        case .unknownTopic: .unknownTopicOrPartition
        case .invalidTopicName: .invalidTopic
        case .invalidPartitionCount: .invalidPartitions
        case .unknownGroup: .groupIDNotFound
        case .tooManyPartitions: .invalidPartitions
        case .unknownTransaction: .invalidProducerIDMapping
        case .producerFenced: .producerFenced
        case .transactionCompleting, .transactionOpen: .concurrentTransactions
        case .invalidTransactionState: .invalidTransactionState
        case .unknownUser: .resourceNotFound
        case .tooManyTransactions, .tooManyUsers, .tooManyRules, .tooManyBrokers, .tooManyQuotas, .tooManyTokens,
            .tooManySharePartitions, .tooManyGroupSettings:
            .policyViolation
        case .unknownToken: .delegationTokenNotFound
        case .invalidReplicas: .invalidReplicaAssignment
        case .staleBroker: .staleBrokerEpoch
        case .unknownBroker: .brokerIDNotRegistered
        case .brokerHoldsPartitions: .invalidRequest
        case .partitionChanged: .invalidUpdateVersion
        case .notCoordinator: .notCoordinator
        case .groupNotEmpty: .nonEmptyGroup
        case .notWritable: .kafkaStorageError
        }
    }

    /// The refusal and its reason, for clients that show it.
    var message: String {
        switch self {
        case .topicExists(let name): "topic '\(name)' exists already"
        case .unknownTopic(let name): "there is no topic '\(name)'"
        case .invalidTopicName(let name, let reason): "'\(name)' cannot be a topic's name: \(reason)"
        case .invalidPartitionCount(let count, let reason): "\(count) partitions are not possible: \(reason)"
        case .unknownGroup(let group): "there is no group '\(group)'"
        case .tooManyPartitions(let limit): "this broker holds at most \(limit) partitions"
        case .unknownTransaction(let name): "no transaction '\(name)' has this producer id"
        case .producerFenced(let name): "another producer has taken over the transactional id '\(name)'"
        case .transactionCompleting(let name): "the transaction '\(name)' is being completed; try again"
        case .transactionOpen(let name): "the transaction '\(name)' is open; try again"
        case .invalidTransactionState(let name, let reason): "transaction '\(name)': \(reason)"
        case .tooManyTransactions(let limit): "this broker keeps at most \(limit) transactional ids"
        case .unknownUser(let name): "there is no user '\(name)' with this mechanism"
        case .tooManyUsers(let limit): "this broker keeps at most \(limit) users"
        case .tooManyRules(let limit): "this broker keeps at most \(limit) access rules"
        case .tooManyBrokers(let limit): "a cluster remembers at most \(limit) brokers"
        case .invalidReplicas(let reason): reason
        case .unknownBroker(let id): "there is no broker \(id)"
        case .brokerHoldsPartitions(let id, let count):
            "broker \(id) has replicas of \(count) partitions; move them first (platform broker reassign start --away-from \(id))"
        case .staleBroker(let id): "broker \(id) has registered anew since"
        case .partitionChanged(let place): "partition '\(place)' has changed since"
        case .notCoordinator(let group): "another broker coordinates the group '\(group)'"
        case .groupNotEmpty(let group): "the group '\(group)' has members; stop them first"
        case .tooManySharePartitions(let limit): "share groups read at most \(limit) partitions here, each group's counted"
        case .tooManyGroupSettings(let limit): "at most \(limit) groups have settings of their own"
        case .tooManyQuotas(let limit): "this broker keeps limits of at most \(limit) users and clients"
        case .unknownToken: "there is no such token"
        case .tooManyTokens(let limit): "this broker keeps at most \(limit) tokens"
        case .notWritable: "the broker cannot write its metadata or files at present; its log says why"
        }
    }
}

extension GroupRefusal {
    var code: KafkaErrorCode {
        switch self {
        case .invalidGroupID: .invalidGroupID
        case .invalidSessionTimeout: .invalidSessionTimeout
        case .unknownMember: .unknownMemberID
        case .illegalGeneration: .illegalGeneration
        case .inconsistentProtocol: .inconsistentGroupProtocol
        case .rebalanceInProgress: .rebalanceInProgress
        case .fencedInstance: .fencedInstanceID
        case .groupFull, .tooManyGroups: .groupMaxSizeReached
        case .notEmpty: .nonEmptyGroup
        case .notFound: .groupIDNotFound
        case .notCoordinator: .notCoordinator
        case .notWritable: .coordinatorNotAvailable
        case .memberIDRequired: .memberIDRequired
        }
    }
}

extension AppendOutcome {
    var code: KafkaErrorCode {
        switch self {
        case .appended, .duplicate, .replicated: .none
        case .notLeader: .notLeaderOrFollower
        case .notNext: .offsetOutOfRange
        case .corrupt: .corruptMessage
        case .refused(let refusal): refusal.code
        case .outOfOrder: .outOfOrderSequenceNumber
        case .staleEpoch: .invalidProducerEpoch
        case .failed: .kafkaStorageError
        }
    }
}

extension RecordBatch {
    var producerBatch: ProducerBatch {
        ProducerBatch(producerID: producerID, epoch: producerEpoch, baseSequence: baseSequence, recordCount: recordCount)
    }
}

extension RecordBatchFields {
    var producerBatch: ProducerBatch {
        ProducerBatch(producerID: producerID, epoch: producerEpoch, baseSequence: baseSequence, recordCount: recordCount)
    }
}

extension FetchSessionRefusal {
    var code: KafkaErrorCode {
        switch self {
        case .unknownID: .fetchSessionIDNotFound
        case .wrongEpoch: .invalidFetchSessionEpoch
        case .otherNaming: .fetchSessionTopicIDError
        }
    }
}
