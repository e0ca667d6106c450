// The client's side of Hadoop IPC version 9 over TCP, with simple authentication: connections with any number of calls at a time, and a
// channel that finds the leading namenode. A repeated call keeps its number, by which the server knows it.
import Base
import HadoopWire
import NetKit
import Synchronization

/// A call without an answer.
package struct RPCFailure: Error, Sendable, CustomStringConvertible {
    package var address: HostPort
    package var reason: String
    /// Whether no server was reached, so that no call was sent.
    package var isUnreachable: Bool
    package var description: String { "\(address): \(reason)" }
}

/// One connection, for one user.
final class RPCConnection: Sendable {
    private struct Call {
        var answer: CheckedContinuation<Bytes, any Error>
        var since: Instant
    }
    private struct State {
        var calls: [Int64: Call] = [:]
        var end: (any Error)?
    }
    private let open: OpenStream
    private let address: HostPort
    private let state = Mutex(State())

    /// The longest wait for an answer before the connection ends: the read timeout of Hadoop's client.
    private static let answerWithin = Duration.seconds(60)
    private static let lookEvery = Duration.seconds(5)

    private init(_ open: OpenStream, _ address: HostPort) { (self.open, self.address) = (open, address) }

    static func open(_ address: HostPort, user: String, protocolName: String, clientID: Bytes) async throws -> RPCConnection {
        let connection: RPCConnection
        do {
            connection = RPCConnection(try await OpenStream.connect(address), address)
            try await connection.open.stream.write(RPCFrame.opening(user: user, protocolName: protocolName, clientID: clientID))
        } catch is CancellationError { throw CancellationError() } catch {
            throw RPCFailure(address: address, reason: ConnectFailure.reason(error), isUnreachable: true)
        }
        Task { await connection.receive() }
        Task { await connection.watch() }
        return connection
    }

    var isOpen: Bool { state.withLock { $0.end == nil } }
    var isIdle: Bool { state.withLock { $0.calls.isEmpty } }

    /// Ends the connection; waiting calls fail.
    func end(_ error: any Error) {
        let calls = state.withLock { state in
            defer { state.calls = [:] }
            state.end = state.end ?? error
            return state.calls
        }
        open.close()
        for call in calls.values { call.answer.resume(throwing: error) }
    }

    func close() { end(RPCFailure(address: address, reason: "the connection was closed", isUnreachable: false)) }

    private func lost(_ error: any Error) {
        end(RPCFailure(address: address, reason: "the connection was lost: \(error)", isUnreachable: false))
    }

    private func receive() async {
        let stream = open.stream
        do {
            while try await stream.hasMore() {
                var length = try await stream.read(RPCFrame.lengthBytes)
                let bytes = length.readInteger(as: Int32.self) ?? 0
                guard bytes > 0, bytes <= RPCFrame.answerBytesMax else { throw WireError.badLength(Int(bytes)) }
                try take(try await stream.read(Int(bytes)))
            }
            lost(StreamEnded())
        } catch { lost(error) }
    }

    private func take(_ frame: Bytes) throws {
        var rest = frame
        let header = try RPCResponseHeader(delimitedIn: &rest)
        let result: Result<Bytes, any Error>
        if header.status == .success {
            result = .success(rest.readableBytes == 0 ? Bytes() : rest.readSlice(length: try rest.takeLength()) ?? Bytes())
        } else {
            result = .failure(JavaException(header.exceptionClass ?? JavaException.io, header.message ?? "", header.detail ?? .application))
        }
        if header.status == .fatal, case .failure(let error) = result { return end(error) }
        state.withLock { $0.calls.removeValue(forKey: Int64(header.callID)) }?.answer.resume(with: result)
    }

    /// Ends the connection when an answer is late.
    private func watch() async {
        let time = SystemTime()
        while isOpen {
            // This task is never cancelled; it ends with the connection.
            try? await Task.sleep(for: Self.lookEvery)
            let oldest = state.withLock { $0.calls.values.map(\.since).min() }
            if let oldest, time.now() - oldest > Self.answerWithin {
                end(
                    RPCFailure(
                        address: address, reason: "no answer within \(Self.answerWithin.inMilliseconds / 1000) s", isUnreachable: false))
            }
        }
    }

    /// Sends a call and waits for its answer. Throws JavaException, RPCFailure or CancellationError.
    func call(_ method: MethodHeader, _ body: Bytes, id: Int64, retry: Int64, clientID: Bytes) async throws -> Bytes {
        var header = RPCRequestHeader()
        (header.callID, header.retryCount, header.clientID) = (id, retry, clientID)
        let frame = RPCFrame.request(header, method, body)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let end = state.withLock { state in
                    if state.end == nil { state.calls[id] = Call(answer: continuation, since: SystemTime().now()) }
                    return state.end
                }
                if let end { return continuation.resume(throwing: end) }
                Task {
                    do { try await open.stream.write(frame) } catch { lost(error) }
                }
            }
        } onCancel: {
            state.withLock { $0.calls.removeValue(forKey: id) }?.answer.resume(throwing: CancellationError())
        }
    }
}

