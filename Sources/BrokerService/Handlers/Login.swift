// SaslHandshake and SaslAuthenticate: logs a user in on a connection. PLAIN and SCRAM share the credentials. A PLAIN password is checked on
// a thread of its own, since the check is slow by design. A user may log in again on the same connection, and must when the login ends
// (KIP-368).
import Base
import BrokerCore
import KafkaWire
import NetKit
import Storage

/// The login state of a connection.
enum Login {
    case anonymous
    case begun(Mechanism)
    case conversing(ScramExchange, ScramMechanism)
    /// The token was refused; the client has to acknowledge that.
    case tokenRefused(TokenRefusal)
    case done

    enum Mechanism: Equatable {
        case plain
        case scram(ScramMechanism)
        case bearer

        static let bearerName = "OAUTHBEARER"

        init?(name: String) {
            if name == "PLAIN" {
                self = .plain
            } else if name == Self.bearerName {
                self = .bearer
            } else if let scram = ScramMechanism(name: name) {
                self = .scram(scram)
            } else {
                return nil
            }
        }
    }
}

/// The user of a connection, and the kind of login.
struct LoggedIn {
    var user: String
    var mechanism: Login.Mechanism
    /// Whether the login used a delegation token.
    var isByToken = false
    /// Deadline of the next reauthentication; nil for none.
    var ends: Instant?
}

extension Broker {
    /// The mechanisms on offer.
    var mechanisms: [String] {
        ["PLAIN"] + ScramMechanism.allCases.map(\.name) + (logins.tokenVerifier == nil ? [] : [Login.Mechanism.bearerName])
    }

    /// After version 0 the login's messages and answers have no Kafka headers; clients before Kafka 1.0 know no other way (KIP-43).
    func saslHandshake(_ request: SaslHandshakeRequest, _ call: Call) {
        func reply(_ code: KafkaErrorCode) { call.reply(SaslHandshakeResponse(errorCode: code, mechanisms: mechanisms)) }
        guard mechanisms.contains(request.mechanism), let mechanism = Login.Mechanism(name: request.mechanism) else {
            return reply(.unsupportedSASLMechanism)
        }
        if let known = call.session.identity {
            let isSoon = call.session.lastReauthentication.map { now - $0 < BrokerSettings.reauthenticationInterval } ?? false
            guard !isSoon, known.mechanism == mechanism, call.version > 0 else { return reply(.illegalSASLState) }
            call.session.lastReauthentication = now
        }
        call.session.login = .begun(mechanism)
        call.session.speaksBareTokens = call.version == 0
        reply(.none)
    }

    func saslAuthenticate(_ request: SaslAuthenticateRequest, _ call: Call) {
        switch call.session.login {
        case .anonymous, .done:
            call.reply(SaslAuthenticateResponse(errorCode: .illegalSASLState, errorMessage: "SaslHandshake comes first"))
        case .begun(.plain): logInPlainly(request.authBytes, call)
        case .begun(.bearer): logInByBearer(request.authBytes, call)
        case .tokenRefused(let refusal):
            refuse("", LoginRefusal(message: refusal.reason), answer: Self.tokenRefusal, call)
        case .begun(.scram(let mechanism)):
            var exchange = ScramExchange(mechanism)
            do {
                let answer = try exchange.begin(request.authBytes) { name, isToken in
                    isToken
                        ? tokenIdentity(name, mechanism)
                        : machine.users[ScramUser(name, mechanism)].map { ScramIdentity(user: name, credential: $0) }
                }
                call.session.login = .conversing(exchange, mechanism)
                call.reply(SaslAuthenticateResponse(authBytes: answer))
            } catch { refuse(exchange.user, error, call) }
        case .conversing(let exchange, let mechanism):
            do {
                let answer = try exchange.finish(request.authBytes)
                accept(
                    LoggedIn(user: exchange.loggedIn, mechanism: .scram(mechanism), isByToken: exchange.isByToken), until: exchange.ends,
                    call, answer)
            } catch { refuse(exchange.user, error, call) }
        }
    }

