// Regular expressions over names of topics and transactional ids, which a peer may send. They are matched in time that is linear in the name, whatever the expression: all
// ways to match are followed at the same time, and none is tried again. The syntax is RE2's, which Kafka takes, without classes of Unicode; of flags there are i and s.
import Base

/// Why a text is no expression of names.
package struct NameExpressionProblem: Error, Equatable, CustomStringConvertible {
    package var description: String
    init(_ description: String) { self.description = description }
}

/// A regular expression that a whole name has to match.
package struct NameExpression: Sendable {
    /// Scalars from one to another, both of them in.
    struct Span: Equatable, Sendable {
        var first: UInt32
        var last: UInt32
        init(_ first: UInt32, _ last: UInt32) { (self.first, self.last) = (first, last) }
    }

    /// What one step of matching does.
    enum Step: Sendable {
        /// Takes one scalar of these; `negated`, of any others.
        case take([Span], negated: Bool)
        case fork(Int, Int)
        case jump(Int)
        case edge(Edge)
        case accept
    }

    /// A place between two scalars.
    enum Edge: Sendable { case start, end, word, noWord }

    package static let textBytesMax = 1000
    /// Steps of an expression, its repetitions written out.
    static let stepsMax = 2000

    private let steps: [Step]

    /// Throws `NameExpressionProblem` for what is no expression, or too large a one.
    package init(_ text: String) throws(NameExpressionProblem) {
        guard text.utf8.count <= Self.textBytesMax else { throw NameExpressionProblem("it has more than \(Self.textBytesMax) bytes") }
        var reader = NameExpressionReader(text)
        let tree = try reader.expression()
        var writer = NameExpressionWriter()
        try writer.write(tree)
        try writer.add(.accept)
        steps = writer.steps
    }

    /// Whether all of the name matches.
    package func matches(_ name: String) -> Bool {
        let scalars = name.unicodeScalars.map(\.value)
        var present = StepSet(steps.count)
        var next = StepSet(steps.count)
        follow(0, at: 0, scalars, &present)
        for (place, scalar) in scalars.enumerated() {
            guard !present.members.isEmpty else { return false }
            next.clear()
            for member in present.members {
                if case .take(let spans, let negated) = steps[member], spans.contains(where: { $0.first <= scalar && scalar <= $0.last }) != negated {
                    follow(member + 1, at: place + 1, scalars, &next)
                }
            }
            swap(&present, &next)
        }
        return present.members.contains { if case .accept = steps[$0] { true } else { false } }
    }

    /// Adds the steps that can be reached from one without taking anything.
    private func follow(_ start: Int, at place: Int, _ scalars: [UInt32], _ set: inout StepSet) {
        var open = [start]
        while let step = open.popLast() {
            guard set.insert(step) else { continue }
            switch steps[step] {
            case .take, .accept: break
            case .jump(let target): open.append(target)
            case .fork(let first, let second): open += [second, first]
            case .edge(let edge): if holds(edge, at: place, scalars) { open.append(step + 1) }
            }
        }
    }

    private func holds(_ edge: Edge, at place: Int, _ scalars: [UInt32]) -> Bool {
        func isWord(_ place: Int) -> Bool { scalars.indices.contains(place) && NameExpressionClasses.word.contains { $0.first <= scalars[place] && scalars[place] <= $0.last } }
        return switch edge {
        case .start: place == 0
        case .end: place == scalars.count
        case .word: isWord(place - 1) != isWord(place)
        case .noWord: isWord(place - 1) == isWord(place)
        }
    }
}

/// Which topics the expressions of a group's members match, kept until there are other topics: members ask with every heartbeat.
struct PatternMatches: Sendable {
    private var topics: [String] = []
    private var found = LookupTable<String, [String]>()
    private static let keptMax = 100

    /// The topics that an expression matches, in the order of `all`; none if it is not one.
    mutating func names(_ pattern: String, among all: [String]) -> [String] {
        if topics != all || found.count >= Self.keptMax {
            topics = all
            found.removeAll()
        }
        if let known = found[pattern] { return known }
        var names: [String] = []
        // It was looked at when it came; one that an earlier version took and this one does not matches nothing.
        if let expression = try? NameExpression(pattern) { names = all.filter(expression.matches) }
        found[pattern] = names
        return names
    }
}

/// A set of steps that is emptied without touching all of it.
private struct StepSet {
    private(set) var members: [Int] = []
    private var isIn: [Bool]

    init(_ count: Int) { isIn = Array(repeating: false, count: count) }

    mutating func insert(_ step: Int) -> Bool {
        if isIn[step] { return false }
        isIn[step] = true
        members.append(step)
        return true
    }

    mutating func clear() {
        for member in members { isIn[member] = false }
        members.removeAll(keepingCapacity: true)
    }
}

/// An expression as it was read.
indirect enum NameExpressionTree {
    case nothing
    case one([NameExpression.Span], negated: Bool)
    case edge(NameExpression.Edge)
    case sequence([NameExpressionTree])
    case either([NameExpressionTree])
    /// `most` is nil for any number.
    case repeated(NameExpressionTree, least: Int, most: Int?)
}

/// Writes a tree down as steps.
private struct NameExpressionWriter {
    private(set) var steps: [NameExpression.Step] = []

    mutating func add(_ step: NameExpression.Step) throws(NameExpressionProblem) {
        guard steps.count < NameExpression.stepsMax else { throw NameExpressionProblem("with its repetitions written out it is too long") }
        steps.append(step)
    }

    mutating func write(_ tree: NameExpressionTree) throws(NameExpressionProblem) {
        switch tree {
        case .nothing: break
        case .one(let spans, let negated): try add(.take(spans, negated: negated))
        case .edge(let edge): try add(.edge(edge))
        case .sequence(let parts): for part in parts { try write(part) }
        case .either(let choices): try write(choices[...])
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try write(part) }
            guard let most else { return try writeLoop(part) }
            // Each of those that may be left out leads behind all of them.
            var forks: [Int] = []
            for _ in least..<max(least, most) {
                forks.append(steps.count)
                try add(.accept)
                try write(part)
            }
            for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
        }
    }

    private mutating func write(_ choices: ArraySlice<NameExpressionTree>) throws(NameExpressionProblem) {
        guard let first = choices.first, choices.count > 1 else {
            if let last = choices.first { try write(last) }
            return
        }
        let fork = steps.count
        try add(.accept)
        try write(first)
        let jump = steps.count
        try add(.accept)
        steps[fork] = .fork(fork + 1, steps.count)
        try write(choices.dropFirst())
        steps[jump] = .jump(steps.count)
    }

    private mutating func writeLoop(_ part: NameExpressionTree) throws(NameExpressionProblem) {
        let fork = steps.count
        try add(.accept)
        try write(part)
        try add(.jump(fork))
        steps[fork] = .fork(fork + 1, steps.count)
    }
}
