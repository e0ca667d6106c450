// Python functions of one session: opens calls in the pool's workers, with rows as Arrow streams both ways, and turns what goes wrong there
// into Spark's PythonException.
import ComputeCore
import ComputeRuntime
import Foundation
import QueryCore
import SparkWire
import Synchronization

/// Where the Python functions of a session run; without a pool they are refused.
final class SessionPython: PythonRunner {
    private let pool: PythonWorkerPool?
    /// The session's name in the pool.
    private let session = UUID().uuidString
    private let isSafe = Atomic<Bool>(false)

    init(_ pool: PythonWorkerPool?) {
        self.pool = pool
    }

    /// Whether conversions from pandas may lose nothing.
    var convertsSafely: Bool {
        get { isSafe.load(ordering: .relaxed) }
        set { isSafe.store(newValue, ordering: .relaxed) }
    }

    /// Ends the session's workers.
    func close() { pool?.end(session) }

    func start(_ task: PythonTask, _ grant: QueryGrant) throws(QueryError) -> any PythonExchange {
        guard let pool else { throw SessionPython.off }
        do {
            let worker = try pool.take(session) { try grant.check() }
            let call = PythonCallExchange(worker, task, grant) { worker, isUsable in
                pool.giveBack(worker, self.session, isUsable: isUsable)
            }
            try call.open(task, isSafe: convertsSafely, program: pool.settings.program)
            return call
        } catch {
            throw Self.refusal(error)
        }
    }

    static let off = QueryError.unsupported(
        "Python functions, which this server does not run. Whoever runs it may name a Python with the setting compute.python")

    static func refusal(_ error: any Error) -> QueryError {
        switch error {
        case let error as QueryError: error
        default: QueryError(.pythonException, ["traceback": "\(error)"])
        }
    }
}

/// One call in one worker.
private final class PythonCallExchange: PythonExchange {
    private enum State { case running, done, broken }

    private let worker: PythonWorker
    private let task: PythonTask
    private let grant: QueryGrant
    private let giveBack: (PythonWorker, Bool) -> Void
    private var state = State.running

    init(_ worker: PythonWorker, _ task: PythonTask, _ grant: QueryGrant, giveBack: @escaping (PythonWorker, Bool) -> Void) {
        self.worker = worker
        self.task = task
        self.grant = grant
        self.giveBack = giveBack
    }

    deinit {
        // A query that needs no more rows closes the call; a worker that does not answer at once is ended.
        giveBack(worker, state == .done || (state == .running && worker.close()))
    }

    /// The head of a call as the worker reads it.
    private struct Head: Encodable {
        struct Function: Encodable {
            var size: Int
            var arguments: [Int]
            var names: [String]
        }

        var kind: Int
        var zone: String
        var safe: Bool
        var rows: Int
        var keys: Int
        var otherKeys: Int
        var functions: [Function]
    }

    func open(_ task: PythonTask, isSafe: Bool, program: String) throws {
        if let wanted = task.functions.first?.call.function.version, wanted != worker.version {
            state = .done
            throw QueryError(
                .pythonException,
                [
                    "traceback": "[PYTHON_VERSION_MISMATCH] Python in worker has different version: \(worker.version) than that in driver: "
                        + "\(wanted), PySpark cannot run with different minor versions. The server runs '\(program)'; its setting "
                        + "compute.python names another."
                ])
        }
        let functions = task.functions.map {
            Head.Function(size: $0.call.function.command.count, arguments: $0.arguments, names: $0.call.names)
        }
        let head = try JSONEncoder().encode(
            Head(
                kind: task.kind.rawValue, zone: task.zone?.name ?? "UTC", safe: isSafe, rows: Batch.rowsDefault, keys: task.keys[0],
                otherKeys: task.keys.count > 1 ? task.keys[1] : 0, functions: functions))
        let schema = ArrowWriter(schema: TypeTranslation.arrow(task.result, zone: task.zone)).stream([])
        try send(
            PythonFrame.open,
            [ArrowBytes.of([UInt32(head.count)]), Array(head)] + task.functions.map(\.call.function.command) + [schema])
    }

    func next(_ input: () throws(QueryError) -> PythonInput?) throws(QueryError) -> Batch? {
        while state == .running {
            do {
                let (kind, payload) = try receive()
                defer { grant.release(payload.count + 1) }
                switch kind {
                case PythonFrame.want: try give(try input())
                case PythonFrame.result: return try rows(payload)
                case PythonFrame.done:
                    state = .done
                    return nil
                case PythonFrame.failed:
                    state = .done
                    throw QueryError(.pythonException, ["traceback": String(decoding: payload, as: UTF8.self)])
                default:
                    throw broken("it wrote a message of an unknown kind")
                }
            } catch {
                throw SessionPython.refusal(error)
            }
        }
        return nil
    }

    private func give(_ input: PythonInput?) throws {
        switch input {
        case nil: try send(PythonFrame.end, [])
        case .rows(let batch): try send(PythonFrame.input, [stream(batch)])
        case .groups(let lengths, let batches):
            let first = stream(batches[0])
            let counts = ([lengths[0].count, lengths.count] + lengths.joined()).map { UInt32(clamping: $0) }
            try send(
                PythonFrame.groups,
                [ArrowBytes.of(counts + [UInt32(clamping: first.count)]), first] + batches.dropFirst().map(stream))
        }
    }

    private func stream(_ batch: Batch) -> [UInt8] {
        ArrowWriter(schema: TypeTranslation.arrow(batch.schema, zone: task.zone)).stream([ArrowExport.batch(batch)])
    }

    private func rows(_ payload: [UInt8]) throws -> Batch {
        do {
            let list = try ArrowImport.rows([payload], schema: task.result)
            return Batch.concat(list.batches, schema: list.schema)
        } catch {
            throw broken("its result cannot be read: \(error)")
        }
    }

    private func send(_ kind: UInt8, _ parts: [[UInt8]]) throws {
        do { try worker.send(kind, parts) { try self.grant.check() } } catch {
            state = .broken
            throw error
        }
    }

    private func receive() throws -> (kind: UInt8, payload: [UInt8]) {
        do {
            return try worker.receive(reserve: { try self.grant.reserve($0) }) { try self.grant.check() }
        } catch {
            // A cancelled query leaves its worker in the middle of a call.
            state = .broken
            throw error
        }
    }

    private func broken(_ reason: String) -> PythonWorkerFailure {
        state = .broken
        return worker.ended(reason)
    }
}