    /// Accepts a login until `end`, the end of the shown credential, and at most for the configured time; the answer states the lifetime.
    private func accept(_ login: LoggedIn, until end: WallTime?, _ call: Call, _ answer: Bytes = Bytes()) {
        var login = login
        if let known = call.session.identity, known.user != login.user || known.isByToken != login.isByToken {
            return refuse(login.user, LoginRefusal(message: "the user of a connection cannot change"), call)
        }
        let rest = end.map {
            Duration.milliseconds(min(max(1, $0.milliseconds.subtractingClamped(time.wallTime().milliseconds)), Self.loginMillisecondsMax))
        }
        let left = [rest, settings.connections.loginMax].compactMap { $0 }.min()
        login.ends = left.map { now + $0 }
        log.info(
            "user logged in",
            metadata: [
                "user": "\(JSONText.quoted(login.user))", "remote": "\(call.session.remote?.description ?? "unknown")",
                "again": "\(call.session.identity != nil)",
            ])
        (call.session.identity, call.session.login) = (login, .done)
        call.reply(SaslAuthenticateResponse(authBytes: answer, sessionLifetimeMilliseconds: left?.inMilliseconds ?? 0))
    }

    /// The longest login, in milliseconds: a hundred years, longer than any connection. A token may have an end beyond all clocks.
    private static var loginMillisecondsMax: Int64 { 100 * 365 * 24 * 3600 * 1000 }

    /// Answers, and closes the connection after the answer was sent.
    private func refuse(_ user: String, _ refusal: LoginRefusal, answer: String? = nil, _ call: Call) {
        log.notice(
            "login refused",
            metadata: [
                "user": "\(JSONText.quoted(user))", "remote": "\(call.session.remote?.description ?? "unknown")",
                "reason": "\(refusal.message)",
            ])
        call.reply(SaslAuthenticateResponse(errorCode: .saslAuthenticationFailed, errorMessage: answer ?? refusal.message))
        call.session.close()
    }

    /// The answer to a refused token. Source: KIP-255.
    private static var tokenRefusal: String { #"{"status":"invalid_token"}"# }

    private func logInByBearer(_ message: Bytes, _ call: Call) {
        guard let verifier = logins.tokenVerifier, let shown = BearerMessage(message) else {
            return refuse("", LoginRefusal(message: "a message of OAUTHBEARER is a token"), call)
        }
        let now = time.wallTime()
        // Made and called on the loop; the login thread only carries it back.
        nonisolated(unsafe) let checked: (Result<VerifiedToken, TokenRefusal>) -> Void = { [self] result in
            guard !call.isAbandoned else { return call.replyNothing() }
            do throws(TokenRefusal) {
                let token = try result.get()
                guard shown.identity.isEmpty || shown.identity == token.user else {
                    throw TokenRefusal("its user is another one than the client says")
                }
                accept(LoggedIn(user: token.user, mechanism: .bearer), until: token.ends, call)
            } catch {
                call.session.login = .tokenRefused(error)
                call.reply(SaslAuthenticateResponse(authBytes: Bytes(string: Self.tokenRefusal)))
            }
        }
        check(call) {
            let result = Result { () throws(TokenRefusal) in try verifier.verified(shown.token, now: now) }
            return { checked(result) }
        }
    }

    /// Runs `check` on the login thread in this client's turn. Past the queue's limits the connection is closed; its client will retry.
    private func check(_ call: Call, _ check: @escaping LoginQueue.Check) {
        guard !logins.submit(call.session, check) else { return }
        log.notice("login put off: too many wait", metadata: ["remote": "\(call.session.remote?.description ?? "unknown")"])
        call.session.close()
        call.replyNothing()
    }

    /// The message holds authorization identity, user and password, separated by zero bytes. Source: RFC 4616.
    private func logInPlainly(_ message: Bytes, _ call: Call) {
        let parts = message.readableBytesView.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3, let user = String(validating: parts[1], as: UTF8.self), parts[0].isEmpty || parts[0].elementsEqual(parts[1])
        else {
            return refuse("", LoginRefusal(message: "a message of PLAIN is a user and a password"), call)
        }
        let password = Bytes(bytes: parts[2])
        // The check takes the same time for every user, known or not: it tries each mechanism, with the highest iteration count of all
        // users.
        let candidates = ScramMechanism.allCases.map { mechanism in
            (
                mechanism, machine.users[ScramUser(user, mechanism)],
                machine.users.entries.reduce(ScramExchange.iterationsDefault) {
                    $1.key.mechanism == mechanism ? max($0, $1.value.iterations) : $0
                }
            )
        }
        // Made and called on the loop; the login thread only carries it back.
        nonisolated(unsafe) let checked: (Bool) -> Void = { [self] fits in
            guard !call.isAbandoned else { return call.replyNothing() }
            guard fits else { return refuse(user, .wrong, call) }
            accept(LoggedIn(user: user, mechanism: .plain), until: nil, call)
        }
        check(call) {
            let fits = candidates.map { ScramExchange.fits(password, $0.0, $0.1, workOf: $0.2) }.contains(true)
            return { checked(fits) }
        }
    }
}
