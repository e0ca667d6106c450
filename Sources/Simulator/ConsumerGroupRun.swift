// A group of the `consumer` protocol over several brokers in a seeded random order of events: members that heartbeat, take their
// assignments, read, commit, fall silent and come back; coordinators that crash, are fenced or cut off; lost answers and
// proposals. Laws: a committed offset never goes back, no coordinator sees a partition at two members at once, and once the faults end
// every member has its share of the same epoch.
import Base
import BrokerCore

/// A rule of these groups that a run breaks on purpose, to check that the laws notice.
package enum ConsumerGroupFlaw: String, CaseIterable, Sendable {
    case none
    /// A deposed coordinator still commits.
    case commitsUnfenced
    /// A member may commit with any epoch.
    case takesAnyEpoch
}

/// The results of a run.
package struct ConsumerGroupSummary: Equatable, Sendable {
    package var commits = 0
    package var refusedCommits = 0
    package var epochs: Int32 = 0
    package var fencedMembers = 0
    package var adoptions = 0
    package var crashes = 0
    package var trace: UInt32 = 0
    package init() {}
}

package struct ConsumerGroupRun {
    /// A heartbeat's answer that waits until its content is stored.
    private struct Answer {
        var member: Int
        var attempt: Int
        var orders: MemberOrders
    }

    private struct Member {
        let id: MemberID
        var epoch: Int32 = 0
        /// Its next offsets in its partitions; nil until it has fetched the committed one.
        var positions: [TopicPartition: Int64?] = [:]
        /// Its fetch of committed offsets.
        var fetch: OffsetFetch?
        /// Its partitions have changed since its last heartbeat.
        var hasNews = true
        /// Its next heartbeat has every field: it starts over, or its last heartbeat may be lost.
        var tellsAll = true
        var attempt = 0
        /// The broker whose answer it waits for.
        var waitsFor: Int?
        var patience = 0
        var silentUntil = 0

        mutating func fenced() {
            epoch = 0
            fetch = nil
            positions = [:]
            tellsAll = true
        }

        mutating func hangsUp() {
            waitsFor = nil
            tellsAll = true
        }

        mutating func take(_ orders: MemberOrders) {
            epoch = orders.epoch
            guard let assignment = orders.assignment else { return }
            let before = Set(positions.keys)
            positions = Dictionary(uniqueKeysWithValues: assignment.map { ($0, positions[$0] ?? nil) })
            if Set(positions.keys) != before { hasNews = true }
        }
    }

    private let seed: UInt64
    private let flaw: ConsumerGroupFlaw
    private var random: Prng
    private var log: SimMetadataLog<Answer>
    private var coordinators: [ConsumerGroupCoordinator]
    private var members: [Member]
    private var time = 0
    private var isCalm = false
    private var summary = ConsumerGroupSummary()
    private static let group = GroupID("g")
    private static let partitions: Int32 = 5
    private var now: Instant { Instant.zero + .milliseconds(time) }

    package init(seed: UInt64, brokers count: Int, flaw: ConsumerGroupFlaw = .none) {
        self.seed = seed
        self.flaw = flaw
        random = Prng(seed: seed)
        log = SimMetadataLog(brokers: count, topic: TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 1), partitions: Self.partitions))
        coordinators = (0..<count).map { Self.coordinator(seed &+ UInt64($0)) }
        members = (0..<3).map { Member(id: MemberID("m\($0)")) }
    }

    private static func coordinator(_ seed: UInt64) -> ConsumerGroupCoordinator {
        var settings = ConsumerGroupSettings()
        settings.sessionTimeout = .milliseconds(2000)
        return ConsumerGroupCoordinator(settings: settings, random: Prng(seed: seed))
    }

    /// Takes `steps` random steps, then ends the faults and checks the result.
    package mutating func run(steps: Int) throws -> ConsumerGroupSummary {
        for _ in 0..<steps { try step() }
        isCalm = true
        for index in coordinators.indices where !log.brokers[index].isAlive { restart(index) }
        for _ in 0..<600 where !isSettled { for _ in 0..<100 { try step() } }
        guard isSettled else {
            throw LawBroken(
                seed,
                "the members do not come together once the faults have ended: \(members.map { "\($0.id) \($0.epoch) \($0.positions.keys.sorted())" })"
            )
        }
        return summary
    }

    private var isSettled: Bool {
        guard members.allSatisfy({ $0.epoch > 0 && $0.epoch == members[0].epoch && !$0.hasNews }) else { return false }
        return members.flatMap(\.positions.keys).sorted() == (0..<Self.partitions).map { TopicPartition("t", $0) }
    }

    private mutating func step() throws {
        time += 1
        let index = random.below(coordinators.count)
        let choice = random.below(isCalm ? 88 : 100)
        summary.trace = (summary.trace ^ UInt32(truncatingIfNeeded: index + choice * 8 + log.brokers[index].executed * 1024)) &* 16_777_619
        switch choice {
        case 0..<24: try execute(index)
        case 24..<40: try decide(index)
        case 40..<80: try act(random.below(members.count))
        case 80..<86:
            if log.brokers[index].isAlive {
                coordinators[index].expire(now: now)
                try store(index, nil)
            }
        case 86, 87: log.register(index)
        case 88: if random.chance(1, in: 20) { crash(index) }
        case 89..<92: if !log.brokers[index].isAlive { restart(index) }
        case 92..<95: suspect(index)
        case 95: if random.chance(1, in: 10) { log.brokers[index].cutOffUntil = time + random.below(800) }
        case 96: members[random.below(members.count)].silentUntil = time + random.below(3000)
        default: break
        }
    }

    // MARK: brokers

    private func isCutOff(_ index: Int) -> Bool { !isCalm && log.brokers[index].cutOffUntil > time }
    private func coordinates(_ index: Int) -> Bool { log.coordinates(index, Self.group.rawValue) }

    private mutating func decide(_ index: Int) throws {
        guard !isCutOff(index) else { return }
        for proposal in try log.step(index, of: Self.group, hasFaults: !isCalm, seed: seed, &random) {
            ended(proposal, .refused(.notWritable))
        }
    }

    private mutating func execute(_ index: Int) throws {
        guard !isCutOff(index), let executed = log.executeNext(index) else { return }
        if executed.isAnotherCluster {
            if !coordinates(index) {
                coordinators[index].forget(Self.group)
            } else if let stored = log.brokers[index].machine.groups[Self.group], coordinators[index].groups[Self.group] == nil {
                summary.adoptions += 1
                try coordinators[index].adopt(Self.group, stored, now: now)
            }
        }
        if let own = executed.own { ended(own, executed.outcome) }
    }

    private mutating func ended(_ proposal: SimMetadataLog<Answer>.Proposal, _ outcome: BrokerOutcome) {
        var isRefused = false
        if case .refused = outcome { isRefused = true }
        switch proposal.command {
        case .storeGroup:
            coordinators[proposal.by].stored(Self.group, !isRefused)
            if let answer = proposal.purpose, !isRefused { self.answer(answer) }
        case .commitOffsets, .cluster(.commitOffsets): if isRefused { summary.refusedCommits += 1 } else { summary.commits += 1 }
        default: break
        }
    }

    /// Stores the changes; the answer goes out once they are durable.
    private mutating func store(_ index: Int, _ answer: Answer?) throws {
        let changes = coordinators[index].takeChanges()
        for (group, change) in changes { log.propose(index, .storeGroup(group, by: log.claim(index, group.rawValue), change), answer) }
        if changes.isEmpty, let answer { self.answer(answer) }
        var holders: [TopicPartition: MemberID] = [:]
        for member in coordinators[index].groups[Self.group]?.members ?? [] {
            summary.epochs = max(summary.epochs, member.epoch)
            for place in member.assigned {
                if let other = holders.updateValue(member.id, forKey: place) {
                    throw LawBroken(seed, "\(place) is \(other)'s and \(member.id)'s")
                }
            }
        }
    }

    private mutating func answer(_ answer: Answer) {
        guard members[answer.member].attempt == answer.attempt, members[answer.member].waitsFor != nil, isCalm || random.chance(15, in: 16)
        else { return }
        members[answer.member].waitsFor = nil
        members[answer.member].take(answer.orders)
    }

    // MARK: members

    private mutating func act(_ place: Int) throws {
        guard isCalm || members[place].silentUntil <= time else { return }
        let index = random.below(coordinators.count)
        if members[place].waitsFor != nil {
            members[place].patience += 1
            if members[place].patience > 200 { members[place].hangsUp() }
        } else if log.brokers[index].isAlive, coordinates(index), members[place].epoch == 0 || random.chance(1, in: 3) {
            return try heartbeat(place, index)
        }
        guard log.brokers[index].isAlive, coordinates(index) else { return }
        read(place, index)
    }

    private mutating func heartbeat(_ place: Int, _ index: Int) throws {
        members[place].attempt += 1
        members[place].patience = 0
        let member = members[place]
        let beat = MemberHeartbeat(
            member: member.id, epoch: member.epoch, rebalanceTimeout: member.tellsAll ? .milliseconds(3000) : nil,
            topics: member.tellsAll ? ["t"] : nil,
            owned: member.tellsAll || member.hasNews ? member.positions.keys.sorted() : nil)
        do {
            let orders = try coordinators[index].heartbeat(
                Self.group, beat, stored: log.brokers[index].machine.groups[Self.group], topics: log.brokers[index].machine.topics, now: now
            )
            members[place].waitsFor = index
            members[place].hasNews = false
            members[place].tellsAll = false
            try store(index, Answer(member: place, attempt: member.attempt, orders: orders))
        } catch is ConsumerGroupRefusal {
            summary.fencedMembers += 1
            members[place].fenced()
        }
    }

    /// Reads one of its partitions and commits.
    private mutating func read(_ place: Int, _ index: Int) {
        guard members[place].epoch > 0, !members[place].positions.isEmpty else { return }
        let all = members[place].positions.keys.sorted()
        let partition = all[random.below(all.count)]
        guard let known = members[place].positions[partition] ?? nil else {
            if log.answers(&members[place].fetch, at: index) {
                members[place].positions[partition] = log.brokers[index].machine.offsets[Self.group]?[partition]?.offset ?? 0
            }
            return
        }
        let offset = known + Int64(random.below(3))
        members[place].positions[partition] = offset
        let entries = [OffsetEntry(topic: partition.topic, partition: partition.partition, offset: offset)]
        let refusal = coordinators[index].refusalToCommit(Self.group, member: members[place].id, epoch: members[place].epoch)
        guard refusal == nil && coordinators[index].groups[Self.group] != nil || flaw == .takesAnyEpoch else { return }
        let claim = log.claim(index, Self.group.rawValue)
        log.propose(
            index,
            flaw == .commitsUnfenced
                ? .commitOffsets(group: Self.group, entries) : .cluster(.commitOffsets(by: claim, group: Self.group, entries)), nil)
    }

    // MARK: faults

    private mutating func crash(_ index: Int) {
        guard log.brokers[index].isAlive else { return }
        summary.crashes += 1
        log.crash(index)
        for place in members.indices where members[place].waitsFor == index { members[place].hangsUp() }
    }

    /// Restarts the coordinator, which knows its members from the state only.
    private mutating func restart(_ index: Int) {
        log.restart(index)
        coordinators[index] = Self.coordinator(seed &+ UInt64(time))
    }

    private mutating func suspect(_ index: Int) {
        let teller = random.below(coordinators.count)
        if !log.brokers[index].isAlive || log.brokers[index].cutOffUntil > time || random.chance(1, in: 100) {
            log.fence(index, teller: teller)
        }
    }
}
