// Failures of Kafka client calls, in words that say what to do next. Shared by every verb that speaks Kafka.
import Base
import KafkaWire
import NetKit

/// A broker's refusal, or the reason why it could not be asked.
package enum KafkaFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such topic; `near` are the existing ones whose names are closest.
    case unknownTopic(String, near: [String])
    case topicExists(String)
    /// The topic has partitions 0 to `count` - 1.
    case unknownPartition(Int32, topic: String, count: Int)
    case unknownGroup(String)
    case unknownTransaction(String)
    /// There is no broker of this number at present.
    case unknownBroker(String)
    case loginRefused(String, reason: String)
    /// Any other refusal; `detail` is the broker's own sentence, if it sent one.
    case refused(KafkaErrorCode, doing: String, detail: String?)
    case cannotConnect(HostPort, reason: String)
    case connectionLost(HostPort)
    /// The broker does not serve this API in a version known here.
    case notServed(String)
    case damagedAnswer(String)
    case noLeader(topic: String, partition: Int32)
    case timedOut(doing: String)

    package var description: String {
        switch self {
        case .unknownTopic(let name, let near):
            near.isEmpty
                ? "there is no topic '\(name)'" : "there is no topic '\(name)'; there is \(near.map { "'\($0)'" }.joined(separator: ", "))"
        case .topicExists(let name): "the topic '\(name)' exists already"
        case .unknownPartition(let number, let topic, let count):
            "the topic '\(topic)' has no partition \(number); it has \(count == 1 ? "0 only" : "0 to \(count - 1)")"
        case .unknownGroup(let name): "there is no group '\(name)'"
        case .loginRefused(let user, let reason): "the broker does not let '\(user)' in: \(reason)"
        case .unknownBroker(let name): "there is no broker '\(name)' at present"
        case .unknownTransaction(let name): "there is no transactional id '\(name)'"
        case .refused(let code, let doing, nil) where code.isDenial: "\(doing): no access rule lets this user do that (\(code))"
        case .refused(let code, let doing, let detail): "\(doing): \(detail ?? code.description)"
        case .cannotConnect(let address, let reason): "no Kafka broker answers at \(address): \(reason)"
        case .connectionLost(let address): "the connection to \(address) was lost"
        case .notServed(let api): "the broker does not serve \(api) in a version that this client knows"
        case .damagedAnswer(let reason): "the broker's answer cannot be read: \(reason)"
        case .noLeader(let topic, let partition): "partition \(partition) of '\(topic)' has no leader at present"
        case .timedOut(let doing): "\(doing): no answer in time"
        }
    }

    /// Whether a broker could not be asked at present, such as a lost one that metadata still names.
    var saysThatNobodyAnswers: Bool {
        switch self {
        case .noLeader, .cannotConnect, .connectionLost, .timedOut: true
        case .refused(let code, _, _): code == .notLeaderOrFollower || code == .leaderNotAvailable
        default: false
        }
    }

    /// The names among `names` that are closest to `wanted`, at most three.
    static func nearest(to wanted: String, among names: [String]) -> [String] {
        // Of a name of two letters, any other is two changes away.
        let limit = min(max(2, wanted.count / 3), wanted.count - 1)
        let ranked = names.map { ($0, distance(Array(wanted.lowercased().utf8), Array($0.lowercased().utf8))) }
        return ranked.filter { $0.1 <= limit }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3).map(\.0)
    }

    /// Edit distance.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let cost = a == b ? diagonal : min(diagonal, row[j], row[j + 1]) + 1
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[right.count]
    }
}
