// Creation and deletion of topics on the loop: the command first, then the partitions' files on their disk threads, then the answer.
import Base
import BrokerCore
import KafkaWire
import Storage

extension Broker {
    /// The disk thread of a partition, chosen by its number, so that a topic's partitions spread.
    private func writer(of topic: TopicRecord, _ partition: Int32) -> LogWriter {
        writers[Int((topic.id.low &+ UInt64(partition)) % UInt64(writers.count))]
    }

    /// A partition's directory: readable by name, and different after the topic's recreation.
    private func directory(of topic: TopicRecord, _ partition: Int32) -> String { "\(topicDirectory(topic))/\(partition)" }

    private func topicDirectory(_ topic: TopicRecord) -> String { "\(dataDirectory)/topics/\(directoryName(of: topic))" }

    /// A file system allows 255 bytes: the longest names are cut, and told apart by the id alone.
    func directoryName(of topic: TopicRecord) -> String { "\(topic.name.prefix(Self.directoryNameMax)).\(topic.id.shortText)" }
    private static var directoryNameMax: Int { 246 }

    func config(of topic: TopicRecord) -> TopicConfig {
        do { return try topicDefaults.applying(topic.configs) } catch {
            log.error(
                "a topic's settings are not possible any more; the defaults are used",
                metadata: ["topic": "\(topic.name)", "reason": "\(error.reason)"])
            return topicDefaults
        }
    }

    /// Opens a topic's partitions that are not open yet; `done` gets the first failure.
    func open(_ topic: TopicRecord, _ done: @escaping (StorageError?) -> Void) {
        var failure: StorageError?
        let gathering = Gathering { done(failure) }
        for number in 0..<topic.partitions where partitions[TopicPartition(topic.name, number)] == nil {
            gathering.enter()
            open(topic, number) { [self] error in
                failure = failure ?? error
                let alone = PartitionState(replicas: [settings.nodeID], inSync: [settings.nodeID], leader: settings.nodeID)
                if error == nil { partitions[TopicPartition(topic.name, number)]?.lead(alone, as: settings.nodeID, now: now) }
                gathering.leave()
            }
        }
        gathering.leave()
    }

    /// Opens one partition, which neither leads nor follows yet.
    func open(_ topic: TopicRecord, _ number: Int32, _ done: @escaping (StorageError?) -> Void) {
        let config = config(of: topic)
        let writer = writer(of: topic, number)
        let directory = directory(of: topic, number)
        let start = machine.startOffsets[TopicPartition(topic.name, number)] ?? 0
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let opened: (Result<OpenedLog, StorageError>) -> Void = { [self] result in
            switch result {
            case .success(let found):
                adopt(found, TopicPartition(topic.name, number), topic, config, writer)
                done(nil)
            case .failure(let error): done(error)
            }
        }
        let options = SegmentLogOptions(segmentBytesMax: config.segmentBytes, waitsWhenSealing: settings.durability == .beforeAcknowledging)
        writer.disk.submit {
            let result = Result { () throws(StorageError) in try OpenedLog(self.files, directory, options, start) }
            self.loop.execute { opened(result) }
        }
    }

    private struct OpenedLog: Sendable {
        var log: PartitionLog
        var bounds: LogBounds
        var cutBytes: Int64
        init(_ files: RealFileSystem, _ directory: String, _ options: SegmentLogOptions, _ start: Int64) throws(StorageError) {
            log = try PartitionLog(files: files, directory: directory, options: options)
            try log.begin(at: min(start, log.bounds.nextOffset))
            bounds = log.bounds
            cutBytes = log.cutBytes
        }
    }

    private func adopt(_ found: OpenedLog, _ name: TopicPartition, _ topic: TopicRecord, _ config: TopicConfig, _ writer: LogWriter) {
        if found.cutBytes > 0 {
            let meaning =
                settings.durability == .beforeAcknowledging
                ? "nothing in it had been acknowledged" : "it was written after the last sync (broker.durability)"
            log.warning("a torn end of a log was cut off; \(meaning)", metadata: ["partition": "\(name)", "bytes": "\(found.cutBytes)"])
        }
        partitions[name] = Partition(name: name, topicID: topic.id, config: config, log: found.log, writer: writer, bounds: found.bounds)
    }

