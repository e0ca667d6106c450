// The rules of transactions: the commands that a transactional id takes in each phase, and their results. Pure functions of a transaction
// and a command; the machine stores the result and commits offsets. Source: Kafka KIP-98, KIP-360, KIP-890.
import Base

extension Transaction {
    /// Why this identity may not act for the transaction; nil if it may.
    private func refusal(of identity: ProducerIdentity) -> BrokerRefusal? {
        guard identity.id == producer.id else { return .unknownTransaction(name) }
        return identity.epoch == producer.epoch ? nil : .producerFenced(name)
    }

    /// A producer takes the id over. `freshID` is an unused producer id, for when the epochs are used up.
    mutating func begin(_ expected: ProducerIdentity, timeoutMilliseconds: Int32, freshID: () -> Int64) -> BrokerRefusal? {
        if expected.id >= 0 {
            guard expected.id == producer.id else { return .producerFenced(name) }
            guard expected.epoch == producer.epoch || (phase.isAtRest && expected.epoch == previousEpoch) else {
                return .producerFenced(name)
            }
        }
        if phase.isPrepared { return .transactionCompleting(name) }
        if phase == .ongoing { return .transactionOpen(name) }
        self.timeoutMilliseconds = timeoutMilliseconds
        // The answer to the same request was lost: the epoch has been raised already.
        if expected.id >= 0, expected.epoch == previousEpoch, expected.epoch != producer.epoch { return nil }
        if producer.epoch >= Self.epochMax {
            producer = ProducerIdentity(freshID(), 0)
            previousEpoch = -1
        } else {
            previousEpoch = expected.id >= 0 ? producer.epoch : -1
            producer.epoch += 1
        }
        phase = .empty
        content = TransactionContent()
        return nil
    }

    private mutating func open(_ time: WallTime) {
        guard phase != .ongoing else { return }
        phase = .ongoing
        started = time
        content = TransactionContent()
    }

    mutating func add(_ partitions: [TopicPartition], as identity: ProducerIdentity, at time: WallTime) -> BrokerRefusal? {
        if let refusal = refusal(of: identity) { return refusal }
        if phase.isPrepared { return .transactionCompleting(name) }
        open(time)
        var known = Set(content.partitions)
        for partition in partitions where known.insert(partition).inserted { content.partitions.append(partition) }
        return nil
    }

    mutating func add(_ group: GroupID, as identity: ProducerIdentity, at time: WallTime) -> BrokerRefusal? {
        if let refusal = refusal(of: identity) { return refusal }
        if phase.isPrepared { return .transactionCompleting(name) }
        open(time)
        if !content.groups.contains(group) { content.groups.append(group) }
        return nil
    }

    mutating func stage(_ entries: [OffsetEntry], of group: GroupID, joining: Bool, as identity: ProducerIdentity, at time: WallTime)
        -> BrokerRefusal?
    {
        if joining, let refusal = add(group, as: identity, at: time) { return refusal }
        if let refusal = refusal(of: identity) { return refusal }
        if phase.isPrepared { return .transactionCompleting(name) }
        guard phase == .ongoing, content.groups.contains(group) else {
            return .invalidTransactionState(name, reason: "the group '\(group)' was not added to the transaction")
        }
        var places = LookupTable<StagedOffset.Place, Int>()
        for (index, offset) in content.staged.enumerated() { places[offset.place] = index }
        for entry in entries {
            let offset = StagedOffset(group, entry)
            if let index = places[offset.place] {
                content.staged[index] = offset
            } else {
                places[offset.place] = content.staged.count
                content.staged.append(offset)
            }
        }
        return nil
    }

    /// Decides the outcome. Without refusal the transaction is prepared, or it was complete already and the request is a repetition.
    mutating func decide(commits: Bool, _ epoch: EpochChange, as identity: ProducerIdentity, freshID: () -> Int64) -> BrokerRefusal? {
        if epoch == .raised, identity.id == producer.id, identity.epoch == previousEpoch, identity.epoch != producer.epoch {
            // The answer to the same request was lost (KIP-890).
            if phase == (commits ? .completeCommit : .completeAbort) { return nil }
            if phase == (commits ? .prepareCommit : .prepareAbort) { return .transactionCompleting(name) }
        }
        if let refusal = refusal(of: identity) { return refusal }
        switch phase {
        case .ongoing: break
        case .prepareCommit where commits, .prepareAbort where !commits: return .transactionCompleting(name)
        case .empty, .completeCommit, .completeAbort:
            // With an epoch for each transaction an abort needs no open transaction.
            if epoch == .raised, !commits { break }
            if epoch == .kept, phase == (commits ? .completeCommit : .completeAbort) { return nil }
            return .invalidTransactionState(name, reason: "nothing is open that could be \(commits ? "committed" : "aborted")")
        default: return .invalidTransactionState(name, reason: "its outcome is decided otherwise (\(phase.name))")
        }
        if epoch != .kept {
            previousEpoch = epoch == .raised ? producer.epoch : -1
            producer.epoch += 1
            if producer.epoch > Self.epochMax { successor = freshID() }
        }
        phase = commits ? .prepareCommit : .prepareAbort
        return nil
    }

    /// Every partition has its marker; the machine commits the staged offsets.
    mutating func complete() {
        phase = phase == .prepareCommit ? .completeCommit : .completeAbort
        content = TransactionContent()
        guard successor >= 0 else { return }
        producer = ProducerIdentity(successor, 0)
        previousEpoch = -1
        successor = -1
    }
}
