// The metadata log of several brokers, taken as reliable: a broker's proposals are decided in its order, or the broker gives all of them up
// and a part is still decided. Every broker executes decided commands in its own time. ClusterRun has the faults of the log itself.
import Base
import BrokerCore

/// A member's fetch of committed offsets: its broker, and the number of the last proposal before it.
struct OffsetFetch {
    var broker: Int
    var mark: Int
}

struct SimMetadataLog<Purpose> {
    struct Proposal {
        /// The index of its proposer, with the proposer's life.
        var by: Int
        var incarnation: UInt64
        var command: BrokerCommand
        /// The proposer's purpose; nil for the log's own proposals.
        var purpose: Purpose?
        /// Its place among all proposals, from 1 on.
        fileprivate var number = 0

        fileprivate init(by: Int, incarnation: UInt64, command: BrokerCommand, purpose: Purpose? = nil, number: Int = 0) {
            self.by = by
            self.incarnation = incarnation
            self.command = command
            self.purpose = purpose
            self.number = number
        }
    }

    struct Broker {
        var isAlive = true
        /// Until then it is cut off from the log but not from its clients.
        var cutOffUntil = 0
        fileprivate(set) var incarnation: UInt64 = 1
        fileprivate(set) var machine = BrokerMachine()
        fileprivate(set) var executed = 0
        fileprivate var isRegistering = false
        /// Whether this life's registration was executed: the broker's state is not from an earlier life.
        fileprivate(set) var hasJoined = false
    }

    /// The result of a broker's step.
    struct Executed {
        var outcome: BrokerOutcome
        /// Whether the set of live brokers has changed, or this one has joined.
        var isAnotherCluster: Bool
        /// The proposal, if this life of the broker made it.
        var own: Proposal?
    }

    var brokers: [Broker]
    /// The state after every command.
    private(set) var truth = BrokerMachine()
    private var commands: [Proposal] = []
    private var proposals: [[Proposal]]
    private var lastNumber = 0

    /// Registers the brokers, with one topic that has a replica of every partition on each.
    init(brokers count: Int, topic: TopicRecord) {
        brokers = (0..<count).map { _ in Broker() }
        proposals = brokers.map { _ in [] }
        for index in brokers.indices { commit(registration(index)) }
        let places = (0..<topic.partitions).map { _ in ReplicaList((1...count).map(Int32.init)) }
        commit(Proposal(by: 0, incarnation: 1, command: .cluster(.createTopic(topic, places))))
    }

    /// Whether a broker has executed all decided commands.
    func isUpToDate(_ index: Int) -> Bool { brokers[index].executed == commands.count }
    func coordinates(_ index: Int, _ name: String) -> Bool {
        brokers[index].hasJoined && brokers[index].machine.cluster.coordinator(of: name) == Self.id(index)
    }
    func claim(_ index: Int, _ name: String) -> CoordinatorClaim { brokers[index].machine.cluster.claim(of: name, by: Self.id(index)) }

    /// Whether the last decided command reset share groups.
    var latestIsReset: Bool { if case .share(.setStarts) = commands.last?.command { true } else { false } }

    private static func id(_ index: Int) -> Int32 { Int32(index + 1) }

    private func record(_ index: Int) -> BrokerRecord {
        BrokerRecord(id: Self.id(index), incarnation: UUIDBytes(high: UInt64(index), low: brokers[index].incarnation), host: "h", port: 1)
    }

    private func registration(_ index: Int) -> Proposal {
        Proposal(by: index, incarnation: brokers[index].incarnation, command: .cluster(.register(record(index), keepsLog: true)))
    }

    // MARK: commands

    mutating func propose(_ index: Int, _ command: BrokerCommand, _ purpose: Purpose?) {
        lastNumber += 1
        proposals[index].append(
            Proposal(by: index, incarnation: brokers[index].incarnation, command: command, purpose: purpose, number: lastNumber))
    }

    /// Whether a member's fetch of committed offsets is answered: after all acknowledged commits, and after those that the broker has under
    /// way at the start of the fetch. Starts one if there is none at this broker.
    func answers(_ fetch: inout OffsetFetch?, at index: Int) -> Bool {
        if fetch?.broker != index { fetch = OffsetFetch(broker: index, mark: lastNumber) }
        guard let mark = fetch?.mark, proposals[index].allSatisfy({ $0.number > mark }), isUpToDate(index) else { return false }
        fetch = nil
        return true
    }

