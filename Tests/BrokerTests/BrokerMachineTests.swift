// The durable state: commands do what they say, and the law holds: load(tables(apply(log))) equals apply(log).
import Base
import Testing

@testable import BrokerCore

/// Tables as a store would hold them.
struct TableImage {
    private var rows: [String: [Row]] = [:]

    mutating func take(_ changes: RowChanges) {
        for change in changes.changes {
            switch change {
            case .upsert(let table, let row):
                let count = BrokerMachine.tables.first { $0.name == table }!.keyCount
                rows[table, default: []].removeAll { $0.prefix(count) == row.prefix(count) }
                rows[table, default: []].append(row)
            case .delete(let table, let key): rows[table, default: []].removeAll { Array($0.prefix(key.count)) == key }
            }
        }
    }

    func loaded() throws -> BrokerMachine {
        var machine = BrokerMachine()
        for table in BrokerMachine.tables {
            for row in (rows[table.name] ?? []).sorted(by: { "\($0)" < "\($1)" }) { try machine.load(row, of: table) }
        }
        try machine.finishLoading(applied: Slot(1))
        return machine
    }
}

/// Everything that a machine holds, as text that can be compared.
func picture(_ machine: BrokerMachine) -> String {
    var lines = ["cluster \(machine.clusterID?.uuidText ?? "-") next \(machine.nextProducerID) partitions \(machine.partitionCount)"]
    for (name, topic) in machine.topics.entries {
        lines.append("topic \(name) \(topic.id.uuidText) \(topic.partitions) \(topic.configs.map(\.name))")
    }
    for (_, topic) in machine.dropped.entries { lines.append("dropped \(topic.name) \(topic.id.uuidText)") }
    for (group, table) in machine.offsets.entries {
        for (place, offset) in table.entries {
            lines.append("offset \(group) \(place) \(offset.offset) \(offset.metadata) \(offset.time.milliseconds)")
        }
    }
    for (name, one) in machine.transactions.entries {
        let staged = one.content.staged.map { "\($0.group)/\($0.entry.topic)-\($0.entry.partition)=\($0.entry.offset)" }
        lines.append(
            "transaction \(name) \(one.producer) \(one.previousEpoch) \(one.successor) \(one.phase) \(one.decided) \(one.started) \(one.updated) \(one.content.partitions) \(one.content.groups) \(staged)"
        )
    }
    for (_, topic) in machine.topics.entries { lines.append("settings \(topic.name) \(topic.configs.map { "\($0.name)=\($0.value)" })") }
    lines.append("broker \(machine.brokerConfigs.entries.map { "\($0.key)=\($0.value)" })")
    lines.append(
        "users \(machine.users.entries.map { "\($0.key.name) \($0.key.mechanism) \($0.value.iterations) \(Array($0.value.salt.readableBytesView))" })"
    )
    lines.append("rules \(machine.accessRules.rules.keys.map { "\($0.name) \($0.principal) \($0.operation)" })")
    lines.append(
        "limits \(machine.quotas.entries.entries.map { entry in "\(entry.key) \(QuotaKind.allCases.map { entry.value[$0] ?? 0 })" })")
    lines.append("starts \(machine.startOffsets.entries.map { "\($0.key)=\($0.value)" })")
    for (id, broker) in machine.cluster.brokers.entries {
        lines.append("broker \(id) \(broker.incarnation.uuidText) \(broker.rack) \(broker.epoch) \(broker.isFenced)")
    }
    for (place, state) in machine.cluster.partitions.entries { lines.append("place \(place) \(state)") }
    lines.append("alive \(machine.cluster.alive)")
    for (id, group) in machine.groups.entries { lines.append("group \(id) \(group.kind) \(group.head) \(group.members.entries)") }
    for (group, table) in machine.shares.entries {
        for (place, share) in table.entries { lines.append("share \(group) \(place) \(share)") }
    }
    lines.append(
        "shares \(machine.shareCount) group settings \(machine.groupConfigs.entries.map { "\($0.key) \($0.value.map { "\($0.name)=\($0.value)" })" })"
    )
    lines.append("under way \(machine.transactionsUnderWay.keys)")
    return lines.joined(separator: "\n")
}