/// Calls to the server at one of several addresses: stays with the leader, and tries another address when that does not answer or stands
/// by.
package final class RemoteChannel: RPCChannel {
    private struct Key: Hashable {
        var user: String
        var protocolName: String
        var address: HostPort
    }
    private struct State {
        var connections: [Key: Task<RPCConnection, any Error>] = [:]
        /// The keys, oldest first.
        var order: [Key] = []
        var leader = 0
        var wasReached = false
    }
    package let addresses: [HostPort]
    private let patience: Duration
    private let reachedPatience: Duration
    private let clientID: Bytes
    private let state = Mutex(State())
    private let calls = Atomic<Int64>(0)

    /// Limit of kept connections; the oldest go first.
    private static let connectionsMax = 64
    /// How long a server reached before may be away, and how long the search for the leader among several takes.
    package static let usualPatience = Duration.seconds(20)
    private static let pauseMax = Duration.seconds(1)

    /// `patience`: how long to wait for a server that was never reached; `reached`: for one that was, or for the leader of several.
    package init(_ addresses: [HostPort], patience: Duration = .zero, reached: Duration = usualPatience) {
        precondition(!addresses.isEmpty, "a channel leads to at least one address")
        self.addresses = addresses
        self.patience = patience
        reachedPatience = reached
        var random = SystemRandomNumberGenerator()
        var id = Bytes()
        for _ in 0..<2 { id.writeInteger(random.next() as UInt64) }
        clientID = id
    }

    /// Ends all connections.
    package func close() async {
        let all = state.withLock { state in
            defer { (state.connections, state.order) = ([:], []) }
            return state.connections
        }
        for task in all.values {
            // A connection that did not open needs no closing.
            (try? await task.value)?.close()
        }
    }

    /// Throws JavaException for the server's refusals, RPCFailure if there is no answer.
    package func call(_ protocolName: String, _ method: String, user: String, _ body: Bytes) async throws -> Bytes {
        var header = MethodHeader()
        (header.method, header.protocolName) = (method, protocolName)
        let id = calls.wrappingAdd(1, ordering: .relaxed).newValue & 0x7FFF_FFFF
        let began = SystemTime().now()
        var attempt: Int64 = 0
        while true {
            let place = state.withLock { $0.leader }
            let address = addresses[place % addresses.count]
            let failure: any Error
            var isElsewhere = true
            do {
                let connection = try await connection(Key(user: user, protocolName: protocolName, address: address))
                let answer = try await connection.call(header, body, id: id, retry: attempt, clientID: clientID)
                return answer
            } catch let exception as JavaException {
                switch exception.className {
                case JavaException.standby where addresses.count > 1: failure = exception
                case JavaException.retriable: (failure, isElsewhere) = (exception, false)
                default: throw exception
                }
            } catch is CancellationError { throw CancellationError() } catch { failure = error }
            if isElsewhere { state.withLock { if $0.leader == place { $0.leader = (place + 1) % addresses.count } } }
            attempt += 1
            try await pause(attempt, began, failure)
        }
    }

    /// Waits before the next attempt, or throws the last failure.
    private func pause(_ attempt: Int64, _ began: Instant, _ failure: any Error) async throws {
        let wasReached = state.withLock { $0.wasReached } || addresses.count > 1
        guard SystemTime().now() - began < max(patience, wasReached ? reachedPatience : .zero) else { throw failure }
        // Another address needs no wait.
        guard addresses.count == 1 || attempt % Int64(addresses.count) == 0 else { return }
        try await Task.sleep(for: min(Self.pauseMax, .milliseconds(50 << min(attempt, 5))))
    }

    private func connection(_ key: Key) async throws -> RPCConnection {
        while true {
            let (task, superfluous) = opening(key)
            if let superfluous { Task { await Self.retire(superfluous) } }
            let connection: RPCConnection
            do { connection = try await task.value } catch {
                forget(key, task)
                throw error
            }
            if connection.isOpen {
                state.withLock { $0.wasReached = true }
                return connection
            }
            forget(key, task)
        }
    }

    private func opening(_ key: Key) -> (task: Task<RPCConnection, any Error>, superfluous: Task<RPCConnection, any Error>?) {
        state.withLock { state in
            if let there = state.connections[key] { return (there, nil) }
            var superfluous: Task<RPCConnection, any Error>?
            if state.order.count >= Self.connectionsMax { superfluous = state.connections.removeValue(forKey: state.order.removeFirst()) }
            let task = Task { [clientID] in
                try await RPCConnection.open(key.address, user: key.user, protocolName: key.protocolName, clientID: clientID)
            }
            state.connections[key] = task
            state.order.append(key)
            return (task, superfluous)
        }
    }

    private func forget(_ key: Key, _ task: Task<RPCConnection, any Error>) {
        state.withLock { state in
            guard state.connections[key] == task else { return }
            state.connections[key] = nil
            state.order.removeAll { $0 == key }
        }
    }

    /// Closes a connection after the answers to its calls.
    private static func retire(_ task: Task<RPCConnection, any Error>) async {
        // A connection that did not open needs no closing.
        guard let connection = try? await task.value else { return }
        while connection.isOpen, !connection.isIdle {
            // This task is never cancelled.
            try? await Task.sleep(for: .milliseconds(100))
        }
        connection.close()
    }
}
