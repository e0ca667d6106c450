// Whether a history of one znode could come from a single copy that executes the operations one at a time, each at some moment between
// its call and its return. An operation that never returned may have taken effect at any later moment, or never. Source: Wing and Gong,
// "Testing and Verifying Concurrent Objects", 1993; Lowe, "Testing for Linearizability", 2017 (remembered configurations).
import Base

/// A client's view of one operation on one znode.
package struct ObservedOperation: Sendable {
    package enum Kind: Sendable, Equatable {
        case create(value: Int)
        case set(value: Int, ifVersion: Int32?)
        case delete
        case read
    }
    /// The result of an operation; the version is the node's after it.
    package enum Result: Sendable, Equatable {
        case done(version: Int32)
        case value(Int, version: Int32)
        case noNode, exists, badVersion
    }
    package var kind: Kind
    package var called: Int64
    /// Nil if it never returned.
    package var returned: Int64?
    package var result: Result?

    package init(_ kind: Kind, called: Int64) {
        self.kind = kind
        self.called = called
    }
}

/// One znode, as a sequential object.
package struct ZnodeModel: Hashable, Sendable {
    var value: Int?
    var version: Int32 = 0

    /// Takes the operation; false if its result is impossible here. An operation that never returned may have any result.
    mutating func take(_ kind: ObservedOperation.Kind, _ result: ObservedOperation.Result?) -> Bool {
        let real = run(kind)
        return result == nil || result == real
    }

    private mutating func run(_ kind: ObservedOperation.Kind) -> ObservedOperation.Result {
        switch kind {
        case .create(let new):
            guard value == nil else { return .exists }
            (value, version) = (new, 0)
            return .done(version: 0)
        case .set(let new, let expected):
            guard value != nil else { return .noNode }
            if let expected, expected != version { return .badVersion }
            (value, version) = (new, version + 1)
            return .done(version: version)
        case .delete:
            guard value != nil else { return .noNode }
            value = nil
            return .done(version: 0)
        case .read:
            guard let value else { return .noNode }
            return .value(value, version: version)
        }
    }
}

package enum Linearizability {
    private struct Configuration: Hashable {
        /// The length of the prefix, in the order of calls, of which all returned operations are taken; then the later ones that are.
        var taken: [UInt64]
        var state: ZnodeModel
    }

    /// Whether `history` is linearizable. Operations that never returned and can be left out are tried last.
    package static func holds(_ history: [ObservedOperation]) -> Bool {
        let operations = history.sorted { ($0.called, $0.returned ?? .max) < ($1.called, $1.returned ?? .max) }
        var search = Search(operations: operations)
        return search.run()
    }

    private struct Search {
        let operations: [ObservedOperation]
        var taken: [UInt64]
        var seen = Set<Configuration>()
        var remaining: Int

        init(operations: [ObservedOperation]) {
            self.operations = operations
            taken = Array(repeating: 0, count: operations.count / 64 + 1)
            remaining = operations.reduce(0) { $0 + ($1.returned == nil ? 0 : 1) }
        }

        private func isTaken(_ place: Int) -> Bool { taken[place >> 6] >> UInt64(place & 63) & 1 == 1 }
        private mutating func mark(_ place: Int) { taken[place >> 6] ^= 1 << UInt64(place & 63) }

        /// A step on the path of the search: the candidate taken, the state before it, and where the search continues.
        private struct Step {
            var place: Int
            var before: ZnodeModel
        }

        /// Depth first, without recursion: histories are long.
        mutating func run() -> Bool {
            var state = ZnodeModel()
            var path: [Step] = []
            var first = 0
            var next = 0
            while remaining > 0 {
                while first < operations.count, isTaken(first) { first += 1 }
                next = max(next, first)
                if let place = candidate(from: next, first: first, state) {
                    path.append(Step(place: place, before: state))
                    _ = state.take(operations[place].kind, operations[place].result)
                    mark(place)
                    if operations[place].returned != nil { remaining -= 1 }
                    next = 0
                    continue
                }
                guard let step = path.popLast() else { return false }
                mark(step.place)
                if operations[step.place].returned != nil { remaining += 1 }
                state = step.before
                first = min(first, step.place)
                next = step.place + 1
            }
            return true
        }

        /// The next possible operation: called before any other open one returned, with a possible result, and leading to an untried
        /// configuration.
        private mutating func candidate(from start: Int, first: Int, _ state: ZnodeModel) -> Int? {
            var deadline = Int64.max
            var place = first
            while place < operations.count, operations[place].called <= deadline {
                defer { place += 1 }
                if isTaken(place) { continue }
                let operation = operations[place]
                deadline = min(deadline, operation.returned ?? .max)
                guard place >= start, operation.called <= deadline else { continue }
                var after = state
                guard after.take(operation.kind, operation.result) else { continue }
                mark(place)
                let isNew = seen.insert(Configuration(taken: taken, state: after)).inserted
                mark(place)
                if isNew { return place }
            }
            return nil
        }
    }
}
