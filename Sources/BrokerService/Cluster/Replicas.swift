// The replicas of this broker under changes of the cluster's state: opens them, lets them lead or follow, and removes replicas moved to
// other brokers. Driven by the log, command by command, and by a full pass after a start.
import Base
import BrokerCore
import KafkaWire
import Storage

extension Broker {
    /// Applies a command executed here, before its proposer, if it is this broker, continues.
    func executed(_ outcome: BrokerOutcome) {
        // The next start makes a full pass.
        guard !isStopping else { return }
        switch outcome {
        case .created(let topic), .grown(let topic): for number in 0..<topic.partitions { place(TopicPartition(topic.name, number)) }
        case .deleted(let topic):
            close(topic)
            removeFiles(of: topic)
        case .altered(let topic): applyConfig(of: topic)
        case .brokerAltered: for (_, topic) in machine.topics.entries { applyConfig(of: topic) }
        case .recordsDeleted(let starts): for start in starts { begin(start) }
        case .placed(let changed):
            for name in changed { place(name) }
            coordinatorsChanged()
        case .registered(let record, let changed):
            if cluster?.registered(record) == true { return placeAll() }
            for name in changed { place(name) }
            coordinatorsChanged()
        case .unregistered(let broker):
            cluster?.forgot(broker)
            coordinatorsChanged()
        case .transaction(let transaction): transactionChanged(transaction)
        case .sharesReset(let group, let places): sharedPartitions.reset(group, places)
        case .rulesChanged: access.rulesChanged()
        case .done, .producerIDs, .sharesStored, .refused: break
        }
    }

    /// Places every replica: after a start, and after a peer's snapshot replaced the state.
    func placeAll() {
        access.rulesChanged()
        for name in partitions.keys.sorted() { place(name) }
        for name in machine.cluster.partitions.keys { place(name) }
        for (_, topic) in machine.dropped.entries { removeFiles(of: topic) }
        removeLeftovers()
        for (_, transaction) in machine.transactions.entries where !transaction.phase.isAtRest { transactionChanged(transaction) }
        // Other brokers may have coordinated them meanwhile.
        forgetGroups(all: true)
        coordinatorsKnown = []
        coordinatorsChanged()
    }

    /// Brings the replica of a partition in line with the cluster's state.
    func place(_ name: TopicPartition) {
        guard let cluster, !isStopping else { return }
        // A topic recreated under the same name is another one.
        if let open = partitions[name], machine.topics[name.topic]?.id != open.topicID { drop(open) }
        guard let state = machine.cluster.partitions[name], let topic = machine.topics[name.topic] else { return }
        guard state.replicas.contains(settings.nodeID) else {
            if let open = partitions[name] { drop(open) }
            return
        }
        guard let partition = partitions[name] else { return openReplica(topic, name) }
        // Before the registration of this incarnation the state here may be old: a leader would mark transactions that ended long ago.
        guard cluster.hasJoined else { return }
        if partition.term == state.leaderEpoch {
            if partition.leads { return advanced(partition) { $0.decided(state, now: self.now) } }
            if partition.leader == state.leader || partition.leader < 0 { return }
        }
        cluster.unfollow(partition)
        partition.suspend(term: state.leaderEpoch)
        wakeAll(of: partition)
        begin(partition)
    }

    private func openReplica(_ topic: TopicRecord, _ name: TopicPartition) {
        guard opening.insert(name).inserted else { return }
        open(topic, name.partition) { [self] error in
            opening.remove(name)
            if let error {
                log.error("a replica could not be opened; trying again", metadata: ["partition": "\(name)", "error": "\(error)"])
                return loop.schedule(after: BrokerSettings.transactionRetry) { self.place(name) }
            }
            place(name)
        }
    }

