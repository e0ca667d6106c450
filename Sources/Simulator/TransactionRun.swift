// Transactions over several partitions and brokers in a seeded random order of events: producers that begin, write, give up, commit and
// abort; leaders that write markers and report them; commands that each broker executes in its own time; crashes that set a broker back to
// an old state; lost answers. PartitionRun covers the replication of records, taken as reliable here: a leader's log is whole or does not
// count. Laws: a transaction is seen whole or not at all, a committed record once, and once the faults end no transaction stays open.
import Base
import BrokerCore

/// A rule of transactions that a run breaks on purpose, to check that the laws notice.
package enum TransactionFlaw: String, CaseIterable, Sendable {
    case none
    /// A broker leads with its state from before its restart.
    case leadsOnOldState
    /// A batch that repeats one of an ended transaction is acknowledged.
    case acknowledgesEndedBatches
}

/// The results of a run.
package struct TransactionSummary: Equatable, Sendable {
    package var committed = 0
    package var aborted = 0
    package var crashes = 0
    package var repeatedMarkers = 0
    package var refusedRepetitions = 0
    package var trace: UInt32 = 0
    package init() {}
}

package struct TransactionRun {
    struct Entry: Equatable {
        enum Kind: Equatable {
            case record(value: Int, sequence: Int32)
            case marker(commits: Bool)
        }
        var producer: ProducerIdentity
        var kind: Kind
    }

    struct Mark: Hashable {
        var transaction: String
        var decided: Int64
        var place: TopicPartition
    }

    /// A marker or a client that waits until all replicas have the log up to `end`.
    struct Waiting {
        enum Waiter {
            case mark(Mark, ProducerIdentity)
            case client(Int, value: Int)
        }
        var end: Int
        var waiter: Waiter
    }

    /// A partition at its leader.
    struct Leadership {
        var term: Int32
        var log: [Entry]
        var ledger = ProducerLedger()
        var transactions = PartitionTransactions()
        var waiting: [Waiting] = []

        init(term: Int32, log: [Entry]) {
            self.term = term
            self.log = log
            for (offset, entry) in log.enumerated() { note(entry, at: offset) }
        }

        mutating func append(_ entry: Entry) {
            note(entry, at: log.count)
            log.append(entry)
        }

        private mutating func note(_ entry: Entry, at offset: Int) {
            switch entry.kind {
            case .record(_, let sequence):
                ledger.record(Self.batch(entry.producer, sequence), baseOffset: Int64(offset))
                transactions.note(entry.producer.id, at: Int64(offset))
            case .marker(let commits):
                ledger.noteMarker(entry.producer)
                transactions.end(entry.producer.id, commits: commits, at: Int64(offset))
            }
        }

        static func batch(_ producer: ProducerIdentity, _ sequence: Int32) -> ProducerBatch {
            ProducerBatch(producerID: producer.id, epoch: producer.epoch, baseSequence: sequence, recordCount: 1)
        }
    }

    struct Broker {
        var isAlive = true
        /// Until then it is cut off from the metadata log.
        var cutOffUntil = 0
        var incarnation: UInt64 = 1
        var machine = BrokerMachine()
        var executed = 0
        /// The state that a restart begins with.
        var saved: (machine: BrokerMachine, executed: Int) = (BrokerMachine(), 0)
        var hasJoined = false
        var isRegistering = false
        var leads: [TopicPartition: Leadership] = [:]
        var terms: [TopicPartition: Int32] = [:]
        /// The logs on its disk of partitions that it led.
        var disk: [TopicPartition: [Entry]] = [:]
        var marks: Set<Mark> = []
    }

    struct Proposal {
        enum Purpose {
            case nothing
            case registration
            case report(Mark)
            case client(Int, attempt: Int)
        }
        var by: Int
        var incarnation: UInt64
        var command: BrokerCommand
        var purpose: Purpose
    }

    /// A producer with a transactional id, as an application drives it.
    struct Client {
        enum Phase: Equatable {
            case begins
            case adds
            case writes
            case ends(commits: Bool)
            case waits(decided: Int64)
        }
        struct Batch {
            var place: TopicPartition
            var value: Int
            var sequence: Int32
            var isAcknowledged = false
        }
        var name: String
        var identity = ProducerIdentity()
        var phase = Phase.begins
        /// Tells answers to the present request from late ones.
        var attempt = 0
        var isAsking = false
        var patience = 0
        var number = 0
        var batches: [Batch] = []
        var sequences: [TopicPartition: Int32] = [:]
    }

    /// The run's view of a transaction.
    struct Fate {
        var values: [Int: TopicPartition] = [:]
        /// nil while unknown.
        var commits: Bool?
    }

    let seed: UInt64
    let flaw: TransactionFlaw
    var random: Prng
    var brokers: [Broker]
    var clients: [Client]
    var commands: [Proposal] = []
    var proposals: [[Proposal]]
    /// The state after every command.
    var truth = BrokerMachine()
    var replicated: [TopicPartition: [Entry]] = [:]
    var fates: [Fate] = []
    var openFates: [String: Int] = [:]
    var nextValue = 1
    var isCalm = false
    var time = 0
    var summary = TransactionSummary()
    static let places = [TopicPartition("t", 0), TopicPartition("t", 1), TopicPartition("t", 2)]

    package init(seed: UInt64, brokers count: Int, flaw: TransactionFlaw = .none) {
        self.seed = seed
        self.flaw = flaw
        random = Prng(seed: seed)
        brokers = (0..<count).map { _ in Broker() }
        proposals = brokers.map { _ in [] }
        clients = ["x", "y"].map { Client(name: $0) }
        for place in Self.places { replicated[place] = [] }
        for index in brokers.indices {
            commit(Proposal(by: index, incarnation: 1, command: .cluster(.register(record(index), keepsLog: true)), purpose: .registration))
        }
        let replicas = brokers.indices.map { ReplicaList(brokers.indices.map { Int32($0 + 1) }.rotated(by: $0)) }
        let topic = TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 1), partitions: Int32(Self.places.count))
        commit(
            Proposal(
                by: 0, incarnation: 1, command: .cluster(.createTopic(topic, Array(replicas.prefix(Self.places.count)))), purpose: .nothing)
        )
    }

    private func record(_ index: Int) -> BrokerRecord {
        BrokerRecord(id: Int32(index + 1), incarnation: UUIDBytes(high: UInt64(index), low: brokers[index].incarnation), host: "h", port: 1)
    }

    /// Takes `steps` random steps, then ends the faults and checks the result.
    package mutating func run(steps: Int) throws -> TransactionSummary {
        for _ in 0..<steps { step() }
        isCalm = true
        for index in brokers.indices where !brokers[index].isAlive { restart(index) }
        for _ in 0..<600 where !isSettled { for _ in 0..<100 { step() } }
        guard isSettled else {
            throw LawBroken(seed, "transactions stay open once the faults have ended: \(clients.map { "\($0.name) \($0.phase)" })")
        }
        try checkEnd()
        return summary
    }

    var isSettled: Bool {
        proposals.allSatisfy(\.isEmpty) && brokers.indices.allSatisfy { brokers[$0].executed == commands.count && brokers[$0].hasJoined }
            && truth.transactionsUnderWay.isEmpty
            && clients.allSatisfy { $0.phase == .adds }
            && Self.places.allSatisfy { place in leader(of: place).map { brokers[$0].leads[place]!.log == replicated[place] } ?? false }
    }

    /// The true leader of a partition, if it knows that it leads.
    private func leader(of place: TopicPartition) -> Int? {
        guard let state = truth.cluster.partitions[place], state.leader > 0 else { return nil }
        let index = Int(state.leader) - 1
        return brokers[index].isAlive && brokers[index].leads[place]?.term == state.leaderEpoch ? index : nil
    }

    private mutating func step() {
        let index = random.below(brokers.count)
        let choice = random.below(isCalm ? 80 : 100)
        summary.trace = (summary.trace ^ UInt32(truncatingIfNeeded: index + choice * 8 + brokers[index].executed * 1024)) &* 16_777_619
        time += 1
        switch choice {
        case 0..<24: execute(index)
        case 24..<36: commitNext(index)
        case 36..<60: ask(random.below(clients.count))
        case 60..<74: replicate(Self.places[random.below(Self.places.count)])
        case 74..<80: upkeep(index)
        case 80: if random.chance(1, in: 4) { crash(index) }
        case 81..<84: if !brokers[index].isAlive { restart(index) }
        case 84..<88: suspect(index)
        case 88: if random.chance(1, in: 4) { brokers[index].cutOffUntil = time + random.below(800) }
        case 89, 90: if brokers[index].isAlive { brokers[index].saved = (brokers[index].machine, brokers[index].executed) }
        default: execute(index)
        }
    }

    // MARK: the metadata log

    mutating func propose(_ index: Int, _ command: BrokerCommand, _ purpose: Proposal.Purpose) {
        proposals[index].append(Proposal(by: index, incarnation: brokers[index].incarnation, command: command, purpose: purpose))
    }

    /// Decides one broker's proposals in their order; some are lost.
    private mutating func commitNext(_ index: Int) {
        guard !proposals[index].isEmpty, isCalm || brokers[index].cutOffUntil <= time else { return }
        let next = proposals[index].removeFirst()
        if isCalm || random.chance(19, in: 20) { commit(next) } else { ended(next, nil) }
    }

    private mutating func commit(_ proposal: Proposal) {
        commands.append(proposal)
        var rows = RowChanges()
        let outcome = truth.apply(proposal.command, at: ApplyPosition(slot: Slot(Int64(commands.count)), time: .zero), rows: &rows)
        guard case .cluster(.transact(_, let command)) = proposal.command, case .transaction(let transaction) = outcome else { return }
        switch command.action {
        case .addPartitions:
            if case .client(let client, _) = proposal.purpose, openFates[command.name] == nil {
                openFates[command.name] = clients[client].number
            }
        case .decide(let commits, _):
            guard transaction.phase.isPrepared, let fate = openFates.removeValue(forKey: command.name) else { return }
            fates[fate].commits = commits
            if commits { summary.committed += 1 } else { summary.aborted += 1 }
        default: break
        }
    }

    private mutating func execute(_ index: Int) {
        guard brokers[index].isAlive, brokers[index].executed < commands.count, isCalm || brokers[index].cutOffUntil <= time else { return }
        let proposal = commands[brokers[index].executed]
        brokers[index].executed += 1
        var rows = RowChanges()
        let outcome = brokers[index].machine.apply(
            proposal.command, at: ApplyPosition(slot: Slot(Int64(brokers[index].executed)), time: .zero), rows: &rows)
        switch outcome {
        case .registered(let record, _):
            let isOwn = record.id == Int32(index + 1) && record.incarnation == self.record(index).incarnation
            if isOwn { brokers[index].hasJoined = true }
            for place in Self.places { lookAt(place, index) }
        case .placed, .created: for place in Self.places { lookAt(place, index) }
        case .transaction(let transaction):
            guard transaction.phase.isPrepared else { break }
            for place in Self.places where transaction.contains(place) { writeMarker(of: transaction, place, index) }
            completeIfEmpty(transaction, index)
        default: break
        }
        if proposal.by == index, proposal.incarnation == brokers[index].incarnation { ended(proposal, outcome) }
    }

    /// The proposer's reaction to an outcome; nil if there is none.
    private mutating func ended(_ proposal: Proposal, _ outcome: BrokerOutcome?) {
        switch proposal.purpose {
        case .nothing: break
        case .registration: brokers[proposal.by].isRegistering = false
        case .report(let mark): brokers[proposal.by].marks.remove(mark)
        case .client(let client, let attempt):
            guard clients[client].attempt == attempt, clients[client].isAsking, random.chance(7, in: 8) else { return }
            clients[client].isAsking = false
            answered(client, outcome, by: proposal.by)
        }
    }

    /// A step by a transaction's coordinator.
    func transact(_ index: Int, _ command: TransactionCommand) -> BrokerCommand {
        .cluster(.transact(by: brokers[index].machine.cluster.claim(of: command.name, by: Int32(index + 1)), command))
    }

    func coordinates(_ index: Int, _ name: String) -> Bool { brokers[index].machine.cluster.coordinator(of: name) == Int32(index + 1) }

    private mutating func completeIfEmpty(_ transaction: Transaction, _ index: Int) {
        guard transaction.content.partitions.isEmpty, coordinates(index, transaction.name) else { return }
        propose(index, .cluster(.marked(transaction: transaction.name, transaction.producer, decided: transaction.decided, [])), .nothing)
    }

    // MARK: leaders

    /// Handles a possibly changed state of the partition, as the service does.
    private mutating func lookAt(_ place: TopicPartition, _ index: Int) {
        guard brokers[index].hasJoined || flaw == .leadsOnOldState, let state = brokers[index].machine.cluster.partitions[place],
            brokers[index].terms[place] != state.leaderEpoch
        else { return }
        brokers[index].terms[place] = state.leaderEpoch
        endTerm(place, index)
        guard state.leader == Int32(index + 1) else { return }
        let own = brokers[index].disk[place] ?? []
        let shared = replicated[place] ?? []
        // Records that only its own log has may have survived on it.
        brokers[index].leads[place] = Leadership(term: state.leaderEpoch, log: own.starts(with: shared) ? own : shared)
        for name in brokers[index].machine.transactionsUnderWay.keys {
            guard let transaction = brokers[index].machine.transactions[name], transaction.phase.isPrepared, transaction.contains(place)
            else { continue }
            writeMarker(of: transaction, place, index)
        }
    }

    private mutating func endTerm(_ place: TopicPartition, _ index: Int) {
        guard let ended = brokers[index].leads.removeValue(forKey: place) else { return }
        brokers[index].disk[place] = ended.log
        for waiting in ended.waiting { if case .mark(let mark, _) = waiting.waiter { brokers[index].marks.remove(mark) } }
    }

    private mutating func writeMarker(of transaction: Transaction, _ place: TopicPartition, _ index: Int) {
        let mark = Mark(transaction: transaction.name, decided: transaction.decided, place: place)
        guard brokers[index].leads[place] != nil, brokers[index].marks.insert(mark).inserted else { return }
        if brokers[index].leads[place]?.transactions.firstOffset(of: transaction.producer.id) == nil { summary.repeatedMarkers += 1 }
        brokers[index].leads[place]?.append(
            Entry(producer: transaction.producer, kind: .marker(commits: transaction.phase == .prepareCommit)))
        let end = brokers[index].leads[place]?.log.count ?? 0
        brokers[index].leads[place]?.waiting.append(Waiting(end: end, waiter: .mark(mark, transaction.producer)))
    }

    /// Copies the leader's log to all replicas, if it leads and has a follower.
    private mutating func replicate(_ place: TopicPartition) {
        guard let index = leader(of: place), var leadership = brokers[index].leads[place] else { return }
        let followers = brokers.indices.filter { $0 != index && brokers[$0].isAlive && brokers[$0].terms[place] == leadership.term }
        guard !followers.isEmpty else { return }
        replicated[place] = leadership.log
        for other in followers { brokers[other].disk[place] = leadership.log }
        let waiting = leadership.waiting
        leadership.waiting = []
        brokers[index].leads[place] = leadership
        for one in waiting {
            switch one.waiter {
            case .mark(let mark, let producer):
                propose(index, .cluster(.marked(transaction: mark.transaction, producer, decided: mark.decided, [place])), .report(mark))
            case .client(let client, let value):
                guard isCalm || random.chance(1, in: 2), let batch = clients[client].batches.firstIndex(where: { $0.value == value }) else {
                    continue
                }
                clients[client].batches[batch].isAcknowledged = true
            }
        }
    }

    private func judge(_ leadership: Leadership, _ producer: ProducerIdentity, _ sequence: Int32) -> ProducerVerdict {
        let verdict = leadership.ledger.judge(Leadership.batch(producer, sequence))
        guard case .duplicate(let offset) = verdict, flaw != .acknowledgesEndedBatches else { return verdict }
        return (leadership.transactions.firstOffset(of: producer.id) ?? .max) > offset ? .outOfOrder(expected: -1) : verdict
    }

    /// A batch arrives at a broker; false if the producer has to start over.
    mutating func take(_ batch: Client.Batch, _ client: Int, at index: Int) -> Bool {
        guard brokers[index].isAlive, var leadership = brokers[index].leads[batch.place] else { return true }
        let (name, identity) = (clients[client].name, clients[client].identity)
        func isOpen() -> Bool {
            guard let transaction = brokers[index].machine.transactions[name] else { return false }
            return transaction.producer == identity && transaction.phase == .ongoing && transaction.contains(batch.place)
        }
        // The transaction may be open in a newer state than this one; the service asks the coordinator, here the client retries.
        guard isOpen() else { return brokers[index].executed < commands.count }
        switch judge(leadership, identity, batch.sequence) {
        case .append: leadership.append(Entry(producer: identity, kind: .record(value: batch.value, sequence: batch.sequence)))
        case .duplicate: break
        case .outOfOrder:
            summary.refusedRepetitions += 1
            return false
        case .staleEpoch: return false
        }
        leadership.waiting.append(Waiting(end: leadership.log.count, waiter: .client(client, value: batch.value)))
        brokers[index].leads[batch.place] = leadership
        return true
    }

    // MARK: faults

    private mutating func upkeep(_ index: Int) {
        guard brokers[index].isAlive else { return }
        let isRegistered =
            brokers[index].machine.cluster.brokers[Int32(index + 1)].map { !$0.isFenced && $0.incarnation == record(index).incarnation }
            ?? false
        if !isRegistered, !brokers[index].isRegistering, brokers[index].executed >= brokers[index].saved.executed {
            brokers[index].isRegistering = true
            propose(index, .cluster(.register(record(index), keepsLog: true)), .registration)
        }
        for name in brokers[index].machine.transactionsUnderWay.keys {
            guard let transaction = brokers[index].machine.transactions[name], transaction.phase.isPrepared else { continue }
            for place in Self.places where transaction.contains(place) { writeMarker(of: transaction, place, index) }
            completeIfEmpty(transaction, index)
        }
        // A vanished producer leaves its transaction to the timeout.
        guard isCalm || random.chance(1, in: 20) else { return }
        for name in brokers[index].machine.transactionsUnderWay.keys {
            guard let open = brokers[index].machine.transactions[name], open.phase == .ongoing, coordinates(index, name),
                random.chance(1, in: 20)
            else { continue }
            propose(index, transact(index, TransactionCommand(name, open.producer, .decide(commits: false, .fencing))), .nothing)
        }
    }

    private mutating func crash(_ index: Int) {
        guard brokers[index].isAlive else { return }
        summary.crashes += 1
        for place in Self.places { endTerm(place, index) }
        brokers[index].isAlive = false
        proposals[index] = []
    }

    /// Restarts a broker with its logs unchanged and the saved state of the cluster.
    private mutating func restart(_ index: Int) {
        let (disk, saved, incarnation) = (brokers[index].disk, brokers[index].saved, brokers[index].incarnation)
        brokers[index] = Broker()
        brokers[index].incarnation = incarnation + 1
        (brokers[index].disk, brokers[index].saved) = (disk, saved)
        (brokers[index].machine, brokers[index].executed) = saved
        for place in Self.places { lookAt(place, index) }
    }

    private mutating func suspect(_ index: Int) {
        let teller = random.below(brokers.count)
        let isSilent = !brokers[index].isAlive || brokers[index].cutOffUntil > time
        guard brokers[teller].isAlive, let record = brokers[teller].machine.cluster.brokers[Int32(index + 1)], !record.isFenced else {
            return
        }
        if isSilent || random.chance(1, in: 20) {
            propose(teller, .cluster(.fence(broker: Int32(index + 1), epoch: record.epoch)), .nothing)
        }
    }

    // MARK: laws

    private func checkEnd() throws {
        var seen: [Int: Int] = [:]
        for place in Self.places {
            var open: [Int64: [Int]] = [:]
            for entry in replicated[place] ?? [] {
                switch entry.kind {
                case .record(let value, _): open[entry.producer.id, default: []].append(value)
                case .marker(let commits):
                    let ended = open.removeValue(forKey: entry.producer.id) ?? []
                    if commits { for value in ended { seen[value, default: 0] += 1 } }
                }
            }
            guard open.values.allSatisfy(\.isEmpty) else { throw LawBroken(seed, "\(place) has records without an outcome: \(open)") }
        }
        for (number, fate) in fates.enumerated() {
            let counts = fate.values.keys.sorted().map { seen[$0] ?? 0 }
            switch fate.commits {
            case true?:
                guard counts.allSatisfy({ $0 == 1 }) else {
                    throw LawBroken(seed, "transaction \(number) was committed and its records are seen \(counts) times")
                }
            default:
                guard counts.allSatisfy({ $0 == 0 }) else {
                    throw LawBroken(seed, "transaction \(number) was not committed and its records are seen \(counts) times")
                }
            }
        }
    }
}

extension [Int32] {
    /// The same numbers, rotated.
    fileprivate func rotated(by count: Int) -> [Int32] { Array(self[count...] + self[..<count]) }
}
