// Every operation of the protocol, tried by a session that has not logged in, on nodes that grant it nothing: what the table says an
// operation needs is what it is refused for. A new operation does not compile here until it has a request to try.
import Base
import CoordCore
import NetKit
import Testing
import ZooKeeperWire

@testable import CoordService

@Suite struct PermissionTableTests {
    private let owner = Identity(scheme: "digest", id: "ann:hash")

    /// A node `/n` with a child `/n/c`, both of which grant `granted` to ann and nothing to anybody else.
    private func machine(granting granted: Permissions) -> Bench {
        var bench = Bench()
        let list = [AccessRight(granted, scheme: "digest", id: "ann:hash")]
        _ = bench.write(Bench.create("/n"), Bench.create("/n/c"))
        _ = bench.write(.setACL(path: "/n/c", acl: list, version: -1), .setACL(path: "/n", acl: list, version: -1))
        return bench
    }

    /// The body of a request that touches `/n`, or `/n/c` where it deletes; nil for operations that touch no node of their own.
    private func request(_ code: OpCode) -> Bytes? {
        switch code {
        case .create, .create2: encode(create("/n/x", flags: 0))
        case .createContainer: encode(create("/n/x", flags: 4))
        case .createTTL: encode(createTTL("/n/x"))
        case .delete, .check: encode(versioned("/n/c"))
        case .exists, .getData, .getChildren, .getChildren2: encode(watching("/n"))
        case .setData: encode(data("/n"))
        case .setACL: encode(list("/n"))
        case .getACL, .getAllChildrenNumber: encode(named("/n"))
        case .sync, .getEphemerals, .multi, .multiRead, .ping, .reconfig, .checkWatches, .removeWatches, .addWatch, .setWatches,
            .setWatches2, .auth,
            .sasl, .whoAmI, .createSession, .closeSession, .deleteContainer:
            nil
        }
    }

    private func create(_ path: String, flags: Int32) -> CreateRequest {
        var request = CreateRequest()
        (request.path, request.flags) = (path, flags)
        request.acl = [ACLRecord(permissions: 31, scheme: "world", id: "anyone")]
        return request
    }
    private func createTTL(_ path: String) -> CreateTTLRequest {
        var request = CreateTTLRequest()
        (request.create, request.milliseconds) = (create(path, flags: 5), 1000)
        return request
    }
    private func versioned(_ path: String) -> PathVersionRequest {
        var request = PathVersionRequest()
        (request.path, request.version) = (path, -1)
        return request
    }
    private func watching(_ path: String) -> PathWatchRequest {
        var request = PathWatchRequest()
        (request.path, request.watch) = (path, true)
        return request
    }
    private func named(_ path: String) -> PathRequest {
        var request = PathRequest()
        request.path = path
        return request
    }
    private func data(_ path: String) -> SetDataRequest {
        var request = SetDataRequest()
        (request.path, request.version) = (path, -1)
        return request
    }
    private func list(_ path: String) -> SetACLRequest {
        var request = SetACLRequest()
        (request.path, request.version, request.acl) = (path, -1, [ACLRecord(permissions: 31, scheme: "world", id: "anyone")])
        return request
    }

    /// What an operation answers; a watch that it sets is counted.
    private func answer(_ api: CoordAPI, _ body: Bytes, by identities: [Identity], _ bench: inout Bench, watches: inout Int) throws
        -> ZKErrorCode
    {
        var reader = JuteReader(body)
        switch api.handler {
        case .session: return .ok
        case .barrier(let read):
            _ = try read(&reader)
            return .ok
        case .membership: return .ok
        case .write(let read):
            let outcome = bench.run(.write(SessionID(1), identities: identities, operations: try read(&reader).operations))
            return refusal(outcome)?.code ?? .ok
        case .read(let read):
            var set = 0
            let desk = ConnectionWatches(
                add: { _, _ in
                    set += 1
                    return true
                }, held: { _ in [] }, remove: { _, _ in false })
            let answer = try read(&reader, bench.machine, ReadContext(session: SessionID(1), identities: identities, watches: desk))
            watches += set
            if case .refused(let code) = answer { return code } else { return .ok }
        }
    }

    @Test func everyOperationIsInTheTableOrRefused() {
        let missing = OpCode.allCases.filter { code in !CoordAPI.table.contains { $0.code == code } }
        #expect(missing == [.check, .deleteContainer, .createSession], "internal to the server, or allowed within multi only")
        #expect(Set(CoordAPI.table.map(\.code)).count == CoordAPI.table.count)
    }

