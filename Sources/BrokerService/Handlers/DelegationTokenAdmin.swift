// CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken and DescribeDelegationToken: tokens by which short-lived clients log
// in as a user without the user's password. A token is an id and its HMAC, which serves as the password; the key is a setting. Source:
// KIP-48, KIP-373.
import Base
import BrokerCore
import Foundation
import KafkaWire
import NetKit

/// The settings of delegation tokens.
package struct DelegationTokenSettings: Sendable {
    /// The key of the HMAC, the same on all brokers of a cluster (Kafka: delegation.token.secret.key).
    package var secretKey: Bytes
    /// A token's longest lifetime, renewals included (Kafka: delegation.token.max.lifetime.ms).
    package var maxLifetime = Duration.seconds(7 * 24 * 3600)
    /// A token's validity without renewal (Kafka: delegation.token.expiry.time.ms).
    package var expiry = Duration.seconds(24 * 3600)

    package init(secretKey: Bytes) { self.secretKey = secretKey }

    /// The secret part of a token.
    func hmac(of id: String) -> Bytes { ScramHash.sha512.hmac(key: secretKey, Bytes(string: id)) }
}

extension Broker {
    /// Most principals that may renew a token.
    private static var renewersMax: Int { 100 }

    /// The error of token requests on this connection; nil if they are allowed. A client that logged in with a token, or not at all, gets
    /// none.
    private func refusal(_ call: Call) -> KafkaErrorCode? {
        guard settings.access.delegationTokens != nil else { return .delegationTokenAuthDisabled }
        return call.session.user == nil || call.session.isByToken ? .delegationTokenRequestNotAllowed : nil
    }

    func createDelegationToken(_ request: CreateDelegationTokenRequest, _ call: Call) {
        func refuse(_ code: KafkaErrorCode) { call.reply(CreateDelegationTokenResponse(errorCode: code)) }
        if let code = refusal(call) { return refuse(code) }
        guard let tokens = settings.access.delegationTokens, let requester = call.session.user else {
            return refuse(.delegationTokenRequestNotAllowed)
        }
        let owner = request.ownerName.flatMap { $0.isEmpty ? nil : $0 } ?? requester
        let types = request.renewers.map(\.type) + (owner.hasSameBytes(as: requester) ? [] : [request.ownerType ?? ""])
        guard types.allSatisfy({ $0 == "User" }) else { return refuse(.invalidPrincipalType) }
        guard request.renewers.count <= Self.renewersMax, owner.utf8.count <= 255,
            request.renewers.allSatisfy({ $0.name.utf8.count <= 255 })
        else {
            return refuse(.invalidRequest)
        }
        // Only super users may create tokens of other users.
        guard
            owner.hasSameBytes(as: requester) || !settings.access.enforcesRules
                || settings.access.superUsers.contains(ExactText(call.session.principal))
        else {
            return refuse(.delegationTokenAuthorizationFailed)
        }
        let issued = time.wallTime().milliseconds
        var token = DelegationToken()
        token.id = Data(Digests.randomBytes(16).readableBytesView).base64EncodedString().filter { $0 != "=" }.replacingOccurrences(
            of: "+", with: "-"
        )
        .replacingOccurrences(of: "/", with: "_")
        token.owner = owner
        token.requester = requester
        token.renewers = request.renewers.map(\.name)
        let lifetime =
            request.maxLifetimeMilliseconds > 0
            ? min(request.maxLifetimeMilliseconds, tokens.maxLifetime.inMilliseconds) : tokens.maxLifetime.inMilliseconds
        token.issued = WallTime(milliseconds: issued)
        token.latestExpiry = WallTime(milliseconds: issued.addingClamped(lifetime))
        token.expires = WallTime(milliseconds: issued.addingClamped(min(tokens.expiry.inMilliseconds, lifetime)))
        let hmac = tokens.hmac(of: token.id)
        let password = Bytes(string: Data(hmac.readableBytesView).base64EncodedString())
        // Made and called on the loop; the login thread only carries it back.
        nonisolated(unsafe) let made: (DelegationToken) -> Void = { [self] in keep($0, hmac, call) }
        logins.submit { [loop, token] in
            var token = token
            token.sha256 = ScramExchange.credential(.sha256, password: password)
            token.sha512 = ScramExchange.credential(.sha512, password: password)
            loop.execute { [token] in made(token) }
        }
    }

    private func keep(_ token: DelegationToken, _ hmac: Bytes, _ call: Call) {
        replica.propose(.token(.set(token))) { [self] result in
            switch result {
            case .success(.refused(let refusal)): call.reply(CreateDelegationTokenResponse(errorCode: refusal.code))
            case .failure: call.reply(CreateDelegationTokenResponse(errorCode: .coordinatorNotAvailable))
            case .success:
                log.notice(
                    "a token was made",
                    metadata: [
                        "token": "\(token.id)", "owner": "\(JSONText.quoted(token.owner))", "by": "\(JSONText.quoted(token.requester))",
                    ])
                var response = CreateDelegationTokenResponse()
                (response.ownerType, response.ownerName) = ("User", token.owner)
                (response.requesterType, response.requesterName) = ("User", token.requester)
                (response.issued, response.expires, response.latestExpiry) = (
                    token.issued.milliseconds, token.expires.milliseconds, token.latestExpiry.milliseconds
                )
                (response.tokenID, response.hmac) = (token.id, hmac)
                call.reply(response)
            }
        }
    }

