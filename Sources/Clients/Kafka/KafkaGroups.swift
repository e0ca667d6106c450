// Groups: listing and describing them, and a member that reads with others. As the leader, the member assigns by ranges; it commits the
// records that its reader has finished, and rejoins when the coordinator says so.
import Base
import KafkaWire

/// A group as its coordinator lists it.
package struct KafkaGroup: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        package var id: String
        package var clientID: String
        package var host: String
        package var assignment: [ConsumerAssignment.Topic]
    }
    package struct Offset: Sendable, Equatable {
        package var topic: String
        package var partition: Int32
        /// The next offset to read; of a share group the first unfinished record.
        package var committed: Int64
        package var end: Int64?
        /// Number of unfinished records; nil if unknown.
        package var lag: Int64?
        /// The reason why the end is unknown; nil if it is known.
        package var problem: String?

        init(topic: String, partition: Int32, committed: Int64, end: PartitionEnd, lag: Int64? = nil) {
            self.topic = topic
            self.partition = partition
            self.committed = committed
            self.end = end.offset
            self.lag = lag ?? end.offset.map { max(0, $0 - committed) }
            problem = end.problem
        }
    }
    package var name: String
    /// classic, consumer or share; empty if the broker does not name it.
    package var kind = ""
    package var state: String
    package var members: [Member] = []
    package var offsets: [Offset] = []
}

/// The end of a partition, or the reason why it is unknown.
struct PartitionEnd {
    var offset: Int64?
    var problem: String?
}

extension KafkaClient {
    /// The groups of all brokers, by name.
    package func groups() async throws -> KafkaListing<KafkaGroup> {
        let listing = try await list(ListGroupsRequest()) { answer throws(KafkaFailure) in
            guard answer.errorCode == .none else { throw KafkaFailure.refused(answer.errorCode, doing: "listing groups", detail: nil) }
            return answer.groups.map { KafkaGroup(name: $0.groupID, kind: $0.groupType, state: $0.groupState) }
        }
        return listing.sorted(by: \.name)
    }

    /// Members, shares, committed offsets and lag.
    package func group(_ name: String) async throws -> KafkaGroup {
        let node = try await coordinator(of: name)
        let answer = try await call(node, DescribeGroupsRequest(groups: [name]))
        guard let found = answer.groups.first else { throw Self.mismatch }
        // A group with partitions assigned by the coordinator has an API of its own.
        if found.groupState == "Dead", let assigned = try await assignedGroup(name, node) { return try await withOffsets(assigned) }
        if found.groupState == "Dead", let shared = try await shareGroup(name, node) { return shared }
        if found.groupState == "Dead" || found.errorCode == .groupIDNotFound { throw KafkaFailure.unknownGroup(name) }
        guard found.errorCode == .none else {
            throw KafkaFailure.refused(found.errorCode, doing: "describing group '\(name)'", detail: nil)
        }
        var group = KafkaGroup(name: name, state: found.groupState)
        for member in found.members {
            var assignment: [ConsumerAssignment.Topic] = []
            if found.protocolType == ConsumerProtocol.name, member.memberAssignment.readableBytes > 0 {
                do { assignment = try ConsumerProtocol.decode(ConsumerAssignment.self, member.memberAssignment).topics } catch {
                    throw KafkaFailure.damagedAnswer("the share of member '\(member.memberID)': \(error)")
                }
            }
            group.members.append(.init(id: member.memberID, clientID: member.clientID, host: member.clientHost, assignment: assignment))
        }
        return try await withOffsets(group)
    }

    private func withOffsets(_ group: KafkaGroup) async throws -> KafkaGroup {
        var group = group
        var silent: [Int32: String] = [:]
        for (topic, partition, offset) in try await committed(group.name, topics: nil).sorted(by: {
            ($0.topic, $0.partition) < ($1.topic, $1.partition)
        }) {
            let end = try await end(of: topic, partition, &silent)
            group.offsets.append(.init(topic: topic, partition: partition, committed: offset, end: end))
        }
        return group
    }

    /// The end of a partition, or the reason why it is not available at present, so that the others can be shown all the same. `silent`:
    /// brokers given up, with the reasons; they are not asked again.
    func end(of topic: String, _ partition: Int32, _ silent: inout [Int32: String]) async throws -> PartitionEnd {
        var leader: Int32?
        do {
            let found = try await self.leader(of: topic, partition)
            if let reason = silent[found] { return PartitionEnd(problem: reason) }
            leader = found
            return PartitionEnd(offset: try await offset(of: topic, partition, at: KafkaClient.latest))
        } catch let failure as KafkaFailure where failure.saysThatNobodyAnswers {
            if let leader { silent[leader] = failure.description }
            return PartitionEnd(problem: failure.description)
        }
    }

