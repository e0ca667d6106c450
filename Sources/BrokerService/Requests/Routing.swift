// Requests about a group or a transactional id belong to its coordinator. The API table names the groups and ids of each request.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Whether this broker has known no controller for longer than an election takes. Other brokers may coordinate its groups by now;
    /// NOT_COORDINATOR sends its clients to them.
    var isCutOff: Bool { isClustered && replica.leaderlessSince.map { now - $0 > BrokerSettings.electionPatience } ?? false }

    /// Whether this broker coordinates all these groups and transactional ids. A broker that is cut off coordinates none.
    func coordinates(all names: [String]) -> Bool { !isClustered || names.allSatisfy { !isCutOff && coordinates($0) } }
}
