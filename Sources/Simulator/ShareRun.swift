// A share group over several brokers in a seeded random order of events: consumers that fetch, accept, release, reject, renew, repeat
// acknowledgements, vanish and come back; leaders that crash, are fenced, cut off or replaced, and write their state; writes of
// unknown fate; administrators that set the group back. PartitionRun covers the replication of records. Laws: SharedRecords; one leader
// never gives a record to two consumers at once while its lock lasts; and once the faults end every record is finished. A deposed leader
// that does not know it may give records out once more, as in Kafka: its writes are refused, and the laws leave that out.
import Base
import BrokerCore

/// A rule of share groups that a run breaks on purpose, to check that the laws notice.
package enum ShareFlaw: String, CaseIterable, Sendable {
    case none
    /// Acknowledgements are answered before they are stored.
    case answersEarly
    /// A write names the present term and revision instead of its writer's.
    case writesUnfenced
    /// A write names the stored revision, in its own term.
    case writesOverAll
    /// A repetition of an acknowledgement that is being written is answered at once.
    case answersRepetitions
    /// Locks never end.
    case keepsLocks
}

/// The results of a run.
package struct ShareSummary: Equatable, Sendable {
    package var given = 0
    package var confirmed = 0
    package var refusedAcknowledgements = 0
    package var writes = 0
    package var refusedWrites = 0
    package var lostWrites = 0
    /// Records given out by deposed leaders.
    package var givenByDeposed = 0
    package var resets = 0
    package var crashes = 0
    package var terms: Int32 = 0
    package var trace: UInt32 = 0
    package init() {}
}