    /// Begins the term of a suspended replica, once the disk thread has finished its earlier work.
    private func begin(_ partition: Partition) {
        let (log, term) = (partition.log, partition.term)
        let leads = machine.cluster.partitions[partition.name]?.leader == settings.nodeID
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let settled: (LogBounds) -> Void = { [self] bounds in
            guard !isStopping, partition.term == term, partitions[partition.name] === partition else { return }
            partition.take(bounds)
            guard let state = machine.cluster.partitions[partition.name], state.leaderEpoch == term else { return }
            if state.leader == settings.nodeID {
                partition.lead(state, as: settings.nodeID, now: now)
                writePendingMarkers(of: partition)
                wakeAll(of: partition)
            } else if state.leader >= 0 {
                partition.follow(state.leader)
                cluster?.follow(partition)
            }
        }
        partition.writer.disk.submit {
            log.begin(term: term, leads: leads)
            let bounds = log.bounds
            self.loop.execute { settled(bounds) }
        }
    }

    /// Lets `body` advance a partition and wakes the requests that wait for what that makes visible.
    func advanced(_ partition: Partition, _ body: (Partition) -> Void) {
        let (before, knew) = (partition.highWatermark, partition.knowsEnd)
        body(partition)
        if partition.highWatermark > before || partition.knowsEnd != knew { wakeAll(of: partition) }
    }

    func wakeAll(of partition: Partition) {
        for wait in partition.waiting.values.sorted(by: { $0.number < $1.number }) { wait.wake() }
    }

    /// Drops a replica that no longer belongs here.
    private func drop(_ partition: Partition) {
        cluster?.unfollow(partition)
        partitions[partition.name] = nil
        partition.suspend(term: partition.term)
        sharedPartitions.close(partition.name)
        wakeAll(of: partition)
        let log = partition.log
        partition.writer.disk.submit {
            do throws(StorageError) {
                try log.close()
                try PartitionLog.remove(log.directory)
            } catch {
                self.log.warning(
                    "a replica that went elsewhere could not be removed", metadata: ["directory": "\(log.directory)", "error": "\(error)"])
            }
        }
    }

    /// Raises a partition's start offset after a deletion of records.
    private func begin(_ start: PartitionOffset) {
        guard let partition = partitions[start.partition], start.offset > partition.startOffset else { return }
        trim(partition, to: start.offset) { _ in }
    }

    /// Proposes a leader's findings about its followers.
    func propose(_ change: InSyncChange, of partition: Partition) {
        let term = partition.term
        replica.propose(.cluster(.changeInSync(change))) { [self] result in
            let isKnown = if case .success = result { true } else { false }
            advanced(partition) { $0.inSyncProposalEnded(term: term, isKnown: isKnown) }
        }
    }

    /// Checks for lagging followers and for producers past their timeout.
    func checkReplicas() {
        guard let cluster else { return }
        for partition in partitions.values where partition.leads {
            if partition.hasAcknowledgements { partition.expireAcknowledgements(now: now) }
            // Without a controller there is no decision.
            guard replica.leader != nil else { continue }
            if let change = partition.checkInSync(now: now, lagMax: cluster.settings.replicaLagMax) {
                if change.inSync.count < partition.inSyncCount {
                    log.notice(
                        "replicas lag and are not counted on any more",
                        metadata: ["partition": "\(partition.name)", "in sync": "\(change.inSync)"])
                }
                propose(change, of: partition)
            }
        }
    }

    // MARK: leadership

    /// The partition if this broker leads it, or the error for the client.
    func led(_ name: TopicPartition) -> Result<Partition, KafkaErrorCode.Refusal> {
        if let partition = partitions[name] { return partition.leads ? .success(partition) : .failure(.init(.notLeaderOrFollower)) }
        guard let topic = machine.topics[name.topic], name.partition >= 0, name.partition < topic.partitions else {
            return .failure(.init(.unknownTopicOrPartition))
        }
        if topicsUnderWay[name.topic] != nil { return .failure(.init(.leaderNotAvailable)) }
        return .failure(.init(isClustered ? .notLeaderOrFollower : .unknownTopicOrPartition))
    }
}

extension KafkaErrorCode {
    /// A code as the reason of a failure.
    struct Refusal: Error {
        var code: KafkaErrorCode
        init(_ code: KafkaErrorCode) { self.code = code }
    }
}