    private mutating func decideNext(_ index: Int) { if !proposals[index].isEmpty { commit(proposals[index].removeFirst()) } }

    /// Makes the fate of all of a broker's proposals unknown to it; the first ones may still be decided. Returns those without an outcome.
    private mutating func abandon(_ index: Int, _ random: inout Prng) -> [Proposal] {
        let abandoned = proposals[index]
        proposals[index] = abandoned.prefix(random.below(abandoned.count + 1)).map {
            Proposal(by: -1, incarnation: 0, command: $0.command, number: $0.number)
        }
        if abandoned.contains(where: { if case .cluster(.register) = $0.command { true } else { false } }) {
            brokers[index].isRegistering = false
        }
        return abandoned.filter { $0.by == index }
    }

    /// Decides a broker's next proposal, or now and then, while there are faults, gives all of its proposals up; returns those.
    /// Throws if that took a committed offset of the group back.
    mutating func step(_ index: Int, of group: GroupID, hasFaults: Bool, seed: UInt64, _ random: inout Prng) throws -> [Proposal] {
        let before = truth.offsets[group]
        var abandoned: [Proposal] = []
        if hasFaults, random.chance(1, in: 20) { abandoned = abandon(index, &random) } else { decideNext(index) }
        for (place, offset) in truth.offsets[group]?.entries ?? [] {
            guard let earlier = before?[place], offset.offset < earlier.offset else { continue }
            throw LawBroken(seed, "the committed offset of \(place) went from \(earlier.offset) to \(offset.offset)")
        }
        return abandoned
    }

    private mutating func commit(_ proposal: Proposal) {
        commands.append(proposal)
        var rows = RowChanges()
        _ = truth.apply(proposal.command, at: ApplyPosition(slot: Slot(Int64(commands.count)), time: .zero), rows: &rows)
    }

    /// Executes a broker's next command, if there is one and the broker is alive.
    mutating func executeNext(_ index: Int) -> Executed? {
        guard brokers[index].isAlive, !isUpToDate(index) else { return nil }
        let proposal = commands[brokers[index].executed]
        brokers[index].executed += 1
        let before = brokers[index].machine.cluster.alive
        var rows = RowChanges()
        let outcome = brokers[index].machine.apply(
            proposal.command, at: ApplyPosition(slot: Slot(Int64(brokers[index].executed)), time: .zero), rows: &rows)
        let isOwn = proposal.by == index && proposal.incarnation == brokers[index].incarnation
        var joins = false
        if case .registered(let registered, _) = outcome, registered.id == Self.id(index),
            registered.incarnation == record(index).incarnation
        {
            brokers[index].isRegistering = false
            joins = !brokers[index].hasJoined
            brokers[index].hasJoined = true
        }
        return Executed(
            outcome: outcome, isAnotherCluster: joins || brokers[index].machine.cluster.alive != before, own: isOwn ? proposal : nil)
    }

    // MARK: brokers come and go

    /// Registers a broker that is not registered or is fenced.
    mutating func register(_ index: Int) {
        guard brokers[index].isAlive, !brokers[index].isRegistering, brokers[index].executed > brokers.count else { return }
        let isRegistered =
            brokers[index].machine.cluster.brokers[Self.id(index)].map { !$0.isFenced && $0.incarnation == record(index).incarnation }
            ?? false
        guard !isRegistered else { return }
        brokers[index].isRegistering = true
        proposals[index].append(registration(index))
    }

    /// Crashes a broker; its undecided proposals are gone.
    mutating func crash(_ index: Int) {
        brokers[index].isAlive = false
        proposals[index] = []
    }

    /// Restarts a broker with its state unchanged.
    mutating func restart(_ index: Int) {
        brokers[index].isAlive = true
        brokers[index].incarnation += 1
        brokers[index].hasJoined = false
        brokers[index].isRegistering = false
    }

    /// One broker fences another.
    mutating func fence(_ index: Int, teller: Int) {
        guard brokers[teller].isAlive, let record = brokers[teller].machine.cluster.brokers[Self.id(index)], !record.isFenced else {
            return
        }
        propose(teller, .cluster(.fence(broker: Self.id(index), epoch: record.epoch)), nil)
    }
}
