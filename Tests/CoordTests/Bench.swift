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

    /// The tables as the rows so far leave them, by table and key.
    var tables: [String: Row] {
        var found: [String: Row] = [:]
        for change in rows.changes {
            switch change {
            case .upsert(let name, let row):
                let count = CoordMachine.tables.first { $0.name == name }?.keyCount ?? row.count
                found["\(name) \(row.prefix(count))"] = row
            case .delete(let name, let key): found["\(name) \(key[...])"] = nil
            }
        }
        return found
    }

    static func create(_ path: String, ephemeral: Bool = false, sequential: Bool = false, acl: [AccessRight] = [.open]) -> CoordOperation {
        .create(path: path, data: Bytes(string: path), acl: acl, ephemeral: ephemeral, sequential: sequential)
    }
}

func refusal(_ outcome: CoordOutcome) -> CoordRefusal? { if case .failure(let refusal) = outcome.result { refusal.reason } else { nil } }

/// What an outcome's events say, without the access lists.
func told(_ outcome: CoordOutcome) -> [String] { outcome.events.map { "\($0.kind) \($0.path)" } }