    func renewDelegationToken(_ request: RenewDelegationTokenRequest, _ call: Call) {
        func reply(_ code: KafkaErrorCode, _ expires: Int64 = 0) {
            call.reply(RenewDelegationTokenResponse(errorCode: code, expires: expires))
        }
        switch token(request.hmac, call) {
        case .failure(let refusal): reply(refusal.code)
        case .success(let token):
            let period =
                request.renewPeriodMilliseconds < 0
                ? settings.access.delegationTokens?.expiry.inMilliseconds ?? 0 : request.renewPeriodMilliseconds
            prolong(token, by: period, reply)
        }
    }

    func expireDelegationToken(_ request: ExpireDelegationTokenRequest, _ call: Call) {
        func reply(_ code: KafkaErrorCode, _ expires: Int64 = 0) {
            call.reply(ExpireDelegationTokenResponse(errorCode: code, expires: expires))
        }
        switch token(request.hmac, call) {
        case .failure(let refusal): reply(refusal.code)
        case .success(let token):
            guard request.expiryPeriodMilliseconds < 0 else { return prolong(token, by: request.expiryPeriodMilliseconds, reply) }
            let now = time.wallTime().milliseconds
            replica.propose(.token(.remove(id: token.id))) { [self] result in
                guard case .success(let outcome) = result else { return reply(.coordinatorNotAvailable) }
                if case .refused(let refusal) = outcome { return reply(refusal.code) }
                log.notice("a token was ended", metadata: ["token": "\(token.id)", "by": "\(JSONText.quoted(call.session.principal))"])
                reply(.none, now)
            }
        }
    }

    private func prolong(_ token: DelegationToken, by period: Int64, _ reply: @escaping (KafkaErrorCode, Int64) -> Void) {
        let expires = min(time.wallTime().milliseconds.addingClamped(period), token.latestExpiry.milliseconds)
        replica.propose(.token(.prolong(id: token.id, expires: expires))) { result in
            switch result {
            case .success(.refused(let refusal)): reply(refusal.code, 0)
            case .success: reply(.none, expires)
            case .failure: reply(.coordinatorNotAvailable, 0)
            }
        }
    }

    /// The token with this HMAC, if it is valid and the user of this connection may change it.
    private func token(_ hmac: Bytes, _ call: Call) -> Result<DelegationToken, KafkaErrorCode.Refusal> {
        if let code = refusal(call) { return .failure(.init(code)) }
        guard let tokens = settings.access.delegationTokens, let user = call.session.user,
            let token = machine.tokens.entries.map(\.value).first(where: { Digests.equal(tokens.hmac(of: $0.id), hmac) })
        else { return .failure(.init(.delegationTokenNotFound)) }
        guard token.isOf(user) else { return .failure(.init(.delegationTokenOwnerMismatch)) }
        guard token.expires.milliseconds >= time.wallTime().milliseconds else { return .failure(.init(.delegationTokenExpired)) }
        return .success(token)
    }

    func describeDelegationToken(_ request: DescribeDelegationTokenRequest, _ call: Call) {
        if let code = refusal(call) { return call.reply(DescribeDelegationTokenResponse(errorCode: code)) }
        guard let tokens = settings.access.delegationTokens, let user = call.session.user else { return }
        let now = time.wallTime().milliseconds
        let seesAll = settings.access.superUsers.contains(ExactText(call.session.principal))
        let owners = request.owners.map { Set($0.map(\.name)) }
        let shown = machine.tokens.entries.map(\.value).filter { token in
            token.expires.milliseconds >= now && (seesAll || token.isOf(user)) && owners?.contains(token.owner) ?? true
        }
        let described = shown.map { token in
            var one = DescribeDelegationTokenResponse.Token()
            one.owner = WirePrincipal(name: token.owner)
            one.requester = WirePrincipal(name: token.requester)
            (one.issued, one.expires, one.latestExpiry) = (
                token.issued.milliseconds, token.expires.milliseconds, token.latestExpiry.milliseconds
            )
            (one.tokenID, one.hmac) = (token.id, tokens.hmac(of: token.id))
            one.renewers = token.renewers.map { WirePrincipal(name: $0) }
            return one
        }
        call.reply(DescribeDelegationTokenResponse(tokens: described))
    }

    /// The identity of a login with a token; nil if there is no valid token with this id.
    func tokenIdentity(_ id: String, _ mechanism: ScramMechanism) -> ScramIdentity? {
        guard settings.access.delegationTokens != nil, let token = machine.tokens[id],
            token.expires.milliseconds >= time.wallTime().milliseconds
        else { return nil }
        return ScramIdentity(user: token.owner, credential: token.credential(mechanism), ends: token.expires)
    }

    /// Removes expired tokens; one broker does it for all.
    func forgetExpiredTokens() {
        let now = time.wallTime().milliseconds
        guard !isClustered || replica.isLeading, machine.tokens.entries.contains(where: { $0.value.expires.milliseconds < now }) else {
            return
        }
        replica.propose(.token(.removeExpired(now: now))) { _ in }
    }
}
