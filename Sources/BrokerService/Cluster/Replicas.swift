// What this broker does with its replicas when the cluster's state changes: opens them, lets them lead or follow, takes those away that went
// elsewhere. Driven by the log, command by command, and by one look over everything after a start.
import Base
import BrokerCore
import KafkaWire
import Storage

extension Broker {
    /// A command was executed here; before its proposer, if that is this broker, goes on.
    func executed(_ outcome: BrokerOutcome) {
        // The next start looks at everything.
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

    /// Looks at everything: after a start, and when the state was replaced by a peer's.
    func placeAll() {
        access.rulesChanged()
        for name in partitions.keys.sorted() { place(name) }
        for name in machine.cluster.partitions.keys { place(name) }
        for (_, topic) in machine.dropped.entries { removeFiles(of: topic) }
        removeLeftovers()
        for (_, transaction) in machine.transactions.entries where !transaction.phase.isAtRest { transactionChanged(transaction) }
        // Others may have coordinated them meanwhile.
        forgetGroups(all: true)
        coordinatorsKnown = []
        coordinatorsChanged()
    }

    /// Brings the replica of a partition in line with the cluster's state.
    func place(_ name: TopicPartition) {
        guard let cluster, !isStopping else { return }
        // A topic that was made anew under the same name is another one.
        if let open = partitions[name], machine.topics[name.topic]?.id != open.topicID { drop(open) }
        guard let state = machine.cluster.partitions[name], let topic = machine.topics[name.topic] else { return }
        guard state.replicas.contains(settings.nodeID) else {
            if let open = partitions[name] { drop(open) }
            return
        }
        guard let partition = partitions[name] else { return openReplica(topic, name) }
        // Until the cluster counts on this life of the broker, what is known here may be old: a leader would mark transactions that have long ended.
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

    /// Begins the term of a suspended replica, once the disk thread has done with what came before.
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

    /// Lets `body` move a partition on and wakes those who wait for what that makes visible.
    func advanced(_ partition: Partition, _ body: (Partition) -> Void) {
        let (before, knew) = (partition.highWatermark, partition.knowsEnd)
        body(partition)
        if partition.highWatermark > before || partition.knowsEnd != knew { wakeAll(of: partition) }
    }

    func wakeAll(of partition: Partition) {
        for wait in partition.waiting.values.sorted(by: { $0.number < $1.number }) { wait.wake() }
    }

    /// A replica that does not belong here any more.
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
            } catch { self.log.warning("a replica that went elsewhere could not be removed", metadata: ["directory": "\(log.directory)", "error": "\(error)"]) }
        }
    }

    /// Records below an offset were deleted.
    private func begin(_ start: PartitionOffset) {
        guard let partition = partitions[start.partition], start.offset > partition.startOffset else { return }
        trim(partition, to: start.offset) { _ in }
    }

    /// Proposes what a leader found out about its followers.
    func propose(_ change: InSyncChange, of partition: Partition) {
        let term = partition.term
        replica.propose(.cluster(.changeInSync(change))) { [self] result in
            let isKnown = if case .success = result { true } else { false }
            advanced(partition) { $0.inSyncProposalEnded(term: term, isKnown: isKnown) }
        }
    }

    /// Looks after followers that lag and producers that have waited long enough.
    func checkReplicas() {
        guard let cluster else { return }
        for partition in partitions.values where partition.leads {
            if partition.hasAcknowledgements { partition.expireAcknowledgements(now: now) }
            // Without a controller nobody decides.
            guard replica.leader != nil else { continue }
            if let change = partition.checkInSync(now: now, lagMax: cluster.settings.replicaLagMax) {
                if change.inSync.count < partition.inSyncCount {
                    log.notice("replicas lag and are not counted on any more", metadata: ["partition": "\(partition.name)", "in sync": "\(change.inSync)"])
                }
                propose(change, of: partition)
            }
        }
    }

    // MARK: who leads

    /// The partition if this broker leads it, or what to tell who asked for it.
    func led(_ name: TopicPartition) -> Result<Partition, KafkaErrorCode.Refusal> {
        if let partition = partitions[name] { return partition.leads ? .success(partition) : .failure(.init(.notLeaderOrFollower)) }
        guard let topic = machine.topics[name.topic], name.partition >= 0, name.partition < topic.partitions else { return .failure(.init(.unknownTopicOrPartition)) }
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