    /// nil if there is no such group of that kind, or the broker does not know the kind.
    private func assignedGroup(_ name: String, _ node: Int32) async throws -> KafkaGroup? {
        let answer: ConsumerGroupDescribeResponse
        do { answer = try await call(node, ConsumerGroupDescribeRequest(groupIDs: [name])) } catch KafkaFailure.notServed { return nil }
        guard let found = answer.groups.first else { throw Self.mismatch }
        // Kafka 3.x has the API and refuses it where its new coordinator is off.
        if found.errorCode == .groupIDNotFound || found.errorCode == .unsupportedVersion { return nil }
        guard found.errorCode == .none else {
            throw KafkaFailure.refused(found.errorCode, doing: "describing group '\(name)'", detail: found.errorMessage)
        }
        let members = found.members.map { member in
            KafkaGroup.Member(
                id: member.memberID, clientID: member.clientID, host: member.clientHost,
                assignment: member.assignment.topicPartitions.map {
                    ConsumerAssignment.Topic(name: $0.topicName, partitions: $0.partitions)
                })
        }
        return KafkaGroup(name: name, state: found.groupState, members: members)
    }

    /// Committed offsets, of all topics if `topics` is nil; without partitions that have none.
    func committed(_ group: String, topics: [OffsetFetchRequest.Topic]?) async throws -> [(topic: String, partition: Int32, offset: Int64)]
    {
        let node = try await coordinator(of: group)
        let answer = try await call(node, OffsetFetchRequest(groupID: group, topics: topics), versionMax: 7)
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "asking for the offsets of group '\(group)'", detail: nil)
        }
        return answer.topics.flatMap { topic in
            topic.partitions.filter { $0.committedOffset >= 0 }.map { (topic.name, $0.partition, $0.committedOffset) }
        }
    }

    /// The committed offsets of a group in one topic, by partition.
    package func committedOffsets(of group: String, _ topic: String) async throws -> [Int32: Int64] {
        if let shared = try await shareGroup(group, try await coordinator(of: group)) {
            return Dictionary(shared.offsets.filter { $0.topic == topic }.map { ($0.partition, $0.committed) }, uniquingKeysWith: { $1 })
        }
        let found = try await committed(group, topics: nil).filter { $0.topic == topic }
        return Dictionary(found.map { ($0.partition, $0.offset) }, uniquingKeysWith: { $1 })
    }

    package func deleteGroup(_ name: String) async throws {
        let node = try await coordinator(of: name)
        let answer = try await call(node, DeleteGroupsRequest(groups: [name]))
        guard let result = answer.results.first else { throw Self.mismatch }
        if result.errorCode == .groupIDNotFound { throw KafkaFailure.unknownGroup(name) }
        if result.errorCode == .nonEmptyGroup {
            throw KafkaFailure.refused(.nonEmptyGroup, doing: "deleting group '\(name)'", detail: "it has members; stop them first")
        }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(result.errorCode, doing: "deleting group '\(name)'", detail: nil)
        }
    }

    /// Joins a group as a reader of one topic.
    package func join(group: String, topic: String) async throws -> KafkaGroupReader {
        _ = try await self.topic(topic)
        return KafkaGroupReader(self, group: group, topic: topic, coordinator: try await coordinator(of: group))
    }
}

