// The machine's side of a cluster: its brokers and the place of each partition. PartitionState has the rules for a broker that comes
// or goes; this file applies them to all partitions and keeps the state as rows that a person can read.
import Base

/// Brokers and partitions of a cluster; empty for a single broker.
package struct ClusterState: Sendable {
    package fileprivate(set) var brokers = SortedTable<Int32, BrokerRecord>()
    package fileprivate(set) var partitions = SortedTable<TopicPartition, PartitionState>()
    /// The brokers that are not fenced, ascending.
    package private(set) var alive: [Int32] = []
    package private(set) var aliveSet: Set<Int32> = []

    package init() {}

    fileprivate mutating func set(_ id: Int32, _ broker: BrokerRecord?) {
        brokers[id] = broker
        alive = brokers.entries.filter { !$0.value.isFenced }.map(\.key)
        aliveSet = Set(alive)
    }
}

extension BrokerMachine {
    /// Limit of brokers in a cluster.
    package static let brokersMax = 255

    mutating func apply(_ command: ClusterCommand, _ position: ApplyPosition, _ rows: inout RowChanges) -> BrokerOutcome {
        switch command {
        case .register(let broker, let keepsLog): return register(broker, keepsLog, position, &rows)
        case .fence(let broker, let epoch): return fence(broker, epoch, &rows)
        case .createTopic(let topic, let places): return create(topic, places, &rows)
        case .growTopic(let name, let places): return grow(name, places, &rows)
        case .changeInSync(let change): return changeInSync(change, &rows)
        case .elect(let partitions, let unclean):
            return .placed(change(partitions, &rows) { [alive = cluster.aliveSet] _, state in state.elect(again: alive, unclean: unclean) })
        case .reassign(let changes): return reassign(changes, &rows)
        case .commitOffsets(let claim, let group, let entries):
            guard cluster.accepts(claim, of: group.rawValue) else { return .refused(.notCoordinator(group)) }
            return commit(group, entries, position.time, &rows)
        case .marked(let name, let producer, let decided, let partitions):
            return marked(name, producer, decided: decided, partitions, position.time, &rows)
        case .stage(let claim, let group, let command):
            guard cluster.accepts(claim, of: group.rawValue) else { return .refused(.notCoordinator(group)) }
            return apply(command, position, &rows)
        case .transact(let claim, let command):
            guard cluster.accepts(claim, of: command.name) else { return .refused(.notCoordinator(GroupID(command.name))) }
            return apply(command, position, &rows)
        case .unregister(let broker): return unregister(broker, &rows)
        }
    }

    // MARK: brokers

    private mutating func register(_ broker: BrokerRecord, _ keepsLog: Bool, _ position: ApplyPosition, _ rows: inout RowChanges)
        -> BrokerOutcome
    {
        let before = cluster.brokers[broker.id]
        guard before != nil || cluster.brokers.count < Self.brokersMax else { return .refused(.tooManyBrokers(limit: Self.brokersMax)) }
        var record = broker
        record.epoch = position.slot.rawValue
        record.isFenced = false
        // The same life, fenced by mistake: its logs are as they were.
        let isSameLife = before?.incarnation == broker.incarnation
        let adopted = cluster.brokers.isEmpty ? adopt(broker.id, &rows) : []
        store(record, &rows)
        let changed =
            adopted
            + change(cluster.partitions.keys, &rows) { [alive = cluster.aliveSet] _, state in
                guard state.replicas.contains(broker.id) else { return false }
                return state.returned(broker.id, alive: alive, keepsLog: keepsLog || isSameLife)
            }
        return .registered(record, changed)
    }

    /// Gives every partition to the first broker of a cluster, which may have stood alone before.
    private mutating func adopt(_ id: Int32, _ rows: inout RowChanges) -> [TopicPartition] {
        var adopted: [TopicPartition] = []
        for (name, topic) in topics.entries {
            for place in (0..<topic.partitions).map({ TopicPartition(name, $0) }) where cluster.partitions[place] == nil {
                set(PartitionState(replicas: [id], inSync: [id], leader: id), of: place, &rows)
                adopted.append(place)
            }
        }
        return adopted
    }

