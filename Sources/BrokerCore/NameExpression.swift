// Regular expressions over names of topics and transactional ids, sent by peers. Matching is linear in the name for every expression:
// all ways to match are followed at the same time, and none is tried again. The syntax is RE2's, as in Kafka, without Unicode classes;
// the flags are i and s.
import Base

/// Why a text is not a valid expression.
package struct NameExpressionProblem: Error, Equatable, CustomStringConvertible {
    package var description: String
    init(_ description: String) { self.description = description }
}

/// A regular expression that a whole name has to match.
package struct NameExpression: Sendable {
    /// A range of scalars, both ends included.
    struct Span: Equatable, Sendable {
        var first: UInt32
        var last: UInt32
        init(_ first: UInt32, _ last: UInt32) { (self.first, self.last) = (first, last) }
    }

    /// One step of matching.
    enum Step: Sendable {
        /// Takes one scalar of the class with this number.
        case take(Int)
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
    /// Limit of steps to match one request's expression with all names: some 25 ms.
    package static let workMax = 5_000_000

    let steps: [Step]
    let classes: [ScalarClass]

    /// Throws `NameExpressionProblem` if the text is invalid or too large.
    package init(_ text: String) throws(NameExpressionProblem) {
        guard text.utf8.count <= Self.textBytesMax else { throw NameExpressionProblem("it has more than \(Self.textBytesMax) bytes") }
        var reader = NameExpressionReader(text)
        let tree = try reader.expression()
        var writer = NameExpressionWriter()
        try writer.write(tree)
        try writer.add(.accept)
        steps = writer.steps
        classes = writer.classes
    }

    /// Whether the whole name matches. Each step takes one from `work`; nil once it is used up.
    package func matches(_ name: String, _ work: inout Int) -> Bool? {
        let scalars = name.unicodeScalars.map(\.value)
        var present = StepSet(steps.count)
        var next = StepSet(steps.count)
        follow(0, at: 0, scalars, &present)
        work -= present.looks
        for (place, scalar) in scalars.enumerated() {
            guard !present.members.isEmpty else { return false }
            guard work > 0 else { return nil }
            next.clear()
            for member in present.members {
                if case .take(let number) = steps[member], classes[number].contains(scalar) {
                    follow(member + 1, at: place + 1, scalars, &next)
                }
            }
            work -= present.members.count + next.looks
            swap(&present, &next)
        }
        return present.members.contains { if case .accept = steps[$0] { true } else { false } }
    }

    /// The refusal of an expression that takes too long.
    package static func tooMuchWork(names: Int, most: Int = workMax) -> NameExpressionProblem {
        NameExpressionProblem(
            "to match it with \(names) names takes more than \(most) steps; make it shorter, or let it repeat and choose less")
    }

    /// Adds the steps reachable from one without taking a scalar.
    private func follow(_ start: Int, at place: Int, _ scalars: [UInt32], _ set: inout StepSet) {
        set.open.append(start)
        while let step = set.open.popLast() {
            guard set.insert(step) else { continue }
            switch steps[step] {
            case .take, .accept: break
            case .jump(let target): set.open.append(target)
            case .fork(let first, let second):
                set.open.append(second)
                set.open.append(first)
            case .edge(let edge): if holds(edge, at: place, scalars) { set.open.append(step + 1) }
            }
        }
    }

    private func holds(_ edge: Edge, at place: Int, _ scalars: [UInt32]) -> Bool {
        func isWord(_ place: Int) -> Bool {
            scalars.indices.contains(place)
                && NameExpressionClasses.word.contains { $0.first <= scalars[place] && scalars[place] <= $0.last }
        }
        return switch edge {
        case .start: place == 0
        case .end: place == scalars.count
        case .word: isWord(place - 1) != isWord(place)
        case .noWord: isWord(place - 1) == isWord(place)
        }
    }
}

/// A class of scalars: ASCII as bits, since names of topics have no others; the rest in order.
struct ScalarClass: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private var others: [NameExpression.Span] = []
    private let isNegated: Bool

    init(_ spans: [NameExpression.Span], negated: Bool) {
        isNegated = negated
        for span in spans.sorted(by: { $0.first < $1.first }) {
            var scalar = span.first
            while scalar <= min(span.last, 127) {
                if scalar < 64 { low |= 1 << UInt64(scalar) } else { high |= 1 << UInt64(scalar - 64) }
                scalar += 1
            }
            guard span.last > 127 else { continue }
            let first = max(span.first, 128)
            if let last = others.last, first <= last.last {
                others[others.count - 1].last = max(last.last, span.last)
            } else {
                others.append(.init(first, span.last))
            }
        }
    }

    func contains(_ scalar: UInt32) -> Bool {
        if scalar < 64 { return (low >> UInt64(scalar)) & 1 == (isNegated ? 0 : 1) }
        if scalar < 128 { return (high >> UInt64(scalar - 64)) & 1 == (isNegated ? 0 : 1) }
        var (from, to) = (0, others.count)
        while from < to {
            let middle = (from + to) / 2
            if others[middle].last < scalar { from = middle + 1 } else { to = middle }
        }
        return (from < others.count && others[from].first <= scalar) != isNegated
    }
}

/// A set of steps that is emptied without touching all of it.
struct StepSet {
    private(set) var members: [Int] = []
    /// Insertions tried since it was emptied, repeated ones included.
    private(set) var looks = 0
    /// Steps still to be followed.
    var open: [Int] = []
    private var isIn: [Bool]

    init(_ count: Int) { isIn = Array(repeating: false, count: count) }

    mutating func insert(_ step: Int) -> Bool {
        looks += 1
        if isIn[step] { return false }
        isIn[step] = true
        members.append(step)
        return true
    }

    mutating func clear() {
        for member in members { isIn[member] = false }
        members.removeAll(keepingCapacity: true)
        looks = 0
    }
}

/// A parsed expression.
indirect enum NameExpressionTree {
    case nothing
    case one([NameExpression.Span], negated: Bool)
    case edge(NameExpression.Edge)
    case sequence([NameExpressionTree])
    case either([NameExpressionTree])
    /// `most` is nil for any number.
    case repeated(NameExpressionTree, least: Int, most: Int?)
}

/// Compiles a tree into steps.
private struct NameExpressionWriter {
    private(set) var steps: [NameExpression.Step] = []
    private(set) var classes: [ScalarClass] = []

    mutating func add(_ step: NameExpression.Step) throws(NameExpressionProblem) {
        guard steps.count < NameExpression.stepsMax else { throw NameExpressionProblem("with its repetitions written out it is too long") }
        steps.append(step)
    }

    mutating func write(_ tree: NameExpressionTree) throws(NameExpressionProblem) {
        switch tree {
        case .nothing: break
        case .one(let spans, let negated):
            try add(.take(classes.count))
            classes.append(ScalarClass(spans, negated: negated))
        case .edge(let edge): try add(.edge(edge))
        case .sequence(let parts): for part in parts { try write(part) }
        case .either(let choices): try write(choices[...])
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try write(part) }
            guard let most else { return try writeLoop(part) }
            // Each optional repetition can skip to the end of all.
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