    /// Creates a topic and opens it; with `joining`, a request for a topic under creation waits for it too.
    /// `replicas` places its partitions, in a cluster.
    func create(
        _ topic: TopicRecord, _ replicas: [ReplicaList] = [], joining: Bool, _ done: @escaping (Result<TopicRecord, BrokerRefusal>) -> Void
    ) {
        if topicsUnderWay[topic.name] != nil {
            guard joining else { return done(.failure(.topicExists(topic.name))) }
            topicsUnderWay[topic.name]?.append(done)
            return
        }
        topicsUnderWay[topic.name] = [done]
        if isClustered { return createPlaced(topic, replicas) }
        replica.propose(.createTopic(topic)) { [self] result in
            switch result {
            case .success(.created(let created)): open(created) { self.createEnded(created, $0) }
            case .success(.refused(let refusal)): createEnded(topic.name, .failure(refusal))
            case .success, .failure: createEnded(topic.name, .failure(.notWritable))
            }
        }
    }

    private func createEnded(_ topic: TopicRecord, _ failure: StorageError?) {
        guard let failure else { return createEnded(topic.name, .success(topic)) }
        log.error(
            "a topic's files could not be made, so the topic is taken back", metadata: ["topic": "\(topic.name)", "error": "\(failure)"])
        delete(topic.name) { [self] _ in createEnded(topic.name, .failure(.notWritable)) }
    }

    private func createPlaced(_ topic: TopicRecord, _ replicas: [ReplicaList]) {
        let places = replicas.isEmpty ? placement(of: topic, first: 0, count: topic.partitions, factor: defaultReplicationFactor) : replicas
        replica.propose(.cluster(.createTopic(topic, places))) { [self] result in
            switch result {
            case .success(.created(let created)):
                whenLed(created, until: now + BrokerSettings.newLeaderPatience) { self.createEnded(topic.name, .success(created)) }
            case .success(.refused(let refusal)): createEnded(topic.name, .failure(refusal))
            case .success, .failure: createEnded(topic.name, .failure(.notWritable))
            }
        }
    }

    /// Calls `done` once this broker leads its part of a new topic, or at `end`. A client sends again after a refusal by the named leader,
    /// and without idempotence it does so behind its later records.
    private func whenLed(_ topic: TopicRecord, until end: Instant, _ done: @escaping @Sendable () -> Void) {
        let isLed = (0..<topic.partitions).map { TopicPartition(topic.name, $0) }.allSatisfy { place in
            machine.cluster.partitions[place]?.leader != settings.nodeID || partitions[place]?.leads == true
        }
        if isLed || now >= end || isStopping { return done() }
        loop.schedule(after: .milliseconds(1)) { self.whenLed(topic, until: end, done) }
    }

    private func createEnded(_ name: String, _ result: Result<TopicRecord, BrokerRefusal>) {
        for waiter in topicsUnderWay.removeValue(forKey: name) ?? [] { waiter(result) }
    }

    /// Deletes a topic; its files are removed after the answer.
    func delete(_ name: String, _ done: @escaping (BrokerRefusal?) -> Void) {
        replica.propose(.deleteTopic(name: name)) { [self] result in
            switch result {
            case .success(.deleted(let topic)):
                // In a cluster every broker does this when it executes the command.
                if !isClustered {
                    close(topic)
                    removeFiles(of: topic)
                }
                done(nil)
            case .success(.refused(let refusal)): done(refusal)
            case .success, .failure: done(.notWritable)
            }
        }
    }