package struct ShareRun {
    /// A consumer's wait for the acknowledgement of a range at a broker.
    private struct Waiter {
        var member: Int
        var range: ShareAcknowledgementRange
    }

    /// A write under way: its shares, by the numbers of their leaderships.
    private typealias Round = [(partition: Int32, number: Int)]

    private struct Lead {
        let number: Int
        var share: ShareLeadership<Waiter>
        /// Batches visible to consumers here.
        var visible: Int
        /// The consumer of each record with its deadline, as told to consumers.
        var holders: [Int64: (member: Int, until: Instant)] = [:]
    }

    private struct Broker {
        var leads: [Int32: Lead] = [:]
        var isWriting = false
        /// Resets executed, by partition.
        var resets: [Int32: Int] = [:]
    }

    private struct Member {
        let id: MemberID
        /// Its records, by partition, in the order of their offsets.
        var held: [Int32: [AcquiredRecords]] = [:]
        /// Its last acknowledgement, by partition, which it may repeat.
        var said: [Int32: ShareAcknowledgementRange] = [:]
        var silentUntil = 0
    }

    private let seed: UInt64
    private let flaw: ShareFlaw
    private var random: Prng
    private var log: SimMetadataLog<Round>
    private var brokers: [Broker]
    private var members: [Member]
    private var records: [SharedRecords]
    private let beginsAtEnd: Bool
    private var limits = SharePartitionLimits()
    private var nextNumber = 1
    private var time = 0
    private var isCalm = false
    private var summary = ShareSummary()
    private static let group = GroupID("g")
    private static let topic = TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 1), partitions: 2)
    private var now: Instant { Instant.zero + .milliseconds(time) }

    package init(seed: UInt64, brokers count: Int, flaw: ShareFlaw = .none) {
        self.seed = seed
        self.flaw = flaw
        random = Prng(seed: seed)
        log = SimMetadataLog(brokers: count, topic: Self.topic)
        brokers = (0..<count).map { _ in Broker() }
        members = (0..<3).map { Member(id: MemberID("m\($0)")) }
        records = (0..<Self.topic.partitions).map { SharedRecords(seed: seed, partition: $0) }
        beginsAtEnd = seed % 3 == 0
        limits.lockDuration = .milliseconds(400)
        limits.deliveriesMax = 3
        limits.recordsMax = 12
    }

    /// Takes `steps` random steps, then ends the faults and checks the result.
    package mutating func run(steps: Int) throws -> ShareSummary {
        for _ in 0..<steps { try step() }
        isCalm = true
        for index in brokers.indices where !log.brokers[index].isAlive { restart(index) }
        for _ in 0..<1000 where !isSettled { for _ in 0..<100 { try step() } }
        guard isSettled else {
            throw LawBroken(seed, "not every record is done with once the faults have ended: \(starts) of \(records.map(\.end))")
        }
        for part in records { try part.checkEnd(limit: limits.deliveriesMax) }
        return summary
    }

    private func place(_ partition: Int32) -> TopicPartition { TopicPartition("t", partition) }
    private func stored(_ partition: Int32) -> ShareRecord? { log.truth.share(Self.group, place(partition)) }
    private var starts: [Int64?] { (0..<Self.topic.partitions).map { stored($0)?.share.start } }
    private var isSettled: Bool { zip(starts, records).allSatisfy { $0 == $1.end } }

    private mutating func step() throws {
        time += 1
        let index = random.below(brokers.count)
        let partition = Int32(random.below(records.count))
        let choice = random.below(isCalm ? 86 : 100)
        summary.trace = (summary.trace ^ UInt32(truncatingIfNeeded: index + choice * 8 + brokers[index].leads.count * 1024)) &* 16_777_619
        switch choice {
        case 0..<20: try execute(index)
        case 20..<34: try decide(index)
        case 34..<60: try act(random.below(members.count), index, partition)
        case 60..<74: try write(index)
        case 74..<80: tick(index)
        case 80..<86: upkeep(index, partition)
        case 86..<90:
            if records[Int(partition)].end < (stored(partition)?.share.start ?? 0) + 60 { records[Int(partition)].append(&random) }
        case 90: if random.chance(1, in: 20) { crash(index) }
        case 91, 92: if !log.brokers[index].isAlive { restart(index) }
        case 93: suspect(index)
        case 94: if random.chance(1, in: 10) { log.brokers[index].cutOffUntil = time + random.below(800) }
        case 95: if random.chance(1, in: 8) { vanish(random.below(members.count)) }
        case 96: if random.chance(1, in: 30) { setBack(index, partition) }
        case 97: if random.chance(1, in: 10) { records[Int(partition)].shorten(&random) }
        case 98: if log.brokers[index].isAlive { log.propose(index, .cluster(.elect([place(partition)], unclean: false)), nil) }
        default: break
        }
    }

    // MARK: the metadata log

    private func isCutOff(_ index: Int) -> Bool { !isCalm && log.brokers[index].cutOffUntil > time }
    private func partitionState(_ index: Int, _ partition: Int32) -> PartitionState? {
        log.brokers[index].machine.cluster.partitions[place(partition)]
    }

    private mutating func decide(_ index: Int) throws {
        guard !isCutOff(index) else { return }
        let before = (0..<Self.topic.partitions).map { stored($0) }
        for proposal in try log.step(index, of: Self.group, hasFaults: !isCalm, seed: seed, &random) {
            guard let round = proposal.purpose else { continue }
            summary.lostWrites += 1
            ended(index, round, nil)
        }
        for partition in 0..<Self.topic.partitions {
            guard let after = stored(partition), after != before[Int(partition)] else { continue }
            if log.latestIsReset {
                records[Int(partition)].reset(to: after.share.start)
            } else {
                let term = log.truth.cluster.partitions[place(partition)]?.leaderEpoch ?? 0
                summary.terms = max(summary.terms, term)
                try records[Int(partition)].stored(after, over: before[Int(partition)], leaderEpoch: term)
            }
        }
    }

    private mutating func execute(_ index: Int) throws {
        guard !isCutOff(index), let executed = log.executeNext(index) else { return }
        if case .sharesReset(_, let places) = executed.outcome {
            for partition in places.map(\.partition) {
                brokers[index].resets[partition, default: 0] += 1
                drop(index, partition)
            }
        }
        guard let round = executed.own?.purpose else { return }
        guard case .sharesStored(let verdicts) = executed.outcome else { return ended(index, round, nil) }
        ended(index, round, verdicts)
    }

    /// Ends a round of writes, each stored or refused by itself; nil if the round's fate is unknown.
    private mutating func ended(_ index: Int, _ round: Round, _ verdicts: [ShareStoreVerdict]?) {
        brokers[index].isWriting = false
        for (place, one) in round.enumerated() {
            guard brokers[index].leads[one.partition]?.number == one.number else { continue }
            guard let verdict = verdicts?[place], case .stored(let revision) = verdict else {
                summary.refusedWrites += verdicts == nil ? 0 : 1
                drop(index, one.partition)
                continue
            }
            summary.writes += 1
            for waiter in brokers[index].leads[one.partition]?.share.stored(as: revision) ?? [] { confirm(index, one.partition, waiter) }
        }
    }

    // MARK: leaders

    private func leads(_ index: Int, _ partition: Int32) -> Bool {
        log.brokers[index].isAlive && log.brokers[index].hasJoined && partitionState(index, partition)?.leader == Int32(index + 1)
    }

    private mutating func drop(_ index: Int, _ partition: Int32) { brokers[index].leads[partition] = nil }

    /// Opens the share partition at its leader from the stored state. False if it is not usable at present.
    private mutating func open(_ index: Int, _ partition: Int32) -> Bool {
        guard leads(index, partition), let term = partitionState(index, partition)?.leaderEpoch else {
            drop(index, partition)
            return false
        }
        let part = records[Int(partition)]
        if let known = brokers[index].leads[partition], known.share.term == term {
            if part.logStart > known.share.state.start { brokers[index].leads[partition]?.share.state.begin(at: part.logStart) }
            return known.share.isReady
        }
        let machine = log.brokers[index].machine
        guard machine.isShareGroup(Self.group) else { return false }
        // A new leader does not know the high watermark at once.
        let visible = max(0, part.batches.count - random.below(3))
        let share: ShareLeadership<Waiter>
        if let stored = machine.share(Self.group, place(partition)) {
            share = ShareLeadership(
                term: term, revision: stored.revision,
                SharePartition(stored.share, limits: limits, logStart: part.logStart, logEnd: part.end))
        } else {
            share = ShareLeadership(term: term, revision: 0, SharePartition(start: beginsAtEnd ? part.end : part.logStart, limits: limits))
        }
        brokers[index].leads[partition] = Lead(number: nextNumber, share: share, visible: visible)
        nextNumber += 1
        return share.isReady
    }

    /// Writes all changes in one round; one round is under way at a time.
    private mutating func write(_ index: Int) throws {
        guard log.brokers[index].isAlive, !brokers[index].isWriting else { return }
        var round: Round = []
        var stores: [ShareStore] = []
        for partition in brokers[index].leads.keys.sorted() {
            guard let lead = brokers[index].leads[partition], lead.share.state.hasChanged else { continue }
            guard leads(index, partition), partitionState(index, partition)?.leaderEpoch == lead.share.term else {
                drop(index, partition)
                continue
            }
            guard let share = brokers[index].leads[partition]?.share.beginWrite() else { continue }
            stores.append(store(partition, lead, share))
            round.append((partition, lead.number))
        }
        guard !stores.isEmpty else { return }
        brokers[index].isWriting = true
        log.propose(index, .share(.store(stores)), round)
    }

    private func store(_ partition: Int32, _ lead: Lead, _ share: StoredShare) -> ShareStore {
        var store = ShareStore(
            group: Self.group, topicID: Self.topic.id, partition: partition, leaderEpoch: lead.share.term, revision: lead.share.revision,
            share: share)
        if flaw == .writesUnfenced { store.leaderEpoch = log.truth.cluster.partitions[place(partition)]?.leaderEpoch ?? 0 }
        if flaw == .writesUnfenced || flaw == .writesOverAll { store.revision = stored(partition)?.revision ?? 0 }
        return store
    }

    private mutating func tick(_ index: Int) {
        guard log.brokers[index].isAlive else { return }
        let now = now
        for partition in brokers[index].leads.keys.sorted() {
            if flaw != .keepsLocks { brokers[index].leads[partition]?.share.state.expire(now: now) }
            let count = records[Int(partition)].batches.count
            if let visible = brokers[index].leads[partition]?.visible, visible < count {
                brokers[index].leads[partition]?.visible = visible + 1
            }
        }
    }

    /// Keeps a cluster running: registers brokers, brings live replicas in sync, keeps the group's members.
    private mutating func upkeep(_ index: Int, _ partition: Int32) {
        log.register(index)
        guard log.brokers[index].isAlive, log.brokers[index].hasJoined else { return }
        _ = open(index, partition)
        if leads(index, partition), let state = partitionState(index, partition) {
            let alive = log.brokers[index].machine.cluster.aliveSet
            let missing = state.replicas.filter { alive.contains($0) && !state.inSync.contains($0) }
            if !missing.isEmpty {
                let change = InSyncChange(
                    topicID: Self.topic.id, partition: partition, leader: state.leader, leaderEpoch: state.leaderEpoch,
                    version: state.version, inSync: state.inSync + missing)
                log.propose(index, .cluster(.changeInSync(change)), nil)
            }
        }
        guard log.coordinates(index, Self.group.rawValue), log.brokers[index].machine.groups[Self.group]?.isEmpty ?? true else { return }
        storeGroup(index, StoredGroupChange(.share, head: Bytes(), members: [StoredMember(members[0].id, Bytes())]))
    }

    private mutating func storeGroup(_ index: Int, _ change: StoredGroupChange) {
        log.propose(index, .storeGroup(Self.group, by: log.claim(index, Self.group.rawValue), change), nil)
    }

    // MARK: consumers

    private mutating func act(_ member: Int, _ index: Int, _ partition: Int32) throws {
        guard isCalm || members[member].silentUntil <= time, open(index, partition) else { return }
        if let said = members[member].said[partition], !isCalm, random.chance(1, in: 8) {
            acknowledge(member, index, partition, said)
        } else if let held = members[member].held[partition]?.first, random.chance(2, in: 3) {
            let range = choose(held)
            // The acknowledgement may be lost on its way.
            if isCalm || !random.chance(1, in: 8) { acknowledge(member, index, partition, range) }
            members[member].said[partition] = range
            if range.kinds != [.renew] { forget(member, partition, through: range.last) }
        } else {
            try fetch(member, index, partition)
        }
    }

    private mutating func choose(_ held: AcquiredRecords) -> ShareAcknowledgementRange {
        let last = isCalm ? held.last : held.first + Int64(random.below(Int(held.last - held.first) + 1))
        let kinds: [ShareAcknowledgement] = [.accept, .accept, .accept, .accept, .accept, .release, .reject, .renew]
        return ShareAcknowledgementRange(first: held.first, last: last, kinds: [isCalm ? .accept : kinds[random.below(kinds.count)]])
    }

    private mutating func forget(_ member: Int, _ partition: Int32, through last: Int64) {
        let left = (members[member].held[partition] ?? []).filter { $0.last > last }
        members[member].held[partition] = left.map { AcquiredRecords(first: max($0.first, last + 1), last: $0.last, delivery: $0.delivery) }
    }

    private mutating func fetch(_ member: Int, _ index: Int, _ partition: Int32) throws {
        guard var lead = brokers[index].leads[partition] else { return }
        let part = records[Int(partition)]
        guard let offset = lead.share.state.nextOffset(below: part.end(of: lead.visible)) else { return }
        let batches = part.read(from: offset, upTo: lead.visible, batchesMax: 1 + random.below(3))
        let acquired = lead.share.state.acquire(
            members[member].id, batches, from: offset, recordsMax: Int64(1 + random.below(6)), isExact: random.chance(1, in: 2), now: now)
        let isLeader = log.truth.cluster.partitions[place(partition)]?.leaderEpoch == lead.share.term
        for offset in acquired.flatMap({ Array($0.first...$0.last) }) {
            if let other = lead.holders[offset], other.until > now {
                throw LawBroken(
                    seed,
                    "record \(offset) of partition \(partition) is \(members[other.member].id)'s and is given to \(members[member].id)")
            }
            lead.holders[offset] = (member, now + limits.lockDuration)
        }
        brokers[index].leads[partition] = lead
        let count = acquired.reduce(0) { $0 + Int($1.last - $1.first) + 1 }
        summary.given += count
        summary.givenByDeposed += isLeader ? 0 : count
        try records[Int(partition)].given(acquired, limit: limits.deliveriesMax, isLeader: isLeader)
        // The answer may be lost.
        if isCalm || !random.chance(1, in: 12) { members[member].held[partition] = (members[member].held[partition] ?? []) + acquired }
    }

    private mutating func acknowledge(_ member: Int, _ index: Int, _ partition: Int32, _ range: ShareAcknowledgementRange) {
        let waiter = Waiter(member: member, range: range)
        let (id, now) = (members[member].id, now)
        let lock = now + limits.lockDuration
        let isRepeated = brokers[index].leads[partition].map { !$0.share.state.hasChanged } ?? false
        do throws(ShareRefusal) {
            guard let isStored = try brokers[index].leads[partition]?.share.acknowledge(id, [range], now: now, waiter) else { return }
            records[Int(partition)].took(range)
            for offset in range.first...range.last where brokers[index].leads[partition]?.holders[offset]?.member == member {
                brokers[index].leads[partition]?.holders[offset] = range.kinds == [.renew] ? (member, lock) : nil
            }
            let isUnchanged = isRepeated && brokers[index].leads[partition]?.share.state.hasChanged == false
            if isStored || flaw == .answersEarly || flaw == .answersRepetitions && isUnchanged { confirm(index, partition, waiter) }
        } catch { summary.refusedAcknowledgements += 1 }
    }

    private mutating func confirm(_ index: Int, _ partition: Int32, _ waiter: Waiter) {
        summary.confirmed += 1
        records[Int(partition)].confirmed(waiter.range, knowing: brokers[index].resets[partition] ?? 0)
    }

    /// A consumer loses its records, and perhaps its connections.
    private mutating func vanish(_ member: Int) {
        members[member].held = [:]
        members[member].silentUntil = time + random.below(1500)
        guard random.chance(1, in: 2) else { return }
        let id = members[member].id
        for index in brokers.indices {
            for partition in brokers[index].leads.keys.sorted() {
                guard var lead = brokers[index].leads[partition] else { continue }
                lead.share.state.release(id)
                lead.holders = lead.holders.filter { $0.value.member != member }
                brokers[index].leads[partition] = lead
            }
        }
    }

    // MARK: faults

    private mutating func crash(_ index: Int) {
        guard log.brokers[index].isAlive else { return }
        summary.crashes += 1
        log.crash(index)
        brokers[index].leads = [:]
        brokers[index].isWriting = false
    }

    private mutating func restart(_ index: Int) { log.restart(index) }

    private mutating func suspect(_ index: Int) {
        let teller = random.below(brokers.count)
        if !log.brokers[index].isAlive || isCutOff(index) || random.chance(1, in: 100) { log.fence(index, teller: teller) }
    }

    /// An administrator sets the group, emptied of its members for that, back to an earlier offset.
    private mutating func setBack(_ index: Int, _ partition: Int32) {
        guard log.coordinates(index, Self.group.rawValue), log.brokers[index].isAlive, let start = stored(partition)?.share.start else {
            return
        }
        summary.resets += 1
        storeGroup(index, StoredGroupChange(.share, head: nil))
        let back = max(0, start - Int64(random.below(8)))
        log.propose(index, .share(.setStarts(Self.group, [PartitionOffset(place(partition), back)])), nil)
    }
}
