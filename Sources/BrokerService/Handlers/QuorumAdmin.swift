// DescribeQuorum, AddRaftVoter, RemoveRaftVoter and UnregisterBroker: which brokers form the cluster. Every broker votes here, so a voter is a broker: what adds
// or removes the one adds or removes the other. Source: KIP-595, KIP-853.
import Base
import BrokerCore
import KafkaWire
import NetKit
import Replication

/// Why members do not change.
private struct QuorumRefusal: Error {
    var code: KafkaErrorCode
    var message: String
}

extension Broker {
    /// Brokers of one cluster: each write waits for more than half of them.
    private static var membersMax: Int { 15 }
    /// Pause before a change that could not take place yet is tried again.
    private static var changeRetry: Duration { .milliseconds(100) }
    /// The longest that a change of the members may be tried, whatever the client asks for.
    private static var changePatienceMax: Duration { .seconds(60) }
    /// How long a removal is tried, whose request names no time.
    private static var removalPatience: Duration { .seconds(20) }
    /// What listeners of those who vote are called.
    private static var listenerName: String { "CONTROLLER" }

    // MARK: who votes

    /// The replicated metadata in the place of Kafka's log of that name.
    func describeQuorum(_ request: DescribeQuorumRequest, _ call: Call) {
        let metadata = "__cluster_metadata"
        let members = replica.roster?.members ?? [Member(id: NodeID(Int64(settings.nodeID)))]
        let topics = request.topics.map { topic in
            DescribeQuorumResponse.Topic(
                topicName: topic.topicName,
                partitions: topic.partitions.map { part in
                    guard topic.topicName == metadata, part.partition == 0 else {
                        return .init(partition: part.partition, errorCode: .unknownTopicOrPartition)
                    }
                    return .init(
                        partition: 0, leaderID: controllerID, highWatermark: replica.appliedSlot.rawValue, currentVoters: members.filter(\.isVoter).map(described),
                        observers: members.filter { !$0.isVoter }.map(described))
                })
        }
        let nodes = members.compactMap { member in
            HostPort(parsing: member.address, defaultPort: 0).map {
                DescribeQuorumResponse.Node(
                    nodeID: Int32(truncatingIfNeeded: member.id.rawValue),
                    listeners: [QuorumListener(name: Self.listenerName, host: $0.host, port: UInt16(clamping: $0.port))])
            }
        }
        call.reply(DescribeQuorumResponse(topics: topics, nodes: nodes))
    }

    private func described(_ member: Member) -> DescribeQuorumResponse.Replica {
        let id = Int32(truncatingIfNeeded: member.id.rawValue)
        let directory = UUIDBytes(high: 0, low: UInt64(bitPattern: member.directory))
        // How far the others are is known to the controller only.
        guard id == settings.nodeID else { return .init(replicaID: id, directoryID: directory, logEndOffset: -1) }
        let wall = time.wallTime().milliseconds
        return .init(
            replicaID: id, directoryID: directory, logEndOffset: replica.appliedSlot.rawValue, lastFetchTimestamp: wall, lastCaughtUpTimestamp: wall)
    }

    // MARK: brokers that come

    func addRaftVoter(_ request: AddRaftVoterRequest, _ call: Call) {
        let patience = min(Duration.milliseconds(max(0, Int(request.timeoutMilliseconds))), Self.changePatienceMax)
        change(request.clusterID, until: now + patience) { roster throws(QuorumRefusal) in
            let id = NodeID(Int64(request.voterID))
            guard (1...255).contains(request.voterID), let listener = request.listeners.first, !listener.host.isEmpty, listener.port > 0 else {
                throw QuorumRefusal(code: .invalidRequest, message: "a broker has a number from 1 to 255, and an address where the others reach it")
            }
            let address = "\(HostPort(listener.host, Int(listener.port)))"
            guard !roster.isVoter(id) else { throw QuorumRefusal(code: .duplicateVoter, message: "broker \(id) is a member already") }
            if let other = roster.members.first(where: { $0.address == address }) {
                throw QuorumRefusal(code: .invalidRequest, message: "\(address) is where broker \(other.id) is reached")
            }
            guard roster.members.count < Self.membersMax else { throw QuorumRefusal(code: .policyViolation, message: "a cluster has at most \(Self.membersMax) brokers") }
            return roster.members + [Member(id: id, directory: Int64(bitPattern: request.voterDirectoryID.low), address: address)]
        } done: { [self] refusal in
            if refusal == nil { log.notice("a broker was added", metadata: ["broker": "\(request.voterID)", "by": "\(JSONText.quoted(call.session.principal))"]) }
            call.reply(AddRaftVoterResponse(errorCode: refusal?.code ?? .none, errorMessage: refusal?.message))
        }
    }

    // MARK: brokers that go