    func close(_ topic: TopicRecord) {
        for number in 0..<topic.partitions {
            guard let partition = partitions.removeValue(forKey: TopicPartition(topic.name, number)) else { continue }
            cluster?.unfollow(partition)
            partition.suspend(term: partition.term)
            sharedPartitions.close(partition.name)
            wakeAll(of: partition)
            let log = partition.log
            partition.writer.disk.submit {
                do { try log.close() } catch {
                    self.log.warning("a deleted partition did not close cleanly", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Removes a dropped topic's files, then the record of their pending removal.
    func removeFiles(of topic: TopicRecord) {
        var failure: StorageError?
        let gathering = Gathering { [self] in
            if let failure {
                return log.warning(
                    "a deleted topic's files stay until the next start", metadata: ["topic": "\(topic.name)", "error": "\(failure)"])
            }
            let directory = topicDirectory(topic)
            // Its partitions are gone; an empty directory left behind does no harm.
            writers[0].disk.submit { try? RealFileSystem().remove(directory) }
            replica.propose(.forgetDropped(topicID: topic.id)) { _ in }
        }
        for number in 0..<topic.partitions {
            gathering.enter()
            let directory = directory(of: topic, number)
            // Made and called on the loop; the disk thread only carries it back.
            nonisolated(unsafe) let removed: (StorageError?) -> Void = { error in
                failure = failure ?? error
                gathering.leave()
            }
            writer(of: topic, number).disk.submit {
                var failed: StorageError?
                do throws(StorageError) { try PartitionLog.remove(directory) } catch { failed = error }
                let result = failed
                self.loop.execute { removed(result) }
            }
        }
        gathering.leave()
    }

    /// Adds partitions to a topic.
    func grow(_ name: String, to count: Int32, _ replicas: [ReplicaList] = [], _ done: @escaping (BrokerRefusal?) -> Void) {
        if isClustered { return growPlaced(name, to: count, replicas, done) }
        replica.propose(.growTopic(name: name, partitions: count)) { [self] result in
            switch result {
            case .success(.grown(let topic)): open(topic) { done($0 == nil ? nil : .notWritable) }
            case .success(.refused(let refusal)): done(refusal)
            case .success, .failure: done(.notWritable)
            }
        }
    }

    private func growPlaced(_ name: String, to count: Int32, _ replicas: [ReplicaList], _ done: @escaping (BrokerRefusal?) -> Void) {
        guard let topic = machine.topics[name] else { return done(.unknownTopic(name)) }
        let factor = machine.cluster.partitions[TopicPartition(name, 0)]?.target.count ?? 1
        if let refusal = machine.refusalToGrow(topic, to: count) { return done(refusal) }
        let added = count - topic.partitions
        let places =
            replicas.isEmpty
            ? placement(of: topic, first: topic.partitions, count: added, factor: min(factor, machine.cluster.alive.count)) : replicas
        replica.propose(.cluster(.growTopic(name: name, places))) { result in
            switch result {
            case .success(.grown): done(nil)
            case .success(.refused(let refusal)): done(refusal)
            case .success, .failure: done(.notWritable)
            }
        }
    }

    /// The placement of partitions from `first` on, spread over the live brokers.
    func placement(of topic: TopicRecord, first: Int32, count: Int32, factor: Int) -> [ReplicaList] {
        let alive = machine.cluster.brokers.entries.map(\.value).filter { !$0.isFenced }
        guard !alive.isEmpty, factor > 0, factor <= alive.count else { return [] }
        // A different start per topic, and the same one whenever its partitions grow.
        let start = Int(topic.id.low % UInt64(alive.count)) + Int(first)
        return ReplicaPlacement.lists(count: Int(count), factor: factor, brokers: alive, start: start)
    }

    /// Replicas of a topic created without a number.
    var defaultReplicationFactor: Int { min(Int(settings.cluster?.defaultReplicationFactor ?? 1), max(1, machine.cluster.alive.count)) }

    /// Drops old segments, topic by topic, at each interval.
    func scheduleRetention() {
        loop.schedule(after: settings.retentionCheckInterval) {
            guard !self.isStopping else { return }
            let now = self.time.wallTime()
            for partition in self.partitions.values { self.retain(partition, now) }
            self.forgetIdleTransactions()
            self.forgetExpiredTokens()
            self.scheduleRetention()
        }
    }

    private func retain(_ partition: Partition, _ now: WallTime) {
        let log = partition.log
        let config = partition.config
        let end = partition.highWatermark
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let trimmed: (Result<LogBounds, StorageError>) -> Void = { [self] result in
            switch result {
            case .success(let bounds): partition.trimmed(bounds)
            case .failure(let error): self.log.warning("old segments could not be removed", metadata: ["error": "\(error)"])
            }
        }
        partition.writer.disk.submit {
            let result = Result { () throws(StorageError) in
                try log.retain(config, below: end, now: now)
                return log.bounds
            }
            self.loop.execute { trimmed(result) }
        }
    }
}
