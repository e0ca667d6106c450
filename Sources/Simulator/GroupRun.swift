// A consumer group of the classic protocol over several brokers in a seeded random order of events: members that join, read, commit, fall
// silent and come back with their old state; coordinators that crash, are fenced or cut off, and continue with their old state;
// commands that each broker executes in its own time. Laws: a committed offset never goes back, and once the faults end every member is in
// one generation and the shares are whole.
import Base
import BrokerCore

/// A rule of groups that a run breaks on purpose, to check that the laws notice.
package enum GroupFlaw: String, CaseIterable, Sendable {
    case none
    /// A deposed coordinator still commits.
    case commitsUnfenced
    /// A member of an earlier generation may commit.
    case takesAnyGeneration
}

/// The results of a run.
package struct GroupSummary: Equatable, Sendable {
    package var commits = 0
    package var generations: Int32 = 0
    package var refusedCommits = 0
    package var adoptions = 0
    package var crashes = 0
    package var trace: UInt32 = 0
    package init() {}
}

package struct GroupRun {
    /// A change of the group that its coordinator is storing, by its number.
    private struct Store { var number: Int }

    fileprivate struct Member {
        enum Phase: Equatable {
            case joins
            case syncs(JoinedGroup)
            case reads
        }
        var id = MemberID("")
        var phase = Phase.joins
        var generation: Int32 = -1
        var share: [Int32] = []
        /// Its next offsets; empty until it has fetched the committed ones.
        var positions: [Int32: Int64] = [:]
        /// Its fetch of committed offsets.
        var fetch: OffsetFetch?
        /// The request that it waits for, with its broker.
        var waiting: (token: ReplyToken, broker: Int)?
        var patience = 0
        var silentUntil = 0
    }

    private let seed: UInt64
    private let flaw: GroupFlaw
    private var random: Prng
    private var log: SimMetadataLog<Store>
    private var coordinators: [GroupCoordinator]
    private var members: [Member]
    private var nextToken: Int64 = 1
    private var time = 0
    private var isCalm = false
    private var summary = GroupSummary()
    private static let group = GroupID("g")
    private static let partitions: Int32 = 4
    private var now: Instant { Instant.zero + .milliseconds(time) }

    package init(seed: UInt64, brokers count: Int, flaw: GroupFlaw = .none) {
        self.seed = seed
        self.flaw = flaw
        random = Prng(seed: seed)
        log = SimMetadataLog(brokers: count, topic: TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 1), partitions: Self.partitions))
        coordinators = (0..<count).map { Self.coordinator(seed &+ UInt64($0)) }
        members = (0..<3).map { _ in Member() }
    }

    private static func coordinator(_ seed: UInt64) -> GroupCoordinator {
        var settings = GroupSettings()
        settings.sessionTimeoutMin = .zero
        return GroupCoordinator(settings: settings, random: Prng(seed: seed))
    }

    /// Takes `steps` random steps, then ends the faults and checks the result.
    package mutating func run(steps: Int) throws -> GroupSummary {
        for _ in 0..<steps { try step() }
        isCalm = true
        for index in coordinators.indices where !log.brokers[index].isAlive { restart(index) }
        for _ in 0..<600 where !isSettled { for _ in 0..<100 { try step() } }
        guard isSettled else {
            throw LawBroken(
                seed,
                "the members do not come together once the faults have ended: \(members.map { "\($0.phase) \($0.generation) \($0.share)" })"
            )
        }
        return summary
    }

    private var isSettled: Bool {
        guard members.allSatisfy({ $0.phase == .reads && $0.generation == members[0].generation }) else { return false }
        return members.flatMap(\.share).sorted() == Array(0..<Self.partitions)
    }

    private mutating func step() throws {
        time += 1
        let index = random.below(coordinators.count)
        let choice = random.below(isCalm ? 88 : 100)
        summary.trace = (summary.trace ^ UInt32(truncatingIfNeeded: index + choice * 8 + log.brokers[index].executed * 1024)) &* 16_777_619
        switch choice {
        case 0..<24: try execute(index)
        case 24..<40: try commitNext(index)
        case 40..<80: try act(random.below(members.count))
        case 80..<86: if log.brokers[index].isAlive { try carryOut(coordinators[index].expire(now: now), index) }
        case 86, 87: log.register(index)
        case 88: if random.chance(1, in: 20) { crash(index) }
        case 89..<92: if !log.brokers[index].isAlive { restart(index) }
        case 92..<95: suspect(index)
        case 95: if random.chance(1, in: 10) { log.brokers[index].cutOffUntil = time + random.below(800) }
        case 96: members[random.below(members.count)].silentUntil = time + random.below(1500)
        default: break
        }
    }

    // MARK: the metadata log

    private func isCutOff(_ index: Int) -> Bool { !isCalm && log.brokers[index].cutOffUntil > time }

    private mutating func commitNext(_ index: Int) throws {
        guard !isCutOff(index) else { return }
        for proposal in try log.step(index, of: Self.group, hasFaults: !isCalm, seed: seed, &random) {
            try ended(proposal, .refused(.notWritable))
        }
    }

    private mutating func execute(_ index: Int) throws {
        guard !isCutOff(index), let executed = log.executeNext(index) else { return }
        if executed.isAnotherCluster { try coordinatorsChanged(index) }
        if let own = executed.own { try ended(own, executed.outcome) }
    }

    private func coordinates(_ index: Int) -> Bool { log.coordinates(index, Self.group.rawValue) }

    private mutating func coordinatorsChanged(_ index: Int) throws {
        guard coordinates(index) else { return try carryOut(coordinators[index].forget(Self.group), index) }
        guard let stored = log.brokers[index].machine.groups[Self.group], coordinators[index].groups[Self.group] == nil else { return }
        summary.adoptions += 1
        try coordinators[index].adopt(Self.group, stored, now: now)
    }

    private mutating func ended(_ proposal: SimMetadataLog<Store>.Proposal, _ outcome: BrokerOutcome) throws {
        if let store = proposal.purpose {
            var refusal: GroupRefusal?
            if case .refused(let reason) = outcome { refusal = reason == .notWritable ? .notWritable : .notCoordinator }
            try carryOut(coordinators[proposal.by].stored(Self.group, number: store.number, refusal, now: now), proposal.by)
        }
        if case .commitOffsets = proposal.command { summary.commits += 1 }
        if case .cluster(.commitOffsets) = proposal.command {
            if case .refused = outcome { summary.refusedCommits += 1 } else { summary.commits += 1 }
        }
    }

    private mutating func carryOut(_ effects: [GroupEffect], _ index: Int) throws {
        for effect in effects {
            switch effect {
            case .store(let id, let number, let change):
                log.propose(index, .storeGroup(id, by: log.claim(index, id.rawValue), change), Store(number: number))
            case .joined(let token, let joined): answer(token) { $0.joined(joined) }
            case .joinRefused(let token, let refusal, let id): answer(token) { $0.refused(refusal, id) }
            case .synced(let token, let synced): answer(token) { $0.reads(synced) }
            case .syncRefused(let token, let refusal): answer(token) { $0.refused(refusal, $0.id) }
            }
        }
    }

    /// Delivers an answer to the member that still waits for it, or loses it.
    private mutating func answer(_ token: ReplyToken, _ body: (inout Member) -> Void) {
        guard let place = members.firstIndex(where: { $0.waiting?.token == token }), isCalm || random.chance(15, in: 16) else { return }
        members[place].waiting = nil
        body(&members[place])
        summary.generations = max(summary.generations, members[place].generation)
    }

    // MARK: members

    private mutating func act(_ place: Int) throws {
        guard isCalm || members[place].silentUntil <= time else { return }
        if let waiting = members[place].waiting {
            members[place].patience += 1
            guard members[place].patience > 200 else { return }
            // It closes the connection and asks again.
            members[place].waiting = nil
            coordinators[waiting.broker].abandon(Self.group, waiting.token)
        }
        let index = random.below(coordinators.count)
        guard log.brokers[index].isAlive, coordinates(index) else { return }
        switch members[place].phase {
        case .joins:
            let attempt = JoinAttempt(
                group: Self.group, member: members[place].id, instance: nil, clientID: "m\(place)", clientHost: "h",
                protocolType: "consumer", protocols: [("range", Bytes())],
                sessionTimeout: .milliseconds(2000), rebalanceTimeout: .milliseconds(3000), wantsIDFirst: true)
            let token = ask(place, index)
            try carryOut(
                coordinators[index].join(attempt, stored: log.brokers[index].machine.groups[Self.group], token: token, now: now), index)
        case .syncs(let joined):
            let shares = joined.members.enumerated().map { number, member in
                (
                    member: member.member,
                    assignment: Bytes(bytes: (0..<UInt8(Self.partitions)).filter { Int($0) % joined.members.count == number })
                )
            }
            let token = ask(place, index)
            let effects = coordinators[index].sync(
                Self.group, member: joined.member, instance: nil, generation: joined.generation, protocolType: nil, protocolName: nil,
                assignments: shares, token: token,
                now: now)
            try carryOut(effects, index)
        case .reads: read(place, index)
        }
    }

    private mutating func ask(_ place: Int, _ index: Int) -> ReplyToken {
        let token = ReplyToken(nextToken)
        nextToken += 1
        members[place].waiting = (token, index)
        members[place].patience = 0
        return token
    }

    /// Heartbeats, reads and commits.
    private mutating func read(_ place: Int, _ index: Int) {
        let (id, generation) = (members[place].id, members[place].generation)
        if random.chance(1, in: 3) {
            if let refusal = coordinators[index].heartbeat(Self.group, member: id, instance: nil, generation: generation, now: now) {
                members[place].refused(refusal, id)
            }
            return
        }
        if members[place].positions.isEmpty {
            guard log.answers(&members[place].fetch, at: index) else { return }
            let committed = log.brokers[index].machine.offsets[Self.group]
            for number in members[place].share { members[place].positions[number] = committed?[TopicPartition("t", number)]?.offset ?? 0 }
            return
        }
        for number in members[place].share { members[place].positions[number, default: 0] += Int64(random.below(3)) }
        let refusal = coordinators[index].refusalToCommit(Self.group, member: id, instance: nil, generation: generation, now: now)
        if let refusal, flaw != .takesAnyGeneration { return members[place].refused(refusal, id) }
        let entries = members[place].share.map { OffsetEntry(topic: "t", partition: $0, offset: members[place].positions[$0] ?? 0) }
        let isUnfenced = flaw == .commitsUnfenced
        let claim = log.claim(index, Self.group.rawValue)
        log.propose(
            index,
            isUnfenced ? .commitOffsets(group: Self.group, entries) : .cluster(.commitOffsets(by: claim, group: Self.group, entries)), nil)
    }

    // MARK: faults

    private mutating func crash(_ index: Int) {
        guard log.brokers[index].isAlive else { return }
        summary.crashes += 1
        log.crash(index)
        for place in members.indices where members[place].waiting?.broker == index { members[place].waiting = nil }
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

extension GroupRun.Member {
    fileprivate mutating func joined(_ joined: JoinedGroup) {
        id = joined.member
        phase = .syncs(joined)
    }

    fileprivate mutating func reads(_ synced: SyncedGroup) {
        guard case .syncs(let joined) = phase else { return }
        generation = joined.generation
        share = synced.assignment.readableBytesView.map(Int32.init)
        positions = [:]
        fetch = nil
        phase = .reads
    }

    /// A client's reaction to a refusal: mostly another join, in some cases without the id that the coordinator does not know.
    fileprivate mutating func refused(_ refusal: GroupRefusal, _ known: MemberID) {
        switch refusal {
        case .memberIDRequired(let given): id = given
        case .unknownMember: id = MemberID("")
        case .notCoordinator, .notWritable: if phase == .reads { return }
        default: break
        }
        phase = .joins
    }
}
