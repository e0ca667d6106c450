// ShareFetch and ShareAcknowledge: a member of a share group acquires records and acknowledges them. The logic is in Shares.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Length of a member's id, which is a UUID's text.
    private static var memberIDBytesMax: Int { 36 }

    func shareFetch(_ request: ShareFetchRequest, _ call: Call) {
        func refuse(_ code: KafkaErrorCode, _ message: String?) { call.reply(ShareFetchResponse(errorCode: code, errorMessage: message)) }
        if let problem = problem(withShareMember: request.groupID, request.memberID) { return refuse(.invalidRequest, problem) }
        let isFirst = request.shareSessionEpoch == ShareSessions.first
        guard !isFirst || request.topics.allSatisfy({ $0.partitions.allSatisfy(\.acknowledgementBatches.isEmpty) }) else {
            return refuse(.invalidRequest, "a request that begins a session acknowledges nothing")
        }
        let asksForRecords = request.maxBytes > 0 || request.minBytes > 0 || request.maxRecords > 0 || request.maxWaitMilliseconds > 0
        guard !request.isRenewAck || !asksForRecords else {
            return refuse(.invalidRequest, "a request that renews locks asks for no records")
        }
        let group = GroupID(request.groupID ?? "")
        whenKnown(group, isFirst) { [self] isKnown in
            guard isKnown else { return refuse(.groupIDNotFound, "there is no share group '\(group)'") }
            do throws(ShareSessionRefusal) {
                let session = try shareSessions.session(of: request, group, MemberID(request.memberID ?? ""), call)
                ShareFetchWait(self, request, call, session).begin()
            } catch { refuse(error.code, nil) }
        }
    }

    func shareAcknowledge(_ request: ShareAcknowledgeRequest, _ call: Call) {
        var response = ShareAcknowledgeResponse()
        func refuse(_ code: KafkaErrorCode, _ message: String? = nil) {
            call.reply(ShareAcknowledgeResponse(errorCode: code, errorMessage: message))
        }
        if let problem = problem(withShareMember: request.groupID, request.memberID) { return refuse(.invalidRequest, problem) }
        guard request.shareSessionEpoch != ShareSessions.first else { return refuse(.invalidShareSessionEpoch) }
        let group = GroupID(request.groupID ?? "")
        let session: ShareSession
        do throws(ShareSessionRefusal) {
            session = try shareSessions.session(group, MemberID(request.memberID ?? ""), epoch: request.shareSessionEpoch)
        } catch {
            return refuse(error.code)
        }
        let config = machine.shareConfig(of: group)
        let review = ShareAcknowledgements(
            broker: self, call: call, session: session, config: config, mayRenew: call.version >= 2 && request.isRenewAck)
        response.acquisitionLockMilliseconds = Int32(config.limits.lockDuration.inMilliseconds)
        response.topics = request.topics.map { topic in
            .init(topicID: topic.topicID, partitions: topic.partitions.map { .init(partition: $0.partition) })
        }
        var leaders = CurrentLeaders(self, call)
        let gathering = Gathering {
            response.nodeEndpoints = leaders.endpoints
            call.reply(response)
        }
        for (t, topic) in request.topics.enumerated() {
            for (p, part) in topic.partitions.enumerated() where !part.acknowledgementBatches.isEmpty {
                let place = ShareSession.Part(topicID: topic.topicID, partition: part.partition)
                gathering.enter()
                review.take(place, part.acknowledgementBatches) { code in
                    response.topics[t].partitions[p].errorCode = code
                    response.topics[t].partitions[p].currentLeader = leaders.leader(of: place, code)
                    gathering.leave()
                }
            }
        }
        if request.shareSessionEpoch == ShareSessions.final { shareSessions.end(session) }
        gathering.leave()
    }

    private func problem(withShareMember group: String?, _ member: String?) -> String? {
        if group?.isEmpty ?? true { return "a share group has a name" }
        guard let member, !member.isEmpty, member.utf8.count <= Self.memberIDBytesMax else {
            return "a member's id has from 1 to \(Self.memberIDBytesMax) characters"
        }
        return nil
    }

    /// Whether the group exists: its coordinator on another broker may have stored it a moment ago.
    private func whenKnown(_ group: GroupID, _ isFirst: Bool, _ done: @escaping (Bool) -> Void) {
        guard isFirst, isClustered, !machine.isShareGroup(group) else { return done(!isFirst || machine.isShareGroup(group)) }
        replica.afterBarrier { [self] _ in done(machine.isShareGroup(group)) }
    }
}
