// SaslHandshake and SaslAuthenticate: a connection becomes a user's. PLAIN and SCRAM look at the same credentials; a password that comes by PLAIN is
// checked on a thread of its own, since that is made to take time.
import Base
import BrokerCore
import KafkaWire
import NetKit
import Storage

/// How far a connection has come with logging in.
enum Login {
    case anonymous
    case begun(Mechanism)
    case conversing(ScramExchange)
    /// A token was refused, and the client is to say that it has heard it.
    case tokenRefused(TokenRefusal)
    case user(String)

    enum Mechanism {
        case plain
        case scram(ScramMechanism)
        case bearer

        static let bearerName = "OAUTHBEARER"

        init?(name: String) {
            if name == "PLAIN" { self = .plain } else if name == Self.bearerName { self = .bearer } else if let scram = ScramMechanism(name: name) { self = .scram(scram) } else { return nil }
        }
    }
}

extension Broker {
    /// The mechanisms that are served.
    private var mechanisms: [String] { ["PLAIN"] + ScramMechanism.allCases.map(\.name) + (tokenVerifier == nil ? [] : [Login.Mechanism.bearerName]) }

    func saslHandshake(_ request: SaslHandshakeRequest, _ call: Call) {
        func reply(_ code: KafkaErrorCode) { call.reply(.saslHandshake(SaslHandshakeResponse(errorCode: code, mechanisms: mechanisms))) }
        if case .user = call.session.login { return reply(.illegalSASLState) }
        guard mechanisms.contains(request.mechanism), let mechanism = Login.Mechanism(name: request.mechanism) else { return reply(.unsupportedSASLMechanism) }
        call.session.login = .begun(mechanism)
        reply(.none)
    }

    func saslAuthenticate(_ request: SaslAuthenticateRequest, _ call: Call) {
        switch call.session.login {
        case .anonymous, .user:
            call.reply(.saslAuthenticate(SaslAuthenticateResponse(errorCode: .illegalSASLState, errorMessage: "SaslHandshake comes first, once")))
        case .begun(.plain): logInPlainly(request.authBytes, call)
        case .begun(.bearer): logInByBearer(request.authBytes, call)
        case .tokenRefused(let refusal):
            refuse("", LoginRefusal(message: refusal.reason), answer: Self.tokenRefusal, call)
        case .begun(.scram(let mechanism)):
            var exchange = ScramExchange(mechanism)
            do {
                let answer = try exchange.begin(request.authBytes) { name, isToken in
                    isToken ? tokenIdentity(name, mechanism) : machine.users[ScramUser(name, mechanism)].map { ScramIdentity(user: name, credential: $0) }
                }
                call.session.login = .conversing(exchange)
                call.reply(.saslAuthenticate(SaslAuthenticateResponse(authBytes: answer)))
            } catch { refuse(exchange.user, error, call) }
        case .conversing(let exchange):
            do {
                let answer = try exchange.finish(request.authBytes)
                accept(exchange.loggedIn, call)
                call.session.isByToken = exchange.isByToken
                call.reply(.saslAuthenticate(SaslAuthenticateResponse(authBytes: answer)))
            } catch { refuse(exchange.user, error, call) }
        }
    }

    private func accept(_ user: String, _ call: Call) {
        call.session.login = .user(user)
        log.info("user logged in", metadata: ["user": "\(JSONText.quoted(user))", "remote": "\(call.session.remote?.description ?? "unknown")"])
    }

    /// Answers, and ends the connection once that has left.
    private func refuse(_ user: String, _ refusal: LoginRefusal, answer: String? = nil, _ call: Call) {
        log.notice("login refused", metadata: [
            "user": "\(JSONText.quoted(user))", "remote": "\(call.session.remote?.description ?? "unknown")", "reason": "\(refusal.message)",
        ])
        call.reply(.saslAuthenticate(SaslAuthenticateResponse(errorCode: .saslAuthenticationFailed, errorMessage: answer ?? refusal.message)))
        call.session.close()
    }

    /// What a client is told of a token that is refused. Source: KIP-255.
    private static var tokenRefusal: String { #"{"status":"invalid_token"}"# }

    private func logInByBearer(_ message: Bytes, _ call: Call) {
        guard let verifier = tokenVerifier, let shown = BearerMessage(message) else {
            return refuse("", LoginRefusal(message: "a message of OAUTHBEARER is a token"), call)
        }
        let now = time.wallTime()
        // Made and called on the loop; the login thread only carries it back.
        nonisolated(unsafe) let checked: (Result<String, TokenRefusal>) -> Void = { [self] result in
            guard !call.isAbandoned else { return call.replyNothing() }
            do throws(TokenRefusal) {
                let user = try result.get()
                guard shown.identity.isEmpty || shown.identity == user else { throw TokenRefusal("its user is another one than the client says") }
                accept(user, call)
                call.reply(.saslAuthenticate(SaslAuthenticateResponse()))
            } catch {
                call.session.login = .tokenRefused(error)
                call.reply(.saslAuthenticate(SaslAuthenticateResponse(authBytes: Bytes(string: Self.tokenRefusal))))
            }
        }
        loginThread.submit { [loop] in
            let result = Result { () throws(TokenRefusal) in try verifier.user(of: shown.token, now: now) }
            loop.execute { checked(result) }
        }
    }

    /// Authorisation identity, user and password, with zero bytes between them. Source: RFC 4616.
    private func logInPlainly(_ message: Bytes, _ call: Call) {
        let parts = message.readableBytesView.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3, let user = String(validating: parts[1], as: UTF8.self), parts[0].isEmpty || parts[0].elementsEqual(parts[1]) else {
            return refuse("", LoginRefusal(message: "a message of PLAIN is a user and a password"), call)
        }
        let password = Bytes(bytes: parts[2])
        let known = ScramMechanism.allCases.compactMap { mechanism in machine.users[ScramUser(user, mechanism)].map { (mechanism, $0) } }
        // An unknown user takes as long as a known one.
        let candidates = known.isEmpty ? [(ScramMechanism.sha256, strangersCredential)] : known
        let isKnown = !known.isEmpty
        // Made and called on the loop; the login thread only carries it back.
        nonisolated(unsafe) let checked: (Bool) -> Void = { [self] fits in
            guard !call.isAbandoned else { return call.replyNothing() }
            guard fits, isKnown else { return refuse(user, .wrong, call) }
            accept(user, call)
            call.reply(.saslAuthenticate(SaslAuthenticateResponse()))
        }
        loginThread.submit { [loop] in
            let fits = candidates.contains { ScramExchange.fits(password, $0.0, $0.1) }
            loop.execute { checked(fits) }
        }
    }
}