/// A member of a group, reading one topic. One task uses it at a time.
package actor KafkaGroupReader {
    private let client: KafkaClient
    private let group: String
    private let topic: String
    private let coordinator: Int32
    private var memberID = ""
    private var generation: Int32 = -1
    private var positions: [Int32: Int64] = [:]
    private var isMember = false
    private var lastHeartbeat: ContinuousClock.Instant?

    private static let sessionTimeoutMilliseconds: Int32 = 10_000
    private static let rebalanceTimeoutMilliseconds: Int32 = 60_000
    private static let heartbeatInterval = Duration.seconds(2)
    private static let assignor = "range"
    /// Limit of attempts to enter a generation; each one follows a change in the group.
    private static let joinAttemptsMax = 50

    init(_ client: KafkaClient, group: String, topic: String, coordinator: Int32) {
        self.client = client
        self.group = group
        self.topic = topic
        self.coordinator = coordinator
    }

    /// The partitions that this member reads at present.
    package var partitions: [Int32] { positions.keys.sorted() }

    /// The next records of the member's share, empty if none came within `maxWait`. Must be called at least every few seconds, since it
    /// also sends the heartbeats.
    package func next(maxWait: Duration = .milliseconds(500)) async throws -> [ConsumedRecord] {
        if !isMember { try await join() }
        try await heartbeat()
        guard isMember else { return [] }
        guard !positions.isEmpty else {
            try await Task.sleep(for: maxWait)
            return []
        }
        let (records, next) = try await client.fetch(topic, from: positions, maxWait: maxWait)
        positions = next
        return records
    }

    /// Commits all records handed out by `next`. False if the group has moved on meanwhile: those records go to another member again.
    package func commit() async throws -> Bool {
        guard isMember, !positions.isEmpty else { return isMember }
        let places = positions.sorted { $0.key < $1.key }.map {
            OffsetCommitRequest.Topic.Partition(partition: $0.key, committedOffset: $0.value, committedMetadata: "")
        }
        let request = OffsetCommitRequest(
            groupID: group, generationID: generation, memberID: memberID, topics: [.init(name: topic, partitions: places)])
        let answer = try await client.call(coordinator, request, versionMax: KafkaClient.offsetCommitByName)
        for part in answer.topics.flatMap(\.partitions) where part.errorCode != .none {
            if Self.meansRejoin(part.errorCode) {
                isMember = false
                return false
            }
            throw KafkaFailure.refused(part.errorCode, doing: "committing offsets of group '\(group)'", detail: nil)
        }
        return true
    }

    /// Leaves the group, so that the other members take over at once.
    package func leave() async throws {
        guard !memberID.isEmpty else { return }
        isMember = false
        _ = try await client.call(coordinator, LeaveGroupRequest(groupID: group, memberID: memberID, members: [.init(memberID: memberID)]))
        memberID = ""
    }

    private static func meansRejoin(_ code: KafkaErrorCode) -> Bool {
        code == .rebalanceInProgress || code == .illegalGeneration || code == .unknownMemberID
    }

    private func heartbeat() async throws {
        let clock = ContinuousClock()
        if let lastHeartbeat, clock.now - lastHeartbeat < Self.heartbeatInterval { return }
        lastHeartbeat = clock.now
        let request = HeartbeatRequest(groupID: group, generationID: generation, memberID: memberID)
        let answer = try await client.call(coordinator, request)
        guard answer.errorCode != .none else { return }
        guard Self.meansRejoin(answer.errorCode) else {
            throw KafkaFailure.refused(answer.errorCode, doing: "staying in group '\(group)'", detail: nil)
        }
        if answer.errorCode == .unknownMemberID { memberID = "" }
        isMember = false
    }

    private func join() async throws {
        let subscription = try ConsumerProtocol.encode(ConsumerSubscription(topics: [topic]))
        for _ in 0..<Self.joinAttemptsMax {
            let request = JoinGroupRequest(
                groupID: group, sessionTimeoutMilliseconds: Self.sessionTimeoutMilliseconds,
                rebalanceTimeoutMilliseconds: Self.rebalanceTimeoutMilliseconds,
                memberID: memberID, protocolType: ConsumerProtocol.name, protocols: [.init(name: Self.assignor, metadata: subscription)])
            let joined = try await client.call(coordinator, request)
            if joined.errorCode == .memberIDRequired {
                memberID = joined.memberID
                continue
            }
            if Self.meansRejoin(joined.errorCode) {
                if joined.errorCode == .unknownMemberID { memberID = "" }
                continue
            }
            guard joined.errorCode == .none else {
                throw KafkaFailure.refused(joined.errorCode, doing: "joining group '\(group)'", detail: nil)
            }
            memberID = joined.memberID
            generation = joined.generationID
            if try await sync(joined) { return }
        }
        throw KafkaFailure.timedOut(doing: "joining group '\(group)', which changes all the time")
    }

    /// False if the group moved on before every member had a share.
    private func sync(_ joined: JoinGroupResponse) async throws -> Bool {
        let shares = joined.leader == joined.memberID ? try await assign(joined.members.map(\.memberID)) : []
        let request = SyncGroupRequest(
            groupID: group, generationID: generation, memberID: memberID, protocolType: ConsumerProtocol.name, protocolName: Self.assignor,
            assignments: shares)
        let synced = try await client.call(coordinator, request)
        if Self.meansRejoin(synced.errorCode) { return false }
        guard synced.errorCode == .none else {
            throw KafkaFailure.refused(synced.errorCode, doing: "joining group '\(group)'", detail: nil)
        }
        var mine: [Int32] = []
        if synced.assignment.readableBytes > 0 {
            mine = try ConsumerProtocol.decode(ConsumerAssignment.self, synced.assignment).topics.filter { $0.name == topic }.flatMap(
                \.partitions)
        }
        positions = try await startingPositions(mine)
        isMember = true
        return true
    }

    /// Ranges of partitions in the order of the members' names, as in Kafka's range assignor.
    private func assign(_ members: [String]) async throws -> [SyncGroupRequest.Assignment] {
        let partitions = try await client.topic(topic).partitions.map(\.number)
        let sorted = members.sorted()
        var shares: [SyncGroupRequest.Assignment] = []
        var start = 0
        for (index, member) in sorted.enumerated() {
            let count = partitions.count / sorted.count + (index < partitions.count % sorted.count ? 1 : 0)
            let share = ConsumerAssignment(
                topics: count > 0 ? [.init(name: topic, partitions: Array(partitions[start..<(start + count)]))] : [])
            shares.append(.init(memberID: member, assignment: try ConsumerProtocol.encode(share)))
            start += count
        }
        return shares
    }

    /// The group's committed offsets; the beginning for a partition without one.
    private func startingPositions(_ partitions: [Int32]) async throws -> [Int32: Int64] {
        guard !partitions.isEmpty else { return [:] }
        var positions: [Int32: Int64] = [:]
        for (_, partition, offset) in try await client.committed(group, topics: [.init(name: topic, partitions: partitions)]) {
            positions[partition] = offset
        }
        for partition in partitions where positions[partition] == nil {
            positions[partition] = try await client.offset(of: topic, partition, at: KafkaClient.earliest) ?? 0
        }
        return positions
    }
}
