// A group whose partitions the coordinator assigns (KIP-848). Members only heartbeat: each states its subscription and its partitions,
// and gets its target. A new assignment is reached member by member: one gives a partition up before the other gets it, and a member
// that keeps its partitions does not notice. Event and `now` in, answer out; each change is stored before its answer goes out.
import Base
import Collections

/// Limits and delays of these groups; Kafka's names begin with `group.consumer.`.
package struct ConsumerGroupSettings: Sendable {
    package var sessionTimeout: Duration = .seconds(45)
    /// A fifth of Kafka's: a rebalance takes as many heartbeats as it has steps, and a single broker bears them.
    package var heartbeatInterval: Duration = .seconds(1)
    package var membersMax = 1000
    package var groupsMax = 10_000
    package var matching = MatchingLimits()
    package init() {}
}

/// Why a heartbeat is refused; the door maps each to a code.
package enum ConsumerGroupRefusal: Error, Sendable, Equatable {
    case invalidRequest(String)
    case unknownMember
    /// The member's epoch differs from the coordinator's: the member gives everything up and joins again.
    case fencedEpoch
    /// The commit carries an outdated epoch; the next heartbeat brings the current one.
    case staleEpoch
    case instanceInUse
    case instanceFenced
    case unknownAssignor(String)
    case invalidPattern(String, NameExpressionProblem)
    case groupFull
    case otherProtocol
}

/// A member's heartbeat. Optional parts are left out while they have not changed.
package struct MemberHeartbeat: Sendable {
    package var member: MemberID
    /// 0 joins, -1 leaves, -2 leaves for a while (static members).
    package var epoch: Int32
    package var instance: String?
    package var rack: String?
    package var clientID: String
    package var clientHost: String
    package var rebalanceTimeout: Duration?
    package var topics: [String]?
    package var pattern: String?
    package var assignor: String?
    package var owned: [TopicPartition]?
    /// Topics hidden from the member; its expression does not match them.
    package var hidden: Set<String> = []

    package init(
        member: MemberID, epoch: Int32, instance: String? = nil, rack: String? = nil, clientID: String = "", clientHost: String = "",
        rebalanceTimeout: Duration? = nil,
        topics: [String]? = nil, pattern: String? = nil, assignor: String? = nil, owned: [TopicPartition]? = nil
    ) {
        self.member = member
        self.epoch = epoch
        self.instance = instance
        self.rack = rack
        self.clientID = clientID
        self.clientHost = clientHost
        self.rebalanceTimeout = rebalanceTimeout
        self.topics = topics
        self.pattern = pattern
        self.assignor = assignor
        self.owned = owned
    }

    package static let leaving: Int32 = -1
    package static let leavingForAWhile: Int32 = -2
}

/// The coordinator's answer to a member.
package struct MemberOrders: Sendable, Equatable {
    package var member: MemberID
    package var epoch: Int32
    /// nil while nothing has changed.
    package var assignment: [TopicPartition]?
}

/// A member as the coordinator knows it.
package struct ConsumerGroupMember: Sendable {
    package let id: MemberID
    /// Its place in the order of joining.
    let place: Int64
    package var instance: String?
    package var rack: String?
    package var clientID = ""
    package var clientHost = ""
    package var rebalanceTimeout: Duration = .seconds(300)
    package var topics: [String] = []
    package var pattern: String?
    /// Topics hidden from the member; nil before its first heartbeat here.
    var hidden: Set<String>?
    package var epoch: Int32 = 0
    var previousEpoch: Int32 = -1
    /// Partitions it may read now, in order.
    package var assigned: [TopicPartition] = []
    /// Partitions it must give up and still has.
    var revoking: [TopicPartition] = []
    /// Its final assignment.
    package var target: [TopicPartition] = []
    /// The deadline for giving up `revoking`.
    var revokeDeadline: Instant?
    var deadline: Instant
    /// A static member that is away keeps its place until its session ends.
    var isAway = false

    init(id: MemberID, place: Int64, deadline: Instant) {
        self.id = id
        self.place = place
        self.deadline = deadline
    }
}

