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
    case user(String)

    enum Mechanism {
        case plain
        case scram(ScramMechanism)

        static let names = ["PLAIN"] + ScramMechanism.allCases.map(\.name)

        init?(name: String) {
            if name == "PLAIN" { self = .plain } else if let scram = ScramMechanism(name: name) { self = .scram(scram) } else { return nil }
        }
    }
}

extension Broker {
    func saslHandshake(_ request: SaslHandshakeRequest, _ call: Call) {
        func reply(_ code: KafkaErrorCode) { call.reply(.saslHandshake(SaslHandshakeResponse(errorCode: code, mechanisms: Login.Mechanism.names))) }
        if case .user = call.session.login { return reply(.illegalSASLState) }
        guard let mechanism = Login.Mechanism(name: request.mechanism) else { return reply(.unsupportedSASLMechanism) }
        call.session.login = .begun(mechanism)
        reply(.none)
    }

    func saslAuthenticate(_ request: SaslAuthenticateRequest, _ call: Call) {
        switch call.session.login {
        case .anonymous, .user:
            call.reply(.saslAuthenticate(SaslAuthenticateResponse(errorCode: .illegalSASLState, errorMessage: "SaslHandshake comes first, once")))
        case .begun(.plain): logInPlainly(request.authBytes, call)
        case .begun(.scram(let mechanism)):
            var exchange = ScramExchange(mechanism)
            do {
                let answer = try exchange.begin(request.authBytes) { machine.users[ScramUser($0, mechanism)] }
                call.session.login = .conversing(exchange)
                call.reply(.saslAuthenticate(SaslAuthenticateResponse(authBytes: answer)))
            } catch { refuse(exchange.user, error, call) }
        case .conversing(let exchange):
            do {
                let answer = try exchange.finish(request.authBytes)
                accept(exchange.user, call)
                call.reply(.saslAuthenticate(SaslAuthenticateResponse(authBytes: answer)))
            } catch { refuse(exchange.user, error, call) }
        }
    }

    private func accept(_ user: String, _ call: Call) {
        call.session.login = .user(user)
        log.info("user logged in", metadata: ["user": "\(JSONText.quoted(user))", "remote": "\(call.session.remote?.description ?? "unknown")"])
    }

    /// Answers, and ends the connection once that has left.
    private func refuse(_ user: String, _ refusal: LoginRefusal, _ call: Call) {
        log.notice("login refused", metadata: [
            "user": "\(JSONText.quoted(user))", "remote": "\(call.session.remote?.description ?? "unknown")", "reason": "\(refusal.message)",
        ])
        call.reply(.saslAuthenticate(SaslAuthenticateResponse(errorCode: .saslAuthenticationFailed, errorMessage: refusal.message)))
        call.session.close()
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
