// The access rules' decision for a principal, an operation and a resource. Answers are cached until a rule changes; denials are logged at a
// limited rate, which keeps the log readable. Used on the loop.
import Base
import BrokerCore
import Logging

/// The access rules in force.
final class AccessControl {
    private unowned let broker: Broker
    private let isEnforced: Bool
    private let superUsers: Set<ExactText>
    private var answers: [AccessQuestion: Bool] = [:]
    private var denials = DenialLog()

    /// Most cached answers, and the longest cached name, in bytes: no resource name is longer.
    private static let answersMax = 50_000
    private static let nameBytesMax = 255

    init(_ broker: Broker) {
        self.broker = broker
        isEnforced = broker.settings.access.enforcesRules
        superUsers = broker.settings.access.superUsers
    }

    /// Drops the cached answers: a rule was set or removed.
    func rulesChanged() { answers = [:] }

    /// Whether a principal may do this. Super users may do everything, and so may every user without enforcement. A denial of a resource
    /// that the client named is logged.
    func allows(_ operation: AccessOperation, _ kind: ResourceKind, _ name: String, principal: String, host: String, isNamed: Bool = true)
        -> Bool
    {
        guard isEnforced, !superUsers.contains(ExactText(principal)) else { return true }
        let isKept = name.utf8.count <= Self.nameBytesMax
        let question = AccessQuestion(operation: operation, kind: kind, name: name, principal: principal, host: host)
        if isKept, let known = answers[question] { return known }
        let answer = broker.machine.accessRules.allows(principal, from: host, operation, kind, name)
        if answers.count >= Self.answersMax { answers = [:] }
        if isKept { answers[question] = answer }
        if !answer, isNamed, let suppressed = denials.take(broker.now) {
            broker.log.notice(
                "access denied",
                metadata: [
                    "principal": "\(principal)", "host": "\(host)", "operation": "\(operation)",
                    "resource": "\(kind) \(DenialLog.shown(name))", "notLogged": "\(suppressed)",
                ])
        }
        return answer
    }
}

/// Limits the log lines about denials, so that clients cannot fill the log or the disk.
struct DenialLog {
    private var second = Instant.zero
    private var lines = 0
    private var suppressed = 0

    /// Lines per second.
    private static let linesMax = 50
    private static let nameBytesMax = 255

    /// The denials not logged since the last line; nil if this one is not logged either.
    mutating func take(_ now: Instant) -> Int? {
        if now - second >= .seconds(1) { (second, lines) = (now, 0) }
        guard lines < Self.linesMax else {
            suppressed += 1
            return nil
        }
        lines += 1
        defer { suppressed = 0 }
        return suppressed
    }

    /// The name, cut to the logged length.
    static func shown(_ name: String) -> String {
        guard name.utf8.count > nameBytesMax else { return JSONText.quoted(name) }
        return JSONText.quoted(String(decoding: name.utf8.prefix(nameBytesMax), as: UTF8.self))
            + " and \(name.utf8.count - nameBytesMax) bytes more"
    }
}

/// The key of a cached answer.
struct AccessQuestion: Hashable {
    var operation: AccessOperation
    var kind: ResourceKind
    @ExactText var name: String
    @ExactText var principal: String
    @ExactText var host: String
}
