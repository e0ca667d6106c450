// The metadata log of several brokers, taken as given: what a broker proposes is decided in its order, or given up together with all that
// it has proposed since, of which a part is decided all the same; everybody executes what was decided in their own time. The faults of the
// log itself are ClusterRun's.
import Base
import BrokerCore

struct SimMetadataLog<Purpose> {
    struct Proposal {
        /// The place of its proposer, and the life that this one was in.
        var by: Int
        var incarnation: UInt64
        var command: BrokerCommand
        /// What its proposer waits for; nil for the log's own.
        var purpose: Purpose?
    }

    struct Broker {
        var isAlive = true
        /// Until then it is cut off from the log, and its clients are not.
        var cutOffUntil = 0
        fileprivate(set) var incarnation: UInt64 = 1
        fileprivate(set) var machine = BrokerMachine()
        fileprivate(set) var executed = 0
        fileprivate var isRegistering = false
        /// This life's registration was executed: what the broker knows is not of an earlier life.
        fileprivate(set) var hasJoined = false
    }

    /// What a step of a broker has come to.
    struct Executed {
        var outcome: BrokerOutcome
        /// Whether other brokers are alive than before, or this one has joined.
        var isAnotherCluster: Bool
        /// The proposal, where this life of the broker made it.
        var own: Proposal?
    }

    var brokers: [Broker]
    /// The state behind every command.
    private(set) var truth = BrokerMachine()
    private var commands: [Proposal] = []
    private var proposals: [[Proposal]]

    /// Brokers that are registered, and one topic with a replica of every partition on each.
    init(brokers count: Int, topic: TopicRecord) {
        brokers = (0..<count).map { _ in Broker() }
        proposals = brokers.map { _ in [] }
        for index in brokers.indices { commit(registration(index)) }
        let places = (0..<topic.partitions).map { _ in ReplicaList((1...count).map(Int32.init)) }
        commit(Proposal(by: 0, incarnation: 1, command: .cluster(.createTopic(topic, places))))
    }

    /// Whether a broker has executed all that was decided.
    func isUpToDate(_ index: Int) -> Bool { brokers[index].executed == commands.count }
    func coordinates(_ index: Int, _ name: String) -> Bool {
        brokers[index].hasJoined && brokers[index].machine.cluster.coordinator(of: name) == Self.id(index)
    }
    func claim(_ index: Int, _ name: String) -> CoordinatorClaim { brokers[index].machine.cluster.claim(of: name, by: Self.id(index)) }

    /// Whether the command that was decided last set share groups anew.
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
        proposals[index].append(Proposal(by: index, incarnation: brokers[index].incarnation, command: command, purpose: purpose))
    }

    private mutating func decideNext(_ index: Int) { if !proposals[index].isEmpty { commit(proposals[index].removeFirst()) } }

    /// All that a broker has proposed is of unknown fate to it; the first ones may be decided yet. Returns those that have no outcome.
    private mutating func abandon(_ index: Int, _ random: inout Prng) -> [Proposal] {
        let abandoned = proposals[index]
        proposals[index] = abandoned.prefix(random.below(abandoned.count + 1)).map { Proposal(by: -1, incarnation: 0, command: $0.command) }
        if abandoned.contains(where: { if case .cluster(.register) = $0.command { true } else { false } }) {
            brokers[index].isRegistering = false
        }
        return abandoned.filter { $0.by == index }
    }

    /// A broker's next proposal is decided, or now and then, while there are faults, all that it has made are given up; returns those.
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

    /// A broker executes the next command, if there is one and it is alive.
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

    // MARK: brokers that come and go

    /// A broker that the cluster does not count on registers.
    mutating func register(_ index: Int) {
        guard brokers[index].isAlive, !brokers[index].isRegistering, brokers[index].executed > brokers.count else { return }
        let isRegistered =
            brokers[index].machine.cluster.brokers[Self.id(index)].map { !$0.isFenced && $0.incarnation == record(index).incarnation }
            ?? false
        guard !isRegistered else { return }
        brokers[index].isRegistering = true
        proposals[index].append(registration(index))
    }

    /// What it had proposed and was not decided is gone.
    mutating func crash(_ index: Int) {
        brokers[index].isAlive = false
        proposals[index] = []
    }

    /// The state is as it was.
    mutating func restart(_ index: Int) {
        brokers[index].isAlive = true
        brokers[index].incarnation += 1
        brokers[index].hasJoined = false
        brokers[index].isRegistering = false
    }

    /// One broker takes another for lost.
    mutating func fence(_ index: Int, teller: Int) {
        guard brokers[teller].isAlive, let record = brokers[teller].machine.cluster.brokers[Self.id(index)], !record.isFenced else {
            return
        }
        propose(teller, .cluster(.fence(broker: Self.id(index), epoch: record.epoch)), nil)
    }
}