@Suite struct BrokerMachineTests {
    private func command(_ random: inout Prng) -> BrokerCommand {
        let name = "t\(random.below(6))"
        let group = GroupID("g\(random.below(4))")
        switch random.below(48) {
        case 44...47: return .storeGroup(group, by: claim(&random), storedGroup(&random))
        case 30...43: return .cluster(clusterCommand(&random))
        case 0...2:
            return .createTopic(
                TopicRecord(
                    name: name, id: .drawn(from: &random), partitions: Int32(1 + random.below(4)),
                    configs: [.init(name: "retention.ms", value: "1")]))
        case 3: return .deleteTopic(name: name)
        case 4: return .growTopic(name: name, partitions: Int32(1 + random.below(8)))
        case 5: return .identify(clusterID: .drawn(from: &random))
        case 6: return .deleteGroup(group)
        case 7: return .reserveProducerIDs(count: 10)
        case 22...25: return .security(security(&random))
        case 26, 27: return .quotas(quota(&random))
        case 16, 17: return .alterTopic(name: name, change(&random))
        case 18: return .alterBroker(change(&random))
        case 19, 20: return .deleteRecords([PartitionOffset(TopicPartition(name, Int32(random.below(5))), Int64(random.below(100)))])
        case 21: return .deleteOffsets(group: group, [TopicPartition(name, Int32(random.below(5)))])
        case 8...15: return .transaction(transactionCommand(&random))
        default:
            return .commitOffsets(
                group: group,
                (0..<random.below(4)).map { _ in
                    OffsetEntry(
                        topic: "t\(random.below(6))", partition: Int32(random.below(5)), offset: Int64(random.below(100)), metadata: "m")
                })
        }
    }

    private func claim(_ random: inout Prng) -> CoordinatorClaim {
        CoordinatorClaim(Int32(1 + random.below(4)), standing: random.chance(1, in: 2) ? nil : 1)
    }

    private func storedGroup(_ random: inout Prng) -> StoredGroupChange {
        let kind = GroupKind.allCases[random.below(3)]
        guard random.chance(3, in: 4) else { return StoredGroupChange(kind, head: nil) }
        func members() -> [MemberID] { (0..<random.below(4)).map { _ in MemberID("m\(random.below(5))") } }
        return StoredGroupChange(
            kind, head: Bytes(string: "h\(random.below(100))"),
            members: members().map { StoredMember($0, Bytes(string: "c\(random.below(100))")) },
            removed: members(), replacesAll: random.chance(1, in: 3))
    }

    /// Share groups come to something in topics that are there, mostly.
    private func shareCommand(_ random: inout Prng, _ machine: BrokerMachine) -> BrokerCommand {
        let group = GroupID("g\(random.below(4))")
        let place = TopicPartition("t\(random.below(6))", Int32(random.below(3)))
        switch random.below(8) {
        case 0: return .share(.setStarts(group, [PartitionOffset(place, Int64(random.below(50)))]))
        case 1: return .share(.forget(group, topics: [place.topic]))
        case 2: return .share(.configure(group, change(&random)))
        default:
            var share = StoredShare(start: Int64(random.below(100)))
            for _ in 0..<random.below(4) {
                share.append(
                    count: Int64(1 + random.below(9)), state: [.available, .acknowledged, .archived][random.below(3)],
                    deliveries: Int16(random.below(5)))
            }
            let id = machine.topics[place.topic]?.id ?? .drawn(from: &random)
            let (epoch, revision) = (machine.cluster.partitions[place]?.leaderEpoch ?? 0, machine.share(group, place)?.revision ?? 0)
            let store = ShareStore(
                group: group, topicID: id, partition: place.partition, leaderEpoch: epoch + (random.chance(1, in: 9) ? 1 : 0),
                revision: revision + (random.chance(1, in: 9) ? 1 : 0), share: share)
            return .share(.store([store]))
        }
    }

