// One partition on several brokers in a seeded random order of events: appends, syncs, fetches and their answers (lost, doubled, late),
// commands of the metadata log that each broker executes in its own time, crashes and restarts, live brokers fenced by mistake. The
// metadata log itself is reliable here; ClusterRun has its faults. Laws: an acknowledged record keeps its offset, a record read below the
// high watermark never changes, and once the faults end every replica is in sync and holds the same records.
import Base
import BrokerCore

/// A rule of replication that a run breaks on purpose, to check that the laws notice.
package enum PartitionFlaw: String, CaseIterable, Sendable {
    case none
    /// Acknowledged once the leader alone has it.
    case acknowledgesAlone
    /// A follower keeps records that its new leader lacks.
    case keepsWhatParted
    /// A crash loses records that were acknowledged as durable.
    case forgetsSynced
}

/// The results of a run.
package struct PartitionSummary: Equatable, Sendable {
    package var acknowledged = 0
    package var terms: Int32 = 0
    package var truncations = 0
    package var crashes = 0
    package var trace: UInt32 = 0
    package init() {}
}

package struct PartitionRun {
    private struct Record: Equatable {
        var epoch: Int32
        var value: Int64
    }

    private struct Broker {
        var isAlive = true
        var incarnation: UInt64 = 1
        var machine = BrokerMachine()
        /// Commands of the metadata log executed here.
        var executed = 0
        var log: [Record] = []
        /// The end of the records on the disk.
        var durable = 0
        var epochs = LeaderEpochs()
        var term: Int32 = -1
        var leader: Int32 = -1
        var leadership: PartitionLeadership?
        var highWatermark: Int64 = 0
        var isRegistering = false
        /// Whether this life's registration was executed.
        var hasJoined = false
        var waiting: [(end: Int64, value: Int64)] = []
    }

    private enum Message {
        case fetch(from: Int32, to: Int32, term: Int32, offset: Int64, lastEpoch: Int32)
        case records(from: Int32, to: Int32, term: Int32, offset: Int64, [Record], highWatermark: Int64)
        /// To a fetch at `offset` of a log with `lastEpoch`.
        case parted(from: Int32, to: Int32, term: Int32, offset: Int64, lastEpoch: Int32, (epoch: Int32, endOffset: Int64))
    }

    private let seed: UInt64
    private let flaw: PartitionFlaw
    private var random: Prng
    private var brokers: [Broker]
    private var commands: [BrokerCommand] = []
    private struct Proposal {
        var by: Int32
        /// The term of the leader that proposes a change of the in-sync replicas.
        var term: Int32 = -1
        /// Its proposer has the answer that its outcome is unknown.
        var isGivenUp = false
        var command: ClusterCommand
    }
    private var proposals: [Proposal] = []
    /// Proposals whose proposer waits, by the number of their command.
    private var waits: [Int: Proposal] = [:]
    private var network: [Message] = []
    private var acknowledged: [Int64: Int64] = [:]
    private var seen: [Int64: Int64] = [:]
    private var nextValue: Int64 = 1
    private var now = Instant.zero
    private var isCalm = false
    private var summary = PartitionSummary()
    private static let place = TopicPartition("t", 0)
    private var messagesMax: Int { brokers.count * 6 }

    package init(seed: UInt64, brokers count: Int, flaw: PartitionFlaw = .none) {
        self.seed = seed
        self.flaw = flaw
        random = Prng(seed: seed)
        brokers = (0..<count).map { _ in Broker() }
        for id in 1...count { commands.append(.cluster(.register(Self.record(Int32(id), 1), keepsLog: true))) }
        let replicas = (1...count).map(Int32.init)
        commands.append(
            .cluster(.createTopic(TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 1), partitions: 1), [ReplicaList(replicas)])))
    }

    private static func record(_ id: Int32, _ incarnation: UInt64) -> BrokerRecord {
        BrokerRecord(id: id, incarnation: UUIDBytes(high: UInt64(id), low: incarnation), host: "h", port: 1)
    }

    /// Takes `steps` random steps, then ends the faults and checks the result.
    package mutating func run(steps: Int) throws -> PartitionSummary {
        for _ in 0..<steps { try step() }
        isCalm = true
        for index in brokers.indices where !brokers[index].isAlive { restart(index) }
        for round in 0..<40_000 where try !isSettled() {
            guard round < 39_999 else {
                throw broken(
                    "the brokers do not come together once the faults have ended: \(brokers.map { ($0.term, $0.leader, $0.log.count) })")
            }
            try step()
        }
        try checkEnd()
        summary.acknowledged = acknowledged.count
        return summary
    }

    private func broken(_ text: String) -> LawBroken { LawBroken(seed, text) }
    private func id(_ index: Int) -> Int32 { Int32(index + 1) }
    private func state(_ index: Int) -> PartitionState? { brokers[index].machine.cluster.partitions[Self.place] }

    // MARK: steps

    private mutating func step() throws {
        now = now + .milliseconds(1)
        let index = random.below(brokers.count)
        let choice = random.below(isCalm ? 60 : 100)
        summary.trace = CRC32C.checksum(Bytes(string: "\(index) \(choice) \(brokers[index].log.count)"), seed: summary.trace)
        switch choice {
        case 0..<14: try execute(index)
        case 14..<20: commit()
        case 20..<28: if !isCalm { append(index) }
        case 28..<36: try sync(index)
        case 36..<46: ask(index)
        case 46..<58: try deliver()
        case 58..<60: upkeep(index)
        case 60..<66: append(index)
        case 66..<76: try read(index)
        case 76..<78: if random.chance(1, in: 2) { crash(index) }
        case 78..<84: if !brokers[index].isAlive { restart(index) }
        case 84..<86: suspect(index)
        case 86: proposals.append(Proposal(by: id(index), command: .elect([Self.place], unclean: false)))
        case 87..<92: if !network.isEmpty, network.count < messagesMax { network.append(network[random.below(network.count)]) }
        case 92..<97: if !network.isEmpty { network.remove(at: random.below(network.count)) }
        default: try deliver()
        }
    }

    /// Executes the next command of the metadata log.
    private mutating func execute(_ index: Int) throws {
        guard brokers[index].isAlive, brokers[index].executed < commands.count else { return }
        var rows = RowChanges()
        let slot = brokers[index].executed + 1
        _ = brokers[index].machine.apply(commands[slot - 1], at: ApplyPosition(slot: Slot(Int64(slot)), time: .zero), rows: &rows)
        brokers[index].executed = slot
        if isRegistered(index) {
            brokers[index].isRegistering = false
            brokers[index].hasJoined = true
        }
        try place(index)
        if let one = waits[slot], one.by == id(index) { end(one, isKnown: true) }
    }

    private func isRegistered(_ index: Int) -> Bool {
        brokers[index].machine.cluster.brokers[id(index)].map { !$0.isFenced && $0.incarnation.low == brokers[index].incarnation } ?? false
    }

    private mutating func register(_ index: Int) {
        brokers[index].isRegistering = true
        proposals.append(Proposal(by: id(index), command: .register(Self.record(id(index), brokers[index].incarnation), keepsLog: true)))
    }

    /// Handles a changed state of the partition, as the service does.
    private mutating func place(_ index: Int) throws {
        guard brokers[index].hasJoined, let state = state(index) else { return }
        if brokers[index].term == state.leaderEpoch {
            if brokers[index].leadership != nil {
                brokers[index].leadership?.decided(state, now: now)
                try follow(index)
            }
            return
        }
        brokers[index].term = state.leaderEpoch
        brokers[index].leader = state.leader
        brokers[index].leadership = nil
        brokers[index].waiting = []
        summary.terms = max(summary.terms, state.leaderEpoch)
        let end = Int64(brokers[index].log.count)
        brokers[index].epochs.begin(state.leaderEpoch, leads: state.leader == id(index), at: end)
        guard state.leader == id(index) else { return }
        // Unsynced records are synced before a term begins.
        brokers[index].durable = brokers[index].log.count
        brokers[index].leadership = PartitionLeadership(
            broker: id(index), state: state, logEnd: end, highWatermark: brokers[index].highWatermark, now: now)
        try follow(index)
    }

    private mutating func commit() {
        guard !proposals.isEmpty else { return }
        let place = random.below(proposals.count)
        if !isCalm, !proposals[place].isGivenUp, random.chance(1, in: 8) {
            end(proposals[place], isKnown: false)
            proposals[place].isGivenUp = true
            return
        }
        let one = proposals.remove(at: place)
        if case .register = one.command { brokers[Int(one.by) - 1].isRegistering = false }
        // A proposal may be lost.
        guard isCalm || random.chance(9, in: 10) else { return end(one, isKnown: false) }
        commands.append(.cluster(one.command))
        waits[commands.count] = one
    }

    /// Reports the end of a proposed change of the in-sync replicas to its proposer.
    private mutating func end(_ one: Proposal, isKnown: Bool) {
        guard case .changeInSync = one.command, !one.isGivenUp, brokers[Int(one.by) - 1].term == one.term else { return }
        brokers[Int(one.by) - 1].leadership?.proposalEnded(isKnown: isKnown)
    }

    private mutating func append(_ index: Int) {
        guard brokers[index].isAlive, brokers[index].leadership != nil else { return }
        let end = Int64(brokers[index].log.count)
        brokers[index].epochs.note(brokers[index].term, at: end)
        brokers[index].log.append(Record(epoch: brokers[index].term, value: nextValue))
        brokers[index].waiting.append((end + 1, nextValue))
        nextValue += 1
    }

    private mutating func sync(_ index: Int) throws {
        guard brokers[index].isAlive else { return }
        brokers[index].durable = brokers[index].log.count
        let end = Int64(brokers[index].durable)
        brokers[index].leadership?.appended(to: end)
        try follow(index)
    }

    /// Takes over the results of the leadership.
    private mutating func follow(_ index: Int) throws {
        guard let leadership = brokers[index].leadership else { return }
        brokers[index].highWatermark = leadership.highWatermark
        let reach = flaw == .acknowledgesAlone ? leadership.logEnd : leadership.highWatermark
        while let first = brokers[index].waiting.first, first.end <= reach {
            brokers[index].waiting.removeFirst()
            if let other = acknowledged[first.end - 1], other != first.value {
                throw broken("offset \(first.end - 1) was acknowledged twice")
            }
            acknowledged[first.end - 1] = first.value
        }
    }

    // MARK: fetching

    private mutating func ask(_ index: Int) {
        let broker = brokers[index]
        // A limit on requests in flight; otherwise late answers would bury the others.
        guard network.count < messagesMax, broker.isAlive, broker.leadership == nil, broker.leader > 0, broker.leader != id(index) else {
            return
        }
        network.append(
            .fetch(from: id(index), to: broker.leader, term: broker.term, offset: Int64(broker.durable), lastEpoch: broker.epochs.latest))
    }

    private mutating func deliver() throws {
        guard !network.isEmpty else { return }
        switch network.remove(at: random.below(network.count)) {
        case .fetch(let from, let to, let term, let offset, let epoch): try answer(Int(to) - 1, from, term, offset, epoch)
        case .records(let from, let to, let term, let offset, let records, let mark): take(Int(to) - 1, from, term, offset, records, mark)
        case .parted(let from, let to, let term, let offset, let last, let parted): cut(Int(to) - 1, from, term, offset, last, parted)
        }
    }

    private mutating func answer(_ index: Int, _ from: Int32, _ term: Int32, _ offset: Int64, _ epoch: Int32) throws {
        guard brokers[index].isAlive, brokers[index].term == term, let leadership = brokers[index].leadership, leadership.isReplica(from)
        else { return }
        let end = Int64(brokers[index].durable)
        if let parted = brokers[index].epochs.divergence(lastEpoch: epoch, at: offset, logEnd: end) {
            network.append(.parted(from: id(index), to: from, term: term, offset: offset, lastEpoch: epoch, parted))
            return
        }
        guard offset <= end else { return }
        let isAlive = brokers[index].machine.cluster.aliveSet.contains(from)
        if let change = brokers[index].leadership?.fetched(by: from, at: offset, alive: isAlive, now: now) { propose(change, index) }
        try follow(index)
        let records = Array(brokers[index].log[Int(offset)..<min(Int(end), Int(offset) + 1 + random.below(4))])
        network.append(
            .records(from: id(index), to: from, term: term, offset: offset, records, highWatermark: brokers[index].highWatermark))
    }

    private mutating func propose(_ change: InSyncChange, _ index: Int) {
        var change = change
        change.topicID = UUIDBytes(high: 1, low: 1)
        proposals.append(Proposal(by: id(index), term: brokers[index].term, command: .changeInSync(change)))
    }

    private mutating func take(_ index: Int, _ from: Int32, _ term: Int32, _ offset: Int64, _ records: [Record], _ mark: Int64) {
        guard brokers[index].isAlive, brokers[index].leadership == nil, brokers[index].term == term, brokers[index].leader == from else {
            return
        }
        if offset == Int64(brokers[index].log.count) {
            for record in records {
                brokers[index].epochs.note(record.epoch, at: Int64(brokers[index].log.count))
                brokers[index].log.append(record)
            }
            // The service syncs before the next fetch; a crash may come in between.
            if !random.chance(1, in: 5) { brokers[index].durable = brokers[index].log.count }
            brokers[index].highWatermark = max(brokers[index].highWatermark, min(mark, Int64(brokers[index].log.count)))
        }
    }

    /// A follower has one fetch under way, so an answer to an earlier one, about a log that it no longer has, is dropped.
    private mutating func cut(
        _ index: Int, _ from: Int32, _ term: Int32, _ offset: Int64, _ lastEpoch: Int32, _ parted: (epoch: Int32, endOffset: Int64)
    ) {
        guard brokers[index].isAlive, brokers[index].leadership == nil, brokers[index].term == term, brokers[index].leader == from,
            brokers[index].durable == offset, brokers[index].epochs.latest == lastEpoch
        else { return }
        let end = parted.endOffset
        let own = brokers[index].epochs.end(of: parted.epoch, logEnd: Int64(brokers[index].log.count))?.endOffset ?? end
        let kept = flaw == .keepsWhatParted ? min(brokers[index].log.count, Int(end) + 1) : max(0, min(Int(end), Int(own)))
        guard kept < brokers[index].log.count else { return }
        summary.truncations += 1
        shorten(index, to: kept)
    }

    private mutating func shorten(_ index: Int, to count: Int) {
        let surplus = brokers[index].log.count - count
        brokers[index].log.removeLast(surplus)
        brokers[index].durable = min(brokers[index].durable, count)
        brokers[index].highWatermark = min(brokers[index].highWatermark, Int64(count))
        brokers[index].epochs = LeaderEpochs()
        for (offset, record) in brokers[index].log.enumerated() { brokers[index].epochs.note(record.epoch, at: Int64(offset)) }
    }

    // MARK: faults

    private mutating func upkeep(_ index: Int) {
        guard brokers[index].isAlive else { return }
        if brokers[index].executed > brokers.count, !brokers[index].isRegistering, !isRegistered(index) { register(index) }
        guard let change = brokers[index].leadership?.check(now: now, lagMax: .milliseconds(isCalm ? 100_000 : 300)) else { return }
        propose(change, index)
    }

    private mutating func crash(_ index: Int) {
        guard brokers[index].isAlive else { return }
        summary.crashes += 1
        brokers[index].isAlive = false
        let lost = flaw == .forgetsSynced ? random.below(4) : 0
        shorten(index, to: max(0, min(brokers[index].durable, brokers[index].log.count - lost)))
        brokers[index].leadership = nil
        brokers[index].waiting = []
        brokers[index].term = -1
        brokers[index].leader = -1
        brokers[index].highWatermark = 0
    }

    private mutating func restart(_ index: Int) {
        brokers[index].isAlive = true
        brokers[index].hasJoined = false
        brokers[index].incarnation += 1
        register(index)
    }

    /// One broker fences another, rightly or not.
    private mutating func suspect(_ index: Int) {
        let teller = random.below(brokers.count)
        guard let record = brokers[teller].machine.cluster.brokers[id(index)], !record.isFenced else { return }
        if !brokers[index].isAlive || random.chance(1, in: 4) {
            proposals.append(Proposal(by: id(teller), command: .fence(broker: id(index), epoch: record.epoch)))
        }
    }

    // MARK: laws

    /// A reader at any broker, leader or follower.
    private mutating func read(_ index: Int) throws {
        guard brokers[index].isAlive else { return }
        for offset in 0..<Int(min(brokers[index].highWatermark, Int64(brokers[index].log.count))) {
            let value = brokers[index].log[offset].value
            if let earlier = seen[Int64(offset)], earlier != value {
                throw broken("offset \(offset) was \(earlier) to a reader and is \(value) on broker \(id(index)) now")
            }
            seen[Int64(offset)] = value
        }
    }

    /// Whether the partition is settled. A restarted broker knows only the commands it has executed again from its saved state; its term
    /// begins with its next look at the state.
    private mutating func isSettled() throws -> Bool {
        for index in brokers.indices where brokers[index].executed == commands.count && brokers[index].term < 0 { try place(index) }
        guard proposals.isEmpty, brokers.allSatisfy({ $0.executed == commands.count }), let state = state(0),
            state.inSync.count == brokers.count
        else { return false }
        return brokers.allSatisfy {
            $0.durable == brokers[0].log.count && $0.log.count == brokers[0].log.count && $0.term == state.leaderEpoch
        }
    }

    private func checkEnd() throws {
        for index in brokers.indices where brokers[index].log != brokers[0].log {
            throw broken("brokers 1 and \(id(index)) are in sync and hold different records")
        }
        let log = brokers[0].log
        for (offset, value) in acknowledged.sorted(by: { $0.key < $1.key }) {
            guard offset < log.count, log[Int(offset)].value == value else {
                throw broken("the record \(value) was acknowledged at \(offset) and is not there")
            }
        }
        for (offset, value) in seen.sorted(by: { $0.key < $1.key }) {
            guard offset < log.count, log[Int(offset)].value == value else {
                throw broken("a reader saw \(value) at \(offset), which is not there")
            }
        }
        for (before, after) in zip(log, log.dropFirst()) where after.epoch < before.epoch { throw broken("epochs fall along the log") }
    }
}
