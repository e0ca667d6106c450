// Matches one expression with many names: sets of steps are numbered once seen, with their target for each ASCII scalar, so that most
// scalars cost one look. The cache is bounded and dropped when it is full, as in RE2; then each scalar costs as many looks as without it.
import Base

/// Matches names with an expression, faster with each.
package struct NameMatcher {
    private let expression: NameExpression
    /// Whether the expression has word boundaries, which depend on two scalars.
    private let seesWords: Bool
    /// The members of each set, in order; the first set is the one before the first scalar.
    private var sets: [[Int]] = []
    private var numbers = LookupTable<[Int], Int>()
    private var accepts: [Bool] = []
    /// The target of each scalar, a row for each set.
    private var targets: [Int32] = []
    private var scratch: StepSet

    private static let setsMax = 400
    private static let width = 128
    private static let unknown: Int32 = -1
    /// Rejects every continuation.
    private static let nowhere: Int32 = -2

    package init(_ expression: NameExpression) {
        self.expression = expression
        scratch = StepSet(expression.steps.count)
        seesWords = expression.steps.contains {
            switch $0 {
            case .edge(.word), .edge(.noWord): true
            default: false
            }
        }
    }

    /// Whether the whole name matches. Each step takes one from `work`; nil once it is used up.
    package mutating func matches(_ name: String, _ work: inout Int) -> Bool? {
        let bytes = name.utf8
        guard !seesWords, !bytes.isEmpty, bytes.allSatisfy({ $0 < Self.width }) else { return expression.matches(name, &work) }
        guard work > 0 else { return nil }
        if sets.isEmpty { begin(&work) }
        var place = 0
        for byte in bytes {
            work -= 1
            var target = targets[place * Self.width + Int(byte)]
            if target == Self.unknown {
                guard work > 0 else { return nil }
                target = learn(from: place, byte, &work)
            }
            guard target != Self.nowhere else { return false }
            place = Int(target)
        }
        return accepts[place]
    }

    private mutating func begin(_ work: inout Int) {
        scratch.clear()
        follow(0, isStart: true)
        _ = take(&work)
    }

    /// Computes the target of a scalar.
    private mutating func learn(from place: Int, _ byte: UInt8, _ work: inout Int) -> Int32 {
        let members = sets[place]
        work -= members.count
        scratch.clear()
        for member in members {
            if case .take(let number) = expression.steps[member], expression.classes[number].contains(UInt32(byte)) {
                follow(member + 1, isStart: false)
            }
        }
        guard !scratch.members.isEmpty else {
            work -= scratch.looks
            targets[place * Self.width + Int(byte)] = Self.nowhere
            return Self.nowhere
        }
        let found = scratch.members
        let isFull = sets.count >= Self.setsMax
        if isFull {
            (sets, accepts, targets) = ([], [], [])
            numbers.removeAll()
            begin(&work)
            scratch.clear()
            for member in found { _ = scratch.insert(member) }
        }
        let target = Int32(take(&work))
        if !isFull { targets[place * Self.width + Int(byte)] = target }
        return target
    }

    /// The number of the set in `scratch`.
    private mutating func take(_ work: inout Int) -> Int {
        work -= scratch.looks + scratch.members.count
        let members = scratch.members.sorted()
        if let known = numbers[members] { return known }
        numbers[members] = sets.count
        sets.append(members)
        targets += Array(repeating: Self.unknown, count: Self.width)
        accepts.append(accepts(members))
        return sets.count - 1
    }

    /// Adds the steps reachable from one without taking a scalar. Leaves an edge at the end as it is: whether it holds is not known yet.
    private mutating func follow(_ start: Int, isStart: Bool) {
        scratch.open.append(start)
        while let step = scratch.open.popLast() {
            guard scratch.insert(step) else { continue }
            switch expression.steps[step] {
            case .jump(let target): scratch.open.append(target)
            case .fork(let first, let second): scratch.open += [second, first]
            case .edge(.start): if isStart { scratch.open.append(step + 1) }
            case .take, .accept, .edge: break
            }
        }
    }

    /// Whether a name that ends here matches.
    private mutating func accepts(_ members: [Int]) -> Bool {
        var seen = StepSet(expression.steps.count)
        var open = members
        while let step = open.popLast() {
            guard seen.insert(step) else { continue }
            switch expression.steps[step] {
            case .accept: return true
            case .edge(.end): open.append(step + 1)
            case .jump(let target): open.append(target)
            case .fork(let first, let second): open += [second, first]
            case .take, .edge: break
            }
        }
        return false
    }
}