    private func clusterCommand(_ random: inout Prng) -> ClusterCommand {
        let place = TopicPartition("t\(random.below(6))", Int32(random.below(3)))
        let broker = Int32(1 + random.below(4))
        switch random.below(11) {
        case 0:
            return .register(
                BrokerRecord(id: broker, incarnation: .drawn(from: &random), host: "h", port: 1, rack: "r\(broker)"),
                keepsLog: random.chance(1, in: 2))
        case 1: return .fence(broker: broker, epoch: Int64(random.below(200)))
        case 2, 3:
            return .createTopic(
                TopicRecord(name: place.topic, id: .drawn(from: &random), partitions: 3), (0..<3).map { _ in lists(&random) })
        case 4: return .growTopic(name: place.topic, [lists(&random)])
        case 5: return .elect([place], unclean: random.chance(1, in: 3))
        case 6: return .reassign([Reassignment(place, target: random.chance(1, in: 3) ? [] : lists(&random).brokers)])
        case 7:
            return .commitOffsets(
                by: claim(&random), group: GroupID("g\(random.below(4))"),
                [OffsetEntry(topic: place.topic, partition: place.partition, offset: 3)])
        case 8: return .stage(by: claim(&random), GroupID("g\(random.below(4))"), transactionCommand(&random))
        default:
            return .marked(
                transaction: "x\(random.below(2))", ProducerIdentity(Int64(1 + random.below(12)), Int16(random.below(2))),
                decided: Int64(random.below(300)) - 1, [place])
        }
    }

    private func lists(_ random: inout Prng) -> ReplicaList {
        let first = Int32(1 + random.below(4))
        return ReplicaList([first, first % 4 + 1])
    }

    /// What remembers answers of the rules forgets them then, and only then.
    @Test func onlyChangesOfRulesSayThatRulesChanged() {
        var (machine, rows) = (BrokerMachine(), RowChanges())
        func outcome(_ command: BrokerCommand) -> BrokerOutcome {
            machine.apply(command, at: ApplyPosition(slot: Slot(1), time: .zero), rows: &rows)
        }
        let rule = AccessRule(kind: .topic, name: "t", principal: "User:a", operation: .read)
        #expect(outcome(.security(.addRules([rule]))) == .rulesChanged)
        #expect(outcome(.security(.removeRules([rule]))) == .rulesChanged)
        #expect(outcome(.security(.setUser(ScramUser("a", .sha256), ScramCredential()))) == .done)
        #expect(outcome(.identify(clusterID: UUIDBytes(high: 1, low: 2))) == .done)
    }

    private func quota(_ random: inout Prng) -> QuotaCommand {
        let subjects: [QuotaSubject] = [.unstated, .byDefault, .named("a"), .named("b")]
        let entity =
            random.chance(1, in: 4)
            ? QuotaEntity(address: subjects[random.below(4)])
            : QuotaEntity(user: subjects[random.below(4)], client: subjects[random.below(4)])
        return .alter(
            entity,
            QuotaKind.allCases.prefix(1 + random.below(4)).map {
                QuotaChange($0, random.chance(1, in: 3) ? nil : Double(random.below(1000)) / 8)
            })
    }

    private func security(_ random: inout Prng) -> SecurityCommand {
        let user = ScramUser("u\(random.below(3))", random.chance(1, in: 2) ? .sha256 : .sha512)
        let rule = AccessRule(
            kind: .topic, name: "t\(random.below(3))", principal: "User:u\(random.below(2))",
            operation: random.chance(1, in: 2) ? .read : .write)
        switch random.below(5) {
        case 0: return .removeUser(user)
        case 1: return .removeRules([rule])
        case 2, 3: return .addRules([rule])
        default:
            let bytes = Bytes(repeating: UInt8(random.below(256)), count: 4)
            return .setUser(user, ScramCredential(iterations: 4096, salt: bytes, storedKey: bytes, serverKey: bytes))
        }
    }

    private func change(_ random: inout Prng) -> ConfigChange {
        ConfigChange(
            set: random.chance(1, in: 2) ? [TopicConfigEntry(name: "s\(random.below(3))", value: "\(random.below(9))")] : [],
            removed: random.chance(1, in: 2) ? ["r\(random.below(3))"] : [], replacesAll: random.chance(1, in: 4))
    }

    private func transactionCommand(_ random: inout Prng) -> TransactionCommand {
        let group = GroupID("g\(random.below(4))")
        let place = TopicPartition("t\(random.below(6))", Int32(random.below(5)))
        let action: TransactionCommand.Action =
            switch random.below(8) {
            case 0: .begin(timeoutMilliseconds: 1000)
            case 1: .addPartitions([place, TopicPartition("t0", 0)])
            case 2: .addGroup(group)
            case 3, 4:
                .stageOffsets(
                    group, [OffsetEntry(topic: place.topic, partition: place.partition, offset: Int64(random.below(100)))], joining: true)
            case 5: .decide(commits: random.chance(1, in: 2), EpochChange.allCases[random.below(3)])
            case 6: .complete
            default: .forget
            }
        // Ids are few, and so are epochs: most commands find their transaction.
        return TransactionCommand("x\(random.below(2))", ProducerIdentity(Int64(1 + random.below(12)), Int16(random.below(2))), action)
    }

