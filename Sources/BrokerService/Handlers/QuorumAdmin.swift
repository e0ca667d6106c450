// DescribeQuorum, AddRaftVoter, RemoveRaftVoter and UnregisterBroker: the brokers of the cluster. Every broker is a voter here, so adding
// or removing a voter adds or removes a broker, and vice versa. Source: KIP-595, KIP-853.
import Base
import BrokerCore
import KafkaWire
import NetKit
import Replication

/// The reason for refusing a change of members.
private struct QuorumRefusal: Error {
    var code: KafkaErrorCode
    var message: String
}

extension Broker {
    /// Most brokers of a cluster: each write waits for a majority of them.
    private static var membersMax: Int { 15 }
    /// Pause before a pending change is retried.
    private static var changeRetry: Duration { .milliseconds(100) }
    /// Longest time for a change of members, whatever the client asks for.
    private static var changePatienceMax: Duration { .seconds(60) }
    /// Time for a removal whose request states none.
    private static var removalPatience: Duration { .seconds(20) }
    /// The name of the voters' listener.
    private static var listenerName: String { "CONTROLLER" }

    // MARK: voters

    /// Describes the replicated metadata in place of Kafka's log of that name.
    func describeQuorum(_ request: DescribeQuorumRequest, _ call: Call) {
        let metadata = "__cluster_metadata"
        let members = replica.roster?.members ?? [Member(id: NodeID(Int64(settings.nodeID)))]
        let topics = request.topics.map { topic in
            DescribeQuorumResponse.Topic(
                name: topic.name,
                partitions: topic.partitions.map { part in
                    guard topic.name == metadata, part.partition == 0 else {
                        return .init(partition: part.partition, errorCode: .unknownTopicOrPartition)
                    }
                    return .init(
                        partition: 0, leaderID: controllerID, highWatermark: replica.appliedSlot.rawValue,
                        currentVoters: members.filter(\.isVoter).map(described),
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
        // Only the controller knows the progress of the others.
        guard id == settings.nodeID else { return .init(replicaID: id, directoryID: directory, logEndOffset: -1) }
        let wall = time.wallTime().milliseconds
        return .init(
            replicaID: id, directoryID: directory, logEndOffset: replica.appliedSlot.rawValue, lastFetchTimestamp: wall,
            lastCaughtUpTimestamp: wall)
    }

    // MARK: joining brokers

    func addRaftVoter(_ request: AddRaftVoterRequest, _ call: Call) {
        let patience = min(Duration.milliseconds(max(0, Int(request.timeoutMilliseconds))), Self.changePatienceMax)
        change(request.clusterID, until: now + patience) { roster throws(QuorumRefusal) in
            let id = NodeID(Int64(request.voterID))
            guard (1...255).contains(request.voterID), let listener = request.listeners.first, !listener.host.isEmpty, listener.port > 0
            else {
                throw QuorumRefusal(
                    code: .invalidRequest, message: "a broker has a number from 1 to 255, and an address where the others reach it")
            }
            let address = "\(HostPort(listener.host, Int(listener.port)))"
            guard !roster.isVoter(id) else { throw QuorumRefusal(code: .duplicateVoter, message: "broker \(id) is a member already") }
            if let other = roster.members.first(where: { $0.address == address }) {
                throw QuorumRefusal(code: .invalidRequest, message: "\(address) is where broker \(other.id) is reached")
            }
            guard roster.members.count < Self.membersMax else {
                throw QuorumRefusal(code: .policyViolation, message: "a cluster has at most \(Self.membersMax) brokers")
            }
            return roster.members + [Member(id: id, directory: Int64(bitPattern: request.voterDirectoryID.low), address: address)]
        } done: { [self] refusal in
            if refusal == nil {
                log.notice(
                    "a broker was added", metadata: ["broker": "\(request.voterID)", "by": "\(JSONText.quoted(call.session.principal))"])
            }
            call.reply(AddRaftVoterResponse(errorCode: refusal?.code ?? .none, errorMessage: refusal?.message))
        }
    }

    // MARK: leaving brokers

    func removeRaftVoter(_ request: RemoveRaftVoterRequest, _ call: Call) {
        func reply(_ refusal: QuorumRefusal?) {
            if refusal == nil {
                log.notice(
                    "a broker was removed", metadata: ["broker": "\(request.voterID)", "by": "\(JSONText.quoted(call.session.principal))"])
            }
            call.reply(RemoveRaftVoterResponse(errorCode: refusal?.code ?? .none, errorMessage: refusal?.message))
        }
        let id = NodeID(Int64(request.voterID))
        let deadline = now + Self.removalPatience
        func remove() {
            change(request.clusterID, until: deadline) { roster throws(QuorumRefusal) in
                try self.checkRemoval(of: id, request.voterDirectoryID, roster)
                return roster.members.filter { $0.id != id }
            } done: { [self] refusal in
                // A removed broker closes its own connections now.
                if refusal != nil || request.voterID == settings.nodeID { return reply(refusal) }
                // The broker may have registered again meanwhile; as no member it cannot any more.
                forget(request.voterID) { _ in reply(nil) }
            }
        }
        replica.afterBarrier { [self] _ in
            guard isClustered, let roster = replica.roster else { return reply(Self.standsAlone) }
            do throws(QuorumRefusal) { try checkRemoval(of: id, request.voterDirectoryID, roster) } catch { return reply(error) }
            // Forgets the broker first: from then on it gets no replicas.
            forget(request.voterID) { refusal in
                if let refusal, refusal.code != .brokerIDNotRegistered { reply(refusal) } else { remove() }
            }
        }
    }

    private func checkRemoval(of id: NodeID, _ directory: UUIDBytes, _ roster: Roster) throws(QuorumRefusal) {
        guard let member = roster[id], directory.isZero || member.directory == 0 || UInt64(bitPattern: member.directory) == directory.low
        else {
            throw QuorumRefusal(code: .voterNotFound, message: "there is no broker \(id) with this data directory among the members")
        }
        guard roster.voters != [id] else {
            throw QuorumRefusal(code: .invalidRequest, message: "broker \(id) is the only one that votes; without it there is no cluster")
        }
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
                    message:
                        "broker \(request.brokerID) is a member and would come back; RemoveRaftVoter removes it (platform broker members remove \(request.brokerID))"
                ))
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
        QuorumRefusal(
            code: .invalidRequest,
            message: "the broker stands alone; started with --id and --peers that name it only, it can grow to a cluster")
    }

    /// Changes the members to the result of `wanted`. Retries until `deadline` while a new broker catches up, another change is pending or
    /// no leader is known.
    private func change(
        _ clusterID: String?, until deadline: Instant, isAgain: Bool = false,
        _ wanted: @escaping (Roster) throws(QuorumRefusal) -> [Member],
        done: @escaping (QuorumRefusal?) -> Void
    ) {
        replica.afterBarrier { [self] _ in
            guard isClustered, let roster = replica.roster else { return done(Self.standsAlone) }
            if let clusterID, clusterID != machine.clusterID?.uuidText {
                return done(QuorumRefusal(code: .inconsistentClusterID, message: "this is another cluster than '\(clusterID)'"))
            }
            let members: [Member]
            do throws(QuorumRefusal) { members = try wanted(roster) } catch {
                // The change has taken place; only its answer was lost.
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
        case .notLeading:
            QuorumRefusal(
                code: .requestTimedOut, message: "no controller was to be had, or it was lost; whether the members changed is not known")
        case .inProgress, .versionDiffers: QuorumRefusal(code: .requestTimedOut, message: "another change of the members is on its way")
        case .quorumOutOfReach:
            QuorumRefusal(
                code: .requestTimedOut,
                message:
                    "a broker that is added does not keep up with the log, or too few of those that would be there are reached; is it started, with --peers that names it and some of the others?"
            )
        case .noVoters: QuorumRefusal(code: .invalidRequest, message: "nobody would be left to vote")
        }
    }
}