    func removeRaftVoter(_ request: RemoveRaftVoterRequest, _ call: Call) {
        func reply(_ refusal: QuorumRefusal?) {
            if refusal == nil { log.notice("a broker was removed", metadata: ["broker": "\(request.voterID)", "by": "\(JSONText.quoted(call.session.principal))"]) }
            call.reply(RemoveRaftVoterResponse(errorCode: refusal?.code ?? .none, errorMessage: refusal?.message))
        }
        let id = NodeID(Int64(request.voterID))
        let deadline = now + Self.removalPatience
        func remove() {
            change(request.clusterID, until: deadline) { roster throws(QuorumRefusal) in
                try self.checkRemoval(of: id, request.voterDirectoryID, roster)
                return roster.members.filter { $0.id != id }
            } done: { [self] refusal in
                // Who is removed itself closes its connections now.
                if refusal != nil || request.voterID == settings.nodeID { return reply(refusal) }
                // It may have introduced itself again meanwhile; as no member it does not any more.
                forget(request.voterID) { _ in reply(nil) }
            }
        }
        replica.afterBarrier { [self] _ in
            guard isClustered, let roster = replica.roster else { return reply(Self.standsAlone) }
            do throws(QuorumRefusal) { try checkRemoval(of: id, request.voterDirectoryID, roster) } catch { return reply(error) }
            // Forgotten first: from then on nothing is placed there.
            forget(request.voterID) { refusal in
                if let refusal, refusal.code != .brokerIDNotRegistered { reply(refusal) } else { remove() }
            }
        }
    }

    private func checkRemoval(of id: NodeID, _ directory: UUIDBytes, _ roster: Roster) throws(QuorumRefusal) {
        guard let member = roster[id], directory.isZero || member.directory == 0 || UInt64(bitPattern: member.directory) == directory.low else {
            throw QuorumRefusal(code: .voterNotFound, message: "there is no broker \(id) with this data directory among the members")
        }
        guard roster.voters != [id] else { throw QuorumRefusal(code: .invalidRequest, message: "broker \(id) is the only one that votes; without it there is no cluster") }
        let held = machine.partitionsHeld(by: Int32(truncatingIfNeeded: id.rawValue))
        if held > 0 {
            let refusal = BrokerRefusal.brokerHoldsPartitions(Int32(truncatingIfNeeded: id.rawValue), count: held)
            throw QuorumRefusal(code: refusal.code, message: refusal.message)
        }
    }

    func unregisterBroker(_ request: UnregisterBrokerRequest, _ call: Call) {
        func reply(_ refusal: QuorumRefusal?) {
            call.reply(UnregisterBrokerResponse(errorCode: refusal?.code ?? .none, errorMessage: refusal?.message))
        }
        guard isClustered else { return reply(Self.standsAlone) }
        guard replica.roster?[NodeID(Int64(request.brokerID))] == nil else {
            return reply(
                QuorumRefusal(
                    code: .invalidRequest,
                    message: "broker \(request.brokerID) is a member and would come back; RemoveRaftVoter removes it (platform broker members remove \(request.brokerID))"))
        }
        forget(request.brokerID, reply)
    }

    private func forget(_ broker: Int32, _ done: @escaping (QuorumRefusal?) -> Void) {
        replica.propose(.cluster(.unregister(broker: broker))) { result in
            switch result {
            case .success(.refused(let refusal)): done(QuorumRefusal(code: refusal.code, message: refusal.message))
            case .success: done(nil)
            case .failure: done(QuorumRefusal(code: .coordinatorNotAvailable, message: BrokerRefusal.notWritable.message))
            }
        }
    }

    // MARK: changes

    private static var standsAlone: QuorumRefusal {
        QuorumRefusal(code: .invalidRequest, message: "the broker stands alone; started with --id and --peers that name it only, it can grow to a cluster")
    }

    /// Changes the members to what `wanted` makes of them; tried again until `deadline` while a newcomer catches up, another change is on its way or no
    /// leader is known.
    private func change(
        _ clusterID: String?, until deadline: Instant, isAgain: Bool = false, _ wanted: @escaping (Roster) throws(QuorumRefusal) -> [Member],
        done: @escaping (QuorumRefusal?) -> Void
    ) {
        replica.afterBarrier { [self] _ in
            guard isClustered, let roster = replica.roster else { return done(Self.standsAlone) }
            if let clusterID, clusterID != machine.clusterID?.uuidText {
                return done(QuorumRefusal(code: .inconsistentClusterID, message: "this is another cluster than '\(clusterID)'"))
            }
            let members: [Member]
            do throws(QuorumRefusal) { members = try wanted(roster) } catch {
                // A change whose answer was lost has taken place.
                let isDone = isAgain && [.duplicateVoter, .voterNotFound].contains(error.code)
                return done(isDone ? nil : error)
            }
            replica.changeMembers(members, from: roster.version) { [self] result in
                guard case .failure(let refusal) = result else { return done(nil) }
                guard refusal != .noVoters, now < deadline, !isStopping else { return done(Self.refusal(refusal)) }
                // Made and called on the loop.
                nonisolated(unsafe) let again = { self.change(clusterID, until: deadline, isAgain: true, wanted, done: done) }
                loop.schedule(after: Self.changeRetry) { again() }
            }
        }
    }

    private static func refusal(_ reason: RosterRefusal) -> QuorumRefusal {
        switch reason {
        case .notLeading: QuorumRefusal(code: .requestTimedOut, message: "no controller was to be had, or it was lost; whether the members changed is not known")
        case .inProgress, .versionDiffers: QuorumRefusal(code: .requestTimedOut, message: "another change of the members is on its way")
        case .quorumOutOfReach:
            QuorumRefusal(
                code: .requestTimedOut,
                message: "a broker that is added does not keep up with the log, or too few of those that would be there are reached; is it started, with --peers that names it and some of the others?")
        case .noVoters: QuorumRefusal(code: .invalidRequest, message: "nobody would be left to vote")
        }
    }
}