    @Test("a state loaded from its tables equals the state that wrote them", arguments: UInt64(0)..<40)
    func loadedStateEqualsAppliedState(_ seed: UInt64) throws {
        var random = Prng(seed: seed)
        var machine = BrokerMachine()
        var image = TableImage()
        for slot in 1...300 {
            var command = command(&random)
            if case .transaction(var one) = command, random.chance(2, in: 3), let known = machine.transactions[one.name] {
                one.producer = known.producer
                if case .begin = one.action, random.chance(1, in: 2) { one.producer = ProducerIdentity() }
                command = .transaction(one)
            }
            if random.chance(1, in: 10), let gone = machine.dropped.entries.first { command = .forgetDropped(topicID: gone.value.id) }
            if random.chance(1, in: 6) { command = shareCommand(&random, machine) }
            let bytes = try command.encoded(as: DurableDialect.self)
            #expect(try BrokerCommand(decoding: bytes, as: DurableDialect.self) == command)
            var rows = RowChanges()
            _ = machine.apply(command, at: ApplyPosition(slot: Slot(Int64(slot)), time: WallTime(milliseconds: Int64(slot))), rows: &rows)
            image.take(rows)
        }
        #expect(picture(try image.loaded()) == picture(machine), "seed \(seed)")
    }

    private func apply(_ machine: inout BrokerMachine, _ command: BrokerCommand) -> BrokerOutcome {
        var rows = RowChanges()
        return machine.apply(command, at: ApplyPosition(slot: Slot(1), time: .zero), rows: &rows)
    }

    @Test func aTopicIsMadeOnceAndGoneOnce() {
        var machine = BrokerMachine()
        var random = Prng(seed: 1)
        let topic = TopicRecord(name: "a", id: .drawn(from: &random), partitions: 2)
        #expect(apply(&machine, .createTopic(topic)) == .created(topic))
        #expect(apply(&machine, .createTopic(topic)) == .refused(.topicExists("a")))
        #expect(machine.topic(id: topic.id) == topic)
        _ = apply(&machine, .commitOffsets(group: GroupID("g"), [OffsetEntry(topic: "a", partition: 0, offset: 5)]))
        #expect(apply(&machine, .deleteTopic(name: "a")) == .deleted(topic))
        #expect(machine.offsets.isEmpty, "offsets go with their topic")
        #expect(apply(&machine, .deleteTopic(name: "a")) == .refused(.unknownTopic("a")))
        #expect(machine.dropped.count == 1, "its files are still to be removed")
    }

