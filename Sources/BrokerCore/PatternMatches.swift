// The topics that the expressions of a group's members match. A new expression is matched with all topics at once and refused if that
// takes too long. An accepted one is matched with new topics, or with all again after a restart, a little with each heartbeat, so that
// no request holds the others up for long.
import Base

/// Limits of matching steps.
package struct MatchingLimits: Sendable {
    /// To match a new expression with all topics.
    package var admission = NameExpression.workMax
    /// To match all expressions of one group with all topics.
    package var group = 4 * NameExpression.workMax
    /// To continue with accepted expressions, a second, over all groups of a coordinator; at most one second's worth is saved up.
    package var perSecond = 20_000_000
    /// The same for one heartbeat: some 6 ms.
    package var perHeartbeat = 1_000_000
    package init() {}
}

/// A coordinator's budget of steps for accepted expressions, over all its groups.
struct MatchingWork: Sendable {
    private let limits: MatchingLimits
    private var left: Int
    private var filled: Instant?

    init(_ limits: MatchingLimits) {
        self.limits = limits
        left = limits.perSecond
    }

    /// The budget of the next heartbeat.
    mutating func available(now: Instant) -> Int {
        let passed = filled.map { now - $0 } ?? .zero
        filled = now
        left = min(limits.perSecond, left + Int(min(1000, passed.inMilliseconds)) * (limits.perSecond / 1000))
        return max(0, min(left, limits.perHeartbeat))
    }

    mutating func take(_ steps: Int) { left -= steps }
}

/// The expressions of one group.
struct PatternMatches: Sendable {
    private struct Pattern: Sendable {
        var expression: NameExpression?
        /// The matched topics.
        var names: Set<String> = []
        /// The topics still to be matched.
        var rest: [String] = []
        /// Steps taken so far.
        var work = 0
    }
    private let limits: MatchingLimits
    private var topics: [String] = []
    private var patterns = SortedTable<String, Pattern>()

    /// Whether every expression was matched with every topic.
    private(set) var isComplete = true

    init(_ limits: MatchingLimits = MatchingLimits()) { self.limits = limits }

    /// Accepts a member's expression and matches it with all present topics. Throws the reason of a refusal.
    mutating func admit(_ text: String, among all: [String]) throws(NameExpressionProblem) {
        guard patterns[text] == nil else { return }
        let expression = try NameExpression(text)
        var pattern = Pattern(expression: expression)
        var matcher = NameMatcher(expression)
        var work = limits.admission
        for name in all {
            guard let isMatch = matcher.matches(name, &work) else {
                throw NameExpression.tooMuchWork(names: all.count, most: limits.admission)
            }
            if isMatch { pattern.names.insert(name) }
        }
        pattern.work = limits.admission - work
        let total = patterns.entries.reduce(pattern.work) { $0 + $1.value.work }
        guard total <= limits.group else {
            throw NameExpressionProblem(
                "to match the expressions of all members with \(all.count) names takes more than \(limits.group) steps; let the members share one, or make them shorter"
            )
        }
        take(all)
        patterns[text] = pattern
    }

    /// Continues matching by the steps left in `work`. `present` are the expressions of the present members.
    mutating func goOn(_ present: [String], among all: [String], _ work: inout Int) {
        take(all)
        let wanted = Set(present)
        for text in patterns.keys where !wanted.contains(text) { patterns[text] = nil }
        isComplete = true
        for text in present where patterns[text] == nil || patterns[text]?.rest.isEmpty == false {
            // An expression accepted by an earlier version and refused by this one matches nothing.
            if patterns[text] == nil { patterns[text] = Pattern(expression: try? NameExpression(text), rest: all) }
            patterns.update(text) { Self.goOn(&$0, &work) }
            if patterns[text]?.rest.isEmpty == false { isComplete = false }
        }
    }

    private static func goOn(_ pattern: inout Pattern, _ work: inout Int) {
        guard let expression = pattern.expression else { return pattern.rest = [] }
        let before = work
        var matcher = NameMatcher(expression)
        while work > 0, let name = pattern.rest.popLast() {
            // The last name is finished whatever it takes: one that exceeds every budget would never be finished otherwise.
            var steps = NameExpression.workMax
            if matcher.matches(name, &steps) == true { pattern.names.insert(name) }
            work -= NameExpression.workMax - steps
        }
        pattern.work += before - work
    }

    /// Queues new topics for matching, and drops removed ones from the matches.
    private mutating func take(_ all: [String]) {
        guard topics != all else { return }
        let (before, after) = (Set(topics), Set(all))
        let added = all.filter { !before.contains($0) }
        let gone = topics.filter { !after.contains($0) }
        topics = all
        for text in patterns.keys {
            patterns.update(text) { pattern in
                pattern.names.subtract(gone)
                pattern.rest = pattern.rest.filter(after.contains) + added
            }
        }
    }

    /// The matches of an expression so far.
    func names(_ pattern: String) -> Set<String> { patterns[pattern]?.names ?? [] }
}
