// The brokers of a cluster: listed, added and removed by Kafka's requests for metadata voters.
import Base
import KafkaWire
import NetKit

/// A member of a cluster.
package struct KafkaMember: Sendable, Equatable {
    package var number: Int32
    /// The address for the other brokers.
    package var peers: String?
    /// The address for clients; nil while the broker is absent.
    package var clients: String?
    package var isVoter: Bool
    package var isController: Bool
}

extension KafkaClient {
    private static let metadataTopic = "__cluster_metadata"

    package func members() async throws -> [KafkaMember] {
        let cluster = try await cluster(topics: [])
        let request = DescribeQuorumRequest(topics: [.init(name: Self.metadataTopic, partitions: [.init(partition: 0)])])
        let answer = try await callAny(request)
        let part = answer.topics.first?.partitions.first
        let code = answer.errorCode == .none ? part?.errorCode ?? .none : answer.errorCode
        guard code == .none else {
            throw KafkaFailure.refused(code, doing: "listing the members of the cluster", detail: answer.errorMessage)
        }
        guard let part else { throw Self.mismatch }
        func member(_ replica: DescribeQuorumResponse.Replica, _ isVoter: Bool) -> KafkaMember {
            KafkaMember(
                number: replica.replicaID,
                peers: answer.nodes.first { $0.nodeID == replica.replicaID }?.listeners.first.map { "\(HostPort($0.host, Int($0.port)))" },
                clients: cluster.brokers.first { $0.node == replica.replicaID }.map { "\($0.address)" }, isVoter: isVoter,
                isController: replica.replicaID == part.leaderID)
        }
        return (part.currentVoters.map { member($0, true) } + part.observers.map { member($0, false) }).sorted { $0.number < $1.number }
    }

    /// Adds a running broker that follows; waits until it has caught up.
    package func addMember(_ number: Int32, at address: HostPort) async throws {
        let listener = QuorumListener(name: "CONTROLLER", host: address.host, port: UInt16(clamping: address.port))
        let request = AddRaftVoterRequest(timeoutMilliseconds: Self.adminTimeoutMilliseconds, voterID: number, listeners: [listener])
        let answer = try await callAny(request)
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "adding broker \(number)", detail: answer.errorMessage)
        }
    }

    /// Removes a broker without replicas. The request goes to another broker, since the removed one ends its connections.
    package func removeMember(_ number: Int32) async throws {
        let request = RemoveRaftVoterRequest(voterID: number)
        let other = try await nodes().first { $0 != number }
        let answer = if let other { try await call(other, request) } else { try await callAny(request) }
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "removing broker \(number)", detail: answer.errorMessage)
        }
    }
}
