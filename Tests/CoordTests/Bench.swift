// What the tests of coord's core stand on: a machine with a session and a log of its own.
import Base
import CoordCore

/// A machine with a session and a log of its own.
struct Bench {
    var machine = CoordMachine()
    var slot = Slot.zero
    var rows = RowChanges()

    init() { _ = run(.openSession(SessionID(1), timeoutMilliseconds: 4000, password: Bytes())) }

    mutating func run(_ command: CoordCommand) -> CoordOutcome {
        slot = slot.next
        let outcome = machine.apply(command, at: ApplyPosition(slot: slot, time: WallTime(milliseconds: slot.rawValue * 10)), rows: &rows)
        machine.completeRows(&rows)
        return outcome
    }

    mutating func write(_ operations: CoordOperation..., as identities: [Identity] = []) -> CoordOutcome {
        run(.write(SessionID(1), identities: identities, operations: operations))
    }

    static func create(_ path: String, ephemeral: Bool = false, sequential: Bool = false, acl: [AccessRight] = [.open]) -> CoordOperation {
        .create(path: path, data: Bytes(string: path), acl: acl, ephemeral: ephemeral, sequential: sequential)
    }
}

func refusal(_ outcome: CoordOutcome) -> CoordRefusal? { if case .failure(let refusal) = outcome.result { refusal.reason } else { nil } }

/// What an outcome's events say, without the access lists.
func told(_ outcome: CoordOutcome) -> [String] { outcome.events.map { "\($0.kind) \($0.path)" } }