    @Test(arguments: CoordAPI.table.map(\.code))
    func whatNeedsAPermissionIsRefusedWithoutIt(code: OpCode) throws {
        let api = try #require(CoordAPI.row(code.rawValue))
        guard let body = request(code) else {
            #expect(api.permission == nil, "\(code) needs a permission, so it needs a request here")
            return
        }
        let needed = try #require(api.permission, "\(code) touches a node and needs no permission")
        for granted in [Permissions.read, .write, .create, .delete, .admin] {
            var bench = machine(granting: granted)
            var watches = 0
            #expect(try answer(api, body, by: [], &bench, watches: &watches) == .noAuth, "\(code) by a stranger")
            #expect(watches == 0, "a refused \(code) sets no watch")
            // Who may change an access list may see it.
            let suffices = granted == needed || (code == .getACL && granted == .admin)
            #expect(
                (try answer(api, body, by: [owner], &bench, watches: &watches) == .noAuth) != suffices, "\(code) with \(granted.rawValue)")
        }
        var bench = machine(granting: [])
        var watches = 0
        #expect(
            try answer(api, body, by: [Identity(scheme: Identity.superScheme, id: "")], &bench, watches: &watches) == .ok,
            "\(code) by the super user")
    }

    @Test func eachPartOfAMultiNeedsItsOwnPermission() throws {
        for code in [OpCode.create, .create2, .createContainer, .createTTL, .delete, .setData, .check] {
            var bench = machine(granting: .all)
            var body = encode(MultiHeader(operation: code.rawValue, done: false, error: -1))
            body.writeImmutableBuffer(try #require(request(code)))
            body.writeImmutableBuffer(encode(MultiHeader()))
            var watches = 0
            let multi = try #require(CoordAPI.row(OpCode.multi.rawValue))
            #expect(try answer(multi, body, by: [], &bench, watches: &watches) == .noAuth, "\(code) in a multi by a stranger")
            #expect(try answer(multi, body, by: [owner], &bench, watches: &watches) == .ok, "\(code) in a multi by its owner")
        }
    }

    @Test func digestsAreShownToAdministratorsOnly() throws {
        for (granted, shown) in [(Permissions.read, "ann:x"), (.all, "ann:hash")] {
            let bench = machine(granting: granted)
            var reader = JuteReader(encode(named("/n")))
            let desk = ConnectionWatches(add: { _, _ in true }, held: { _ in [] }, remove: { _, _ in false })
            let answer = try ReadRequests.getACL(
                &reader, bench.machine, ReadContext(session: SessionID(1), identities: [owner], watches: desk))
            guard case .body(let bytes) = answer else {
                Issue.record("refused")
                return
            }
            #expect(try GetACLResponse(decoding: bytes, as: JuteDialect.self).acl.map(\.id) == [shown])
        }
    }
}

@Suite struct SASLTests {
    /// The example of RFC 2831, section 4, with the parts that ZooKeeper fixes.
    @Test func theProofIsThatOfTheStandard() throws {
        let fields = try #require(
            DigestMD5.fields(
                "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"imap/elwood.innosoft.com\",response=d388dad90d4bbd760a152321f2143af7,qop=auth"
            ))
        var exchange = DigestMD5.Exchange()
        (exchange.user, exchange.realm, exchange.nonce) = (fields["username"] ?? "", fields["realm"] ?? "", fields["nonce"] ?? "")
        (exchange.clientNonce, exchange.uri) = (fields["cnonce"] ?? "", fields["digest-uri"] ?? "")
        #expect(DigestMD5.proof(exchange, password: "secret", ofServer: false).text == fields["response"])
        #expect(DigestMD5.proof(exchange, password: "secret", ofServer: true).text == "ea40f60335c427b5527b84dbabcdfffd")
    }

    @Test func nobodyGetsInWithoutAPassword() throws {
        var nobody = SASLExchange(SASLUsers())
        guard case .refused = nobody.step(Bytes()) else {
            Issue.record("a server without users asked for a proof")
            return
        }
        var exchange = SASLExchange(try SASLUsers(lines: "# users\nbob:secret\n"))
        guard case .challenge = exchange.step(Bytes()) else {
            Issue.record("no challenge")
            return
        }
        for token in ["", "username=\"bob\"", "nonsense", "username=\"bob\",username=\"bob\""] where !token.isEmpty {
            guard case .refused = exchange.step(Bytes(string: token)) else {
                Issue.record("\(token) was not refused")
                return
            }
        }
    }

    @Test func aLineThatNamesNoUserIsReported() {
        #expect(throws: SASLUsers.BadLine.self) { try SASLUsers(lines: "bob:x\nnonsense") }
    }
}