    private mutating func fence(_ id: Int32, _ epoch: Int64, _ rows: inout RowChanges) -> BrokerOutcome {
        guard var record = cluster.brokers[id], record.epoch == epoch else { return .refused(.staleBroker(id)) }
        guard !record.isFenced else { return .placed([]) }
        record.isFenced = true
        store(record, &rows)
        let byDefault = brokerConfigs["unclean.leader.election.enable"] == "true"
        let unclean = Set(topics.entries.filter { Self.isUnclean($0.value) ?? byDefault }.map(\.key))
        return .placed(
            change(cluster.partitions.keys, &rows) { [alive = cluster.aliveSet] place, state in
                state.lost(id, alive: alive, unclean: unclean.contains(place.topic))
            })
    }

    private static func isUnclean(_ topic: TopicRecord) -> Bool? {
        topic.configs.first { $0.name == "unclean.leader.election.enable" }.map { $0.value == "true" }
    }

    /// Partitions that a broker holds or is about to get.
    package func partitionsHeld(by broker: Int32) -> Int { cluster.partitions.entries.count { $0.value.replicas.contains(broker) } }

    private mutating func unregister(_ id: Int32, _ rows: inout RowChanges) -> BrokerOutcome {
        guard cluster.brokers[id] != nil else { return .refused(.unknownBroker(id)) }
        let held = partitionsHeld(by: id)
        guard held == 0 else { return .refused(.brokerHoldsPartitions(id, count: held)) }
        cluster.set(id, nil)
        rows.delete(Self.brokersTable, key: [.integer(Int64(id))])
        return .unregistered(id)
    }

    // MARK: topics

    private mutating func create(_ topic: TopicRecord, _ places: [ReplicaList], _ rows: inout RowChanges) -> BrokerOutcome {
        if let refusal = refusal(of: places, count: topic.partitions) { return .refused(refusal) }
        let outcome = create(topic, &rows)
        if case .created = outcome { place(topic.name, from: 0, places, &rows) }
        return outcome
    }

    private mutating func grow(_ name: String, _ places: [ReplicaList], _ rows: inout RowChanges) -> BrokerOutcome {
        guard let topic = topics[name] else { return .refused(.unknownTopic(name)) }
        let added = Int32(clamping: places.count)
        if let refusal = refusal(of: places, count: added) { return .refused(refusal) }
        let outcome = grow(name, topic.partitions.addingClamped(added), &rows)
        if case .grown = outcome { place(name, from: topic.partitions, places, &rows) }
        return outcome
    }

    private mutating func place(_ name: String, from first: Int32, _ places: [ReplicaList], _ rows: inout RowChanges) {
        for (index, list) in places.enumerated() {
            set(
                PartitionState(made: list.brokers, alive: cluster.aliveSet),
                of: TopicPartition(name, first.addingClamped(Int32(clamping: index))), &rows)
        }
    }

    /// Why these places are refused, nil if they are not; also asked by requests that only validate.
    package func refusal(of places: [ReplicaList], count: Int32) -> BrokerRefusal? {
        guard places.count == Int(count), let factor = places.first?.brokers.count, factor > 0 else {
            return .invalidReplicas(reason: "each partition has a list of replicas, and none is empty")
        }
        for list in places {
            guard list.brokers.count == factor else {
                return .invalidReplicas(reason: "all partitions of a topic have the same number of replicas")
            }
            if let reason = problem(with: list.brokers) { return .invalidReplicas(reason: reason) }
        }
        return nil
    }

    private func problem(with brokers: [Int32]) -> String? {
        guard Set(brokers).count == brokers.count else { return "a broker holds at most one replica of a partition" }
        return brokers.first { cluster.brokers[$0] == nil }.map { "there is no broker \($0)" }
    }

    // MARK: partitions

    private mutating func changeInSync(_ change: InSyncChange, _ rows: inout RowChanges) -> BrokerOutcome {
        guard let topic = topic(id: change.topicID) else { return .refused(.unknownTopic(change.topicID.uuidText)) }
        let place = TopicPartition(topic.name, change.partition)
        let changed = self.change([place], &rows) { [alive = cluster.aliveSet] _, state in state.changeInSync(change, alive: alive) }
        return changed.isEmpty ? .refused(.partitionChanged(place)) : .placed(changed)
    }

    private mutating func reassign(_ changes: [Reassignment], _ rows: inout RowChanges) -> BrokerOutcome {
        for one in changes {
            guard cluster.partitions[one.partition] != nil else { return .refused(.unknownTopic(one.partition.topic)) }
            if let reason = problem(with: one.target) { return .refused(.invalidReplicas(reason: reason)) }
        }
        var changed: [TopicPartition] = []
        for one in changes {
            changed += change([one.partition], &rows) { [alive = cluster.aliveSet] _, state in state.reassign(to: one.target, alive: alive)
            }
        }
        return .placed(changed)
    }