    @Test("a name that cannot be a topic's is refused", arguments: ["", ".", "..", "a/b", "ü", "a b", String(repeating: "x", count: 250)])
    func badNameIsRefused(_ name: String) { #expect(BrokerMachine.problem(withTopicName: name) != nil) }

    @Test("a usual name is a topic's", arguments: ["my_topic", "a.b-c_9", "__internal", String(repeating: "x", count: 249)])
    func usualNameIsTaken(_ name: String) { #expect(BrokerMachine.problem(withTopicName: name) == nil) }

    @Test func producerIDsAreNeverGivenTwice() {
        var machine = BrokerMachine()
        #expect(apply(&machine, .reserveProducerIDs(count: 1000)) == .producerIDs(first: 1))
        #expect(apply(&machine, .reserveProducerIDs(count: 1000)) == .producerIDs(first: 1001))
    }

    @Test func aStartOnlyMovesForwardAndGoesWithItsTopic() {
        var machine = BrokerMachine()
        var random = Prng(seed: 1)
        let place = TopicPartition("a", 0)
        _ = apply(&machine, .createTopic(TopicRecord(name: "a", id: .drawn(from: &random), partitions: 1)))
        _ = apply(&machine, .deleteRecords([PartitionOffset(place, 10), PartitionOffset(TopicPartition("a", 4), 3)]))
        _ = apply(&machine, .deleteRecords([PartitionOffset(place, 5)]))
        #expect(machine.startOffsets.entries.map(\.value) == [10])
        _ = apply(&machine, .deleteTopic(name: "a"))
        #expect(machine.startOffsets.isEmpty)
    }

    @Test(
        "a change of settings says what stays",
        arguments: [
            (ConfigChange(set: [.init(name: "a", value: "2")]), ["b=1", "a=2"]), (ConfigChange(set: [], removed: ["a"]), ["b=1"]),
            (ConfigChange(set: [.init(name: "c", value: "3")], replacesAll: true), ["c=3"]), (ConfigChange(set: [], replacesAll: true), []),
        ])
    func changeOfSettings(_ change: ConfigChange, _ expected: [String]) {
        let before = [TopicConfigEntry(name: "a", value: "1"), TopicConfigEntry(name: "b", value: "1")]
        #expect(change.applied(to: before).map { "\($0.name)=\($0.value)" } == expected)
    }

    @Test func anUnknownSettingIsRefusedAndNamed() {
        #expect(throws: TopicConfigRefusal.self) { try TopicConfig().applying([TopicConfigEntry(name: "no.such", value: "1")]) }
        #expect(throws: TopicConfigRefusal.self) { try TopicConfig().applying([TopicConfigEntry(name: "cleanup.policy", value: "keep")]) }
        #expect(throws: TopicConfigRefusal.self) { try TopicConfig().applying([TopicConfigEntry(name: "retention.ms", value: "soon")]) }
        #expect(throws: Never.self) { try TopicConfig().applying([TopicConfigEntry(name: "cleanup.policy", value: "delete")]) }
    }
}

@Suite struct ProducerLedgerTests {
    private func batch(_ sequence: Int32, _ count: Int32 = 10, epoch: Int16 = 0, id: Int64 = 7) -> ProducerBatch {
        ProducerBatch(producerID: id, epoch: epoch, baseSequence: sequence, recordCount: count)
    }

    @Test func theLastFiveBatchesAreRecognised() {
        var ledger = ProducerLedger()
        for number in Int32(0)..<8 {
            #expect(ledger.judge(batch(number * 10)) == .append)
            ledger.record(batch(number * 10), baseOffset: Int64(number) * 100)
        }
        for number in Int32(3)..<8 { #expect(ledger.judge(batch(number * 10)) == .duplicate(baseOffset: Int64(number) * 100)) }
        #expect(ledger.judge(batch(20)) == .outOfOrder(expected: 80))
    }

    @Test(
        "a batch is judged by sequence and epoch",
        arguments: [
            (Int32(10), Int16(3), ProducerVerdict.append), (0, 3, .duplicate(baseOffset: 0)), (20, 3, .outOfOrder(expected: 10)),
            (0, 2, .staleEpoch(current: 3)), (0, 4, .append), (5, 4, .outOfOrder(expected: 0)),
        ])
    func batchIsJudged(_ sequence: Int32, _ epoch: Int16, _ verdict: ProducerVerdict) {
        var ledger = ProducerLedger()
        ledger.record(batch(0, epoch: 3), baseOffset: 0)
        #expect(ledger.judge(batch(sequence, epoch: epoch)) == verdict)
    }

    @Test func sequencesWrapToZero() {
        var ledger = ProducerLedger()
        ledger.record(batch(Int32.max - 4, 10), baseOffset: 0)
        #expect(ledger.judge(batch(5)) == .append)
        #expect(batch(Int32.max - 4, 10).lastSequence == 5 - 1)
    }

    @Test func anUnknownProducerMayBeginAnywhere() {
        #expect(ProducerLedger().judge(batch(500)) == .append)
        #expect(ProducerLedger().judge(batch(-1, id: -1)) == .append)
    }

    @Test func whatTheLogDidNotTakeIsForgotten() {
        var ledger = ProducerLedger()
        ledger.record(batch(0), baseOffset: 0)
        ledger.record(batch(10), baseOffset: 10)
        ledger.forget(from: 10)
        #expect(ledger.judge(batch(10)) == .append)
        #expect(ledger.judge(batch(0)) == .duplicate(baseOffset: 0))
    }

    @Test func memoryIsBounded() {
        var ledger = ProducerLedger()
        for id in 0..<(ProducerLedger.producersMax + 10) { ledger.record(batch(0, id: Int64(id)), baseOffset: Int64(id)) }
        #expect(ledger.count <= ProducerLedger.producersMax)
    }
}