/// One group.
package struct ConsumerGroup: HeartbeatGroup {
    package enum Phase: String, Sendable {
        case empty = "Empty"
        case reconciling = "Reconciling"
        case stable = "Stable"
    }

    package let id: GroupID
    private let settings: ConsumerGroupSettings
    /// Rises with every event that requires another assignment.
    package private(set) var epoch: Int32 = 0
    private var memberTable = OrderedDictionary<MemberID, ConsumerGroupMember>()
    package private(set) var assignor = ConsumerGroupAssignor.uniform
    /// The subscribed topics with their partitions, as of the last target.
    private(set) var subscribed = SortedTable<String, Int32>()
    /// Changes that are not stored yet.
    var changes = ConsumerGroupChanges()
    /// Changes that are being stored.
    var storesUnderWay = 0
    private var nextPlace: Int64 = 0
    private var matches: PatternMatches
    /// Members or subscriptions have changed since the last target.
    private var isTargetOld = false

    private init(id: GroupID, settings: ConsumerGroupSettings) {
        self.id = id
        self.settings = settings
        matches = PatternMatches(settings.matching)
    }

    /// A new group replaces everything stored under its name: the end of the last group may not have been stored.
    init(beginning id: GroupID, settings: ConsumerGroupSettings) {
        self.init(id: id, settings: settings)
        changes.isAll = true
    }

    /// A stored group.
    init(id: GroupID, settings: ConsumerGroupSettings, head: ConsumerGroupHead, members: [ConsumerGroupMember]) {
        self.init(id: id, settings: settings)
        epoch = head.epoch
        // An assignor unknown to this version is replaced with the next assignment.
        assignor = ConsumerGroupAssignor(rawValue: head.assignor) ?? .uniform
        for one in head.subscribed { subscribed[one.topic] = one.partitions }
        for member in members { memberTable[member.id] = member }
        nextPlace = (members.last?.place ?? -1) + 1
    }

    private mutating func newMember(_ id: MemberID, now: Instant) -> ConsumerGroupMember {
        defer { nextPlace += 1 }
        return ConsumerGroupMember(id: id, place: nextPlace, deadline: now + settings.sessionTimeout)
    }

    package var members: [ConsumerGroupMember] { Array(memberTable.values) }
    package var isEmpty: Bool { memberTable.isEmpty }
    /// Whether the stored state is complete.
    package var isForgettable: Bool { isEmpty && storesUnderWay == 0 && !changes.isAny }
    package var phase: Phase {
        if memberTable.isEmpty { return .empty }
        return memberTable.values.allSatisfy { $0.epoch == epoch && $0.revoking.isEmpty && $0.assigned == $0.target }
            ? .stable : .reconciling
    }

    /// Why a member may not commit with this epoch; nil if it may.
    func refusalToCommit(_ member: MemberID, epoch: Int32) -> ConsumerGroupRefusal? {
        // Administrators are not members.
        if isEmpty, epoch < 0 { return nil }
        guard let known = memberTable[member] else { return .unknownMember }
        return known.epoch == epoch ? nil : .staleEpoch
    }

    /// Why a member may not fetch offsets with this epoch; nil if it may. A request with neither comes from an administrator,
    /// or from a client that does not send them.
    func refusalToFetchOffsets(_ member: MemberID?, epoch: Int32) -> ConsumerGroupRefusal? {
        if member == nil, epoch < 0 { return nil }
        guard let member, let known = memberTable[member] else { return .unknownMember }
        return known.epoch == epoch ? nil : .staleEpoch
    }

    // MARK: heartbeats

    /// Each step of matching expressions takes one from `work`.
    mutating func heartbeat(
        _ beat: MemberHeartbeat, _ topics: SortedTable<String, TopicRecord>, _ work: inout Int, now: Instant
    ) throws(ConsumerGroupRefusal) -> MemberOrders {
        switch beat.epoch {
        case MemberHeartbeat.leaving, MemberHeartbeat.leavingForAWhile: return try leave(beat, now: now)
        case 0: break
        default: try check(beat)
        }
        let former = memberTable[beat.member]
        if beat.epoch == 0 { try join(beat, now: now) }
        guard var member = memberTable[beat.member] else { throw .unknownMember }
        member.deadline = now + settings.sessionTimeout
        member.isAway = false
        if let timeout = beat.rebalanceTimeout { member.rebalanceTimeout = timeout }
        if let assignor = beat.assignor {
            guard let known = ConsumerGroupAssignor(rawValue: assignor) else { throw .unknownAssignor(assignor) }
            if self.assignor != known { changes.isHead = true }
            self.assignor = known
        }
        if let names = beat.topics { member.topics = Array(Set(names)).sorted() }
        if let pattern = beat.pattern {
            // An expression that a member has already is not checked again, even if topics have come since.
            if !pattern.isEmpty, !memberTable.values.contains(where: { $0.pattern == pattern }) {
                do { try matches.admit(pattern, among: topics.keys) } catch { throw .invalidPattern(pattern, error) }
            }
            member.pattern = pattern.isEmpty ? nil : pattern
        }
        member.hidden = beat.hidden
        let before = memberTable[beat.member]
        memberTable[beat.member] = member
        if beat.epoch == 0 || before?.topics != member.topics || before?.pattern != member.pattern { isTargetOld = true }
        if member.pattern != nil, before?.hidden != member.hidden { isTargetOld = true }
        retarget(topics, &work)
        let orders = reconcile(beat, now: now)
        if let member = memberTable[beat.member], former.map({ $0.differs(from: member) }) ?? true { changes.note(member.id) }
        return orders
    }

    private mutating func join(_ beat: MemberHeartbeat, now: Instant) throws(ConsumerGroupRefusal) {
        if let instance = beat.instance, let holder = memberTable.values.first(where: { $0.instance == instance && $0.id != beat.member }) {
            guard holder.isAway else { throw .instanceInUse }
            replace(holder.id, by: beat, now: now)
            return
        }
        if memberTable[beat.member] == nil {
            guard memberTable.count < settings.membersMax else { throw .groupFull }
            memberTable[beat.member] = newMember(beat.member, now: now)
        } else {
            // It starts over without partitions.
            memberTable[beat.member]?.assigned = []
            memberTable[beat.member]?.revoking = []
            memberTable[beat.member]?.revokeDeadline = nil
        }
        memberTable[beat.member]?.instance = beat.instance
        memberTable[beat.member]?.rack = beat.rack
        memberTable[beat.member]?.clientID = beat.clientID
        memberTable[beat.member]?.clientHost = beat.clientHost
        memberTable[beat.member]?.epoch = 0
    }

    /// A static member is back under another id and takes its predecessor's place.
    private mutating func replace(_ holder: MemberID, by beat: MemberHeartbeat, now: Instant) {
        guard let former = memberTable.removeValue(forKey: holder) else { return }
        changes.noteRemoved(holder)
        var member = newMember(beat.member, now: now)
        member.instance = former.instance
        member.rack = beat.rack
        member.clientID = beat.clientID
        member.clientHost = beat.clientHost
        member.topics = former.topics
        member.pattern = former.pattern
        member.target = former.target
        memberTable[beat.member] = member
    }

    private func check(_ beat: MemberHeartbeat) throws(ConsumerGroupRefusal) {
        guard beat.epoch > 0 else { throw .invalidRequest("there is no member epoch \(beat.epoch)") }
        guard let member = memberTable[beat.member] else { throw .unknownMember }
        if let instance = beat.instance, member.instance != instance { throw .instanceFenced }
        if beat.epoch == member.epoch { return }
        // Our last answer was lost: the member has the epoch before, and only partitions of its own.
        guard beat.epoch == member.previousEpoch, let owned = beat.owned, owned.allSatisfy({ member.assigned.contains($0) }) else {
            throw .fencedEpoch
        }
    }

    private mutating func leave(_ beat: MemberHeartbeat, now: Instant) throws(ConsumerGroupRefusal) -> MemberOrders {
        guard let member = memberTable[beat.member] else { throw .unknownMember }
        if beat.epoch == MemberHeartbeat.leavingForAWhile {
            guard member.instance != nil else { throw .invalidRequest("only members with an instance id leave for a while") }
            changes.note(beat.member)
            memberTable[beat.member]?.isAway = true
            memberTable[beat.member]?.assigned = []
            memberTable[beat.member]?.revoking = []
        } else {
            remove(beat.member)
        }
        return MemberOrders(member: beat.member, epoch: beat.epoch, assignment: nil)
    }

    private mutating func remove(_ member: MemberID) {
        guard memberTable.removeValue(forKey: member) != nil else { return }
        changes.noteRemoved(member)
        // The others get its share with their next heartbeats.
        subscribed = SortedTable()
        epoch += 1
    }

    // MARK: targets

    /// The matched topics that are visible to a member. A member without a heartbeat here keeps its topics: its hidden topics are unknown.
    private func visible(_ names: Set<String>, to member: ConsumerGroupMember) -> Set<String> {
        guard let hidden = member.hidden else { return names.intersection(member.target.map(\.topic)) }
        return hidden.isEmpty ? names : names.subtracting(hidden)
    }

    /// Computes the target of each member, if it must change.
    private mutating func retarget(_ topics: SortedTable<String, TopicRecord>, _ work: inout Int) {
        matches.goOn(memberTable.values.compactMap(\.pattern), among: topics.keys, &work)
        // Until all matches are known, all members keep their partitions.
        guard matches.isComplete else { return }
        var wanted: [MemberID: [String]] = [:]
        var counts = SortedTable<String, Int32>()
        for member in memberTable.values {
            var names = member.topics.filter { topics[$0] != nil }
            if let pattern = member.pattern { names = Array(visible(matches.names(pattern), to: member).union(names)).sorted() }
            wanted[member.id] = names
            for name in names { counts[name] = topics[name]?.partitions ?? 0 }
        }
        let isSame = counts.keys == subscribed.keys && counts.keys.allSatisfy { counts[$0] == subscribed[$0] }
        guard isTargetOld || !isSame else { return }
        isTargetOld = false
        subscribed = counts
        epoch += 1
        let shares = assignor.assign(
            members: memberTable.values.map { ConsumerGroupAssignor.Member(id: $0.id, topics: wanted[$0.id] ?? [], present: $0.target) },
            partitions: counts)
        changes.isHead = true
        for (id, share) in shares where memberTable[id].map({ $0.target != share }) ?? false {
            memberTable[id]?.target = share
            changes.note(id)
        }
    }

    // MARK: reconciliation

    private func isFree(_ partition: TopicPartition, for id: MemberID) -> Bool {
        !memberTable.values.contains { $0.id != id && ($0.assigned.contains(partition) || $0.revoking.contains(partition)) }
    }

    private mutating func reconcile(_ beat: MemberHeartbeat, now: Instant) -> MemberOrders {
        guard var member = memberTable[beat.member] else { preconditionFailure("only members are reconciled") }
        let (epochBefore, assignedBefore) = (member.epoch, member.assigned)
        if !member.revoking.isEmpty, let owned = beat.owned, !owned.contains(where: { member.revoking.contains($0) }) {
            member.revoking = []
            member.revokeDeadline = nil
        }
        if member.revoking.isEmpty {
            let surplus = member.assigned.filter { !member.target.contains($0) }
            if surplus.isEmpty {
                let free = member.target.filter { !member.assigned.contains($0) && isFree($0, for: member.id) }
                member.assigned = (member.assigned + free).sorted()
                if member.epoch != epoch {
                    member.previousEpoch = member.epoch
                    member.epoch = epoch
                }
            } else {
                member.assigned.removeAll { surplus.contains($0) }
                member.revoking = surplus
                member.revokeDeadline = now + member.rebalanceTimeout
                // The member has no partitions yet, so it has nothing to give up.
                if member.epoch == 0 {
                    member.revoking = []
                    member.revokeDeadline = nil
                }
            }
        }
        memberTable[member.id] = member
        let isNews =
            beat.epoch == 0 || member.assigned != assignedBefore || member.epoch != epochBefore || beat.epoch != member.epoch
            || beat.owned != nil && beat.topics != nil
        return MemberOrders(member: member.id, epoch: member.epoch, assignment: isNews ? member.assigned : nil)
    }

    // MARK: time

    package func isDue(now: Instant) -> Bool { memberTable.values.contains { isOver($0, now) } }
    private func isOver(_ member: ConsumerGroupMember, _ now: Instant) -> Bool {
        member.deadline <= now || member.revokeDeadline.map { $0 <= now } ?? false
    }

    package mutating func expire(now: Instant) { for member in members where isOver(member, now) { remove(member.id) } }
}