    /// Runs `body` on the states of these partitions; returns the changed ones.
    private mutating func change(
        _ places: [TopicPartition], _ rows: inout RowChanges, _ body: (TopicPartition, inout PartitionState) -> Bool
    ) -> [TopicPartition] {
        var changed: [TopicPartition] = []
        for place in places {
            guard var state = cluster.partitions[place], body(place, &state) else { continue }
            set(state, of: place, &rows)
            changed.append(place)
        }
        return changed
    }

    mutating func set(_ state: PartitionState?, of place: TopicPartition, _ rows: inout RowChanges) {
        let present = cluster.partitions[place] != nil
        cluster.partitions[place] = state
        if let state {
            rows.upsert(Self.partitionsTable, Self.row(place, state))
        } else if present {
            rows.delete(Self.partitionsTable, key: [.text(place.topic), .integer(Int64(place.partition))])
        }
    }

    private mutating func store(_ broker: BrokerRecord, _ rows: inout RowChanges) {
        cluster.set(broker.id, broker)
        rows.upsert(Self.brokersTable, Self.row(broker))
    }
}

// MARK: rows

extension BrokerMachine {
    static let brokersTable = TableSchema(
        "brokers", key: [.init("broker_id", .integer)],
        values: [
            .init("incarnation", .blob), .init("host", .text), .init("port", .integer), .init("rack", .text), .init("epoch", .integer),
            .init("is_fenced", .integer),
        ])
    /// Lists of brokers are numbers separated by commas.
    static let partitionsTable = TableSchema(
        "partitions", key: [.init("topic", .text), .init("partition", .integer)],
        values: [
            .init("replicas", .text), .init("in_sync", .text), .init("leader", .integer), .init("leader_epoch", .integer),
            .init("version", .integer),
            .init("adding", .text), .init("removing", .text),
        ])

    private static func row(_ broker: BrokerRecord) -> Row {
        [
            .integer(Int64(broker.id)), .blob(blob(broker.incarnation)), .text(broker.host), .integer(Int64(broker.port)),
            .text(broker.rack), .integer(broker.epoch),
            .integer(broker.isFenced ? 1 : 0),
        ]
    }

    mutating func loadBroker(_ row: Row) throws(StateCorruption) {
        guard let id = row[0].integer.flatMap(Int32.init(exactly:)), let host = row[2].text,
            let port = row[3].integer.flatMap(Int32.init(exactly:)),
            let rack = row[4].text, let epoch = row[5].integer, let fenced = row[6].integer
        else { throw StateCorruption("a broker's row is incomplete") }
        var broker = BrokerRecord(id: id, incarnation: try Self.id(row[1].blob), host: host, port: port, rack: rack)
        broker.epoch = epoch
        broker.isFenced = fenced != 0
        cluster.set(broker.id, broker)
    }

    private static func text(_ brokers: [Int32]) -> ColumnValue { .text(brokers.map(String.init).joined(separator: ",")) }

    private static func brokers(_ value: ColumnValue) throws(StateCorruption) -> [Int32] {
        guard let text = value.text else { throw StateCorruption("a list of brokers is missing") }
        let numbers = text.split(separator: ",").map { Int32($0) }
        let known = numbers.compactMap { $0 }
        guard known.count == numbers.count else { throw StateCorruption("'\(text)' is no list of brokers") }
        return known
    }

    private static func row(_ place: TopicPartition, _ state: PartitionState) -> Row {
        [
            .text(place.topic), .integer(Int64(place.partition)), text(state.replicas), text(state.inSync), .integer(Int64(state.leader)),
            .integer(Int64(state.leaderEpoch)), .integer(Int64(state.version)), text(state.adding), text(state.removing),
        ]
    }

    mutating func loadPartition(_ row: Row) throws(StateCorruption) {
        guard let topic = row[0].text, let partition = row[1].integer.flatMap(Int32.init(exactly:)),
            let leader = row[4].integer.flatMap(Int32.init(exactly:)),
            let epoch = row[5].integer.flatMap(Int32.init(exactly:)), let version = row[6].integer.flatMap(Int32.init(exactly:))
        else { throw StateCorruption("a partition's row is incomplete") }
        var state = PartitionState(replicas: try Self.brokers(row[2]), inSync: try Self.brokers(row[3]), leader: leader)
        state.leaderEpoch = epoch
        state.version = version
        state.adding = try Self.brokers(row[7])
        state.removing = try Self.brokers(row[8])
        cluster.partitions[TopicPartition(topic, partition)] = state
    }
}
