// The client's side of Hadoop's RPC against servers in this process: calls side by side, refusals, namenodes that stand by or go away.
import Base
import HadoopNet
import HadoopWire
import Logging
import NetKit
import Synchronization
import Testing

/// Answers as a test says, and counts.
private final class Target: RPCTarget {
    private let body: @Sendable (MethodHeader, Bytes) async throws -> Bytes
    private let seen = Mutex<[RPCCaller]>([])
    init(_ body: @escaping @Sendable (MethodHeader, Bytes) async throws -> Bytes) { self.body = body }

    var calls: [RPCCaller] { seen.withLock { $0 } }

    func answer(_ method: MethodHeader, _ body: Bytes, _ caller: RPCCaller) async throws -> Bytes {
        seen.withLock { $0.append(caller) }
        return try await self.body(method, body)
    }

    static var echo: Target { Target { _, body in body } }
}

/// Answers, or stands by for some calls.
private final class Member: RPCChannel {
    private let standsByFor: Mutex<Int>
    let name: String
    init(_ name: String, standsByFor calls: Int) {
        self.name = name
        standsByFor = Mutex(calls)
    }

    func call(_ protocolName: String, _ method: String, user: String, _ body: Bytes) async throws -> Bytes {
        let standsBy = standsByFor.withLock { left in
            left -= 1
            return left >= 0
        }
        if standsBy { throw JavaException(JavaException.standby, "") }
        if method == "refused" { throw JavaException(JavaException.io, "as asked") }
        return Bytes(string: name)
    }
}

@Suite struct RPCClientTests {
    @Test func aGroupIsAskedUntilOneLeads() async throws {
        let group = LocalGroup([Member("a", standsByFor: .max), Member("b", standsByFor: 2), Member("c", standsByFor: .max)])
        for _ in 0..<2 { #expect(try await group.call("", "any", user: "", Bytes()).text == "b") }
        await #expect(throws: JavaException.self) { try await group.call("", "refused", user: "", Bytes()) }
    }

    private func serve(_ target: Target) async throws -> RPCServer {
        try await RPCServer.bind(HostPort("127.0.0.1", 0), memory: nil, log: Logger(label: "test"), target: target)
    }

    private func number(_ channel: RemoteChannel, _ value: UInt64, user: String = "ann") async throws -> UInt64 {
        let answer: NumberAnswer = try await channel.call(RPCProtocol.client, "echo", user: user, NumberAnswer(value))
        return answer.value
    }

    @Test func callsGoSideBySideAndAnswersComeToWhoAsked() async throws {
        // Later calls are answered first.
        let server = try await serve(
            Target { _, body in
                let value = try NumberAnswer(decoding: body).value
                try await Task.sleep(for: .milliseconds(40 - min(40, value)))
                return body
            })
        let channel = RemoteChannel([server.address])
        try await withThrowingTaskGroup(of: (UInt64, UInt64).self) { group in
            for value in 0..<40 as Range<UInt64> { group.addTask { (value, try await number(channel, value)) } }
            for try await (asked, answered) in group { #expect(asked == answered) }
        }
        #expect(server.connectionCount == 1)
        await channel.close()
        await server.stop()
    }

    @Test func eachUserHasAConnectionAndIsNamed() async throws {
        let target = Target.echo
        let server = try await serve(target)
        let channel = RemoteChannel([server.address])
        for user in ["ann", "bob", "ann"] { #expect(try await number(channel, 1, user: user) == 1) }
        #expect(target.calls.map(\.user) == ["ann", "bob", "ann"] && server.connectionCount == 2)
        #expect(Set(target.calls.map { $0.clientID.array }).count == 1 && Set(target.calls.map(\.callID)).count == 3)
        await channel.close()
        await server.stop()
    }

    @Test func aRefusalIsTheServersException() async throws {
        let server = try await serve(Target { _, _ in throw JavaException(JavaException.fileNotFound, "File does not exist: /x") })
        let channel = RemoteChannel([server.address])
        await #expect(throws: JavaException(JavaException.fileNotFound, "File does not exist: /x")) { try await number(channel, 1) }
        await channel.close()
        await server.stop()
    }

    @Test func aNamenodeThatStandsByIsPassedOverAndTheLeaderKeptTo() async throws {
        let (standby, leader) = (
            Target { _, _ in throw JavaException(JavaException.standby, "Operation category READ is not supported in state standby") },
            Target.echo
        )
        let servers = [try await serve(standby), try await serve(leader)]
        let channel = RemoteChannel(servers.map(\.address))
        for value in 1...3 as ClosedRange<UInt64> { #expect(try await number(channel, value) == value) }
        #expect(standby.calls.count == 1 && leader.calls.count == 3)
        await channel.close()
        for server in servers { await server.stop() }
    }

    @Test func aCallWhoseConnectionIsLostIsSentAgainUnderItsNumber() async throws {
        let asked = AsyncStream.makeStream(of: Void.self)
        let silent = Target { _, _ in
            asked.continuation.yield()
            try await Task.sleep(for: .seconds(600))
            return Bytes()
        }
        let other = Target.echo
        let (first, second) = (try await serve(silent), try await serve(other))
        let channel = RemoteChannel([first.address, second.address])
        async let answer = number(channel, 7)
        for await _ in asked.stream { break }
        await first.stop()
        #expect(try await answer == 7)
        #expect(silent.calls.map(\.callID) == other.calls.map(\.callID) && silent.calls[0].clientID == other.calls[0].clientID)
        await channel.close()
        await second.stop()
    }

    @Test func whereNobodyListensACallFailsAtOnceAndSaysSo() async throws {
        let server = try await serve(Target.echo)
        let address = server.address
        await server.stop()
        let channel = RemoteChannel([address])
        do {
            _ = try await number(channel, 1)
            Issue.record("somebody answered")
        } catch let failure as RPCFailure {
            #expect(failure.isUnreachable && failure.address == address && failure.reason == "connection refused")
        }
        await channel.close()
    }

    @Test func aCallThatIsCancelledEnds() async throws {
        let asked = AsyncStream.makeStream(of: Void.self)
        let server = try await serve(
            Target { _, _ in
                asked.continuation.yield()
                try await Task.sleep(for: .seconds(600))
                return Bytes()
            })
        let channel = RemoteChannel([server.address])
        let call = Task { try await number(channel, 1) }
        for await _ in asked.stream { break }
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        await channel.close()
        await server.stop()
    }
}
