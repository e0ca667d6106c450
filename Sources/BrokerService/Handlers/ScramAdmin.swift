// DescribeUserScramCredentials and AlterUserScramCredentials: the users and their mechanisms. Secrets never leave the broker.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func describeUserScramCredentials(_ request: DescribeUserScramCredentialsRequest, _ call: Call) {
        var found: [(name: String, mechanisms: [DescribeUserScramCredentialsResponse.Result.Credential])] = []
        for (user, credential) in machine.users.entries {
            if found.last?.name != user.name { found.append((user.name, [])) }
            found[found.count - 1].mechanisms.append(.init(mechanism: user.mechanism.rawValue, iterations: credential.iterations))
        }
        let wanted = request.users?.map(\.name) ?? []
        guard !wanted.isEmpty else {
            let all = found.map { DescribeUserScramCredentialsResponse.Result(user: $0.name, credentialInfos: $0.mechanisms) }
            return call.reply(DescribeUserScramCredentialsResponse(results: all))
        }
        let results = wanted.map { name -> DescribeUserScramCredentialsResponse.Result in
            if wanted.count(where: { $0 == name }) > 1 {
                return .init(user: name, errorCode: .duplicateResource, errorMessage: "the user is named more than once")
            }
            guard let one = found.first(where: { $0.name == name }) else {
                return .init(user: name, errorCode: .resourceNotFound, errorMessage: "there is no user '\(name)'")
            }
            return .init(user: name, credentialInfos: one.mechanisms)
        }
        call.reply(DescribeUserScramCredentialsResponse(results: results))
    }

    func alterUserScramCredentials(_ request: AlterUserScramCredentialsRequest, _ call: Call) {
        var commands: [(user: String, command: Result<SecurityCommand, ScramRefusal>)] = []
        for deletion in request.deletions { commands.append((deletion.name, command(deletion))) }
        for upsertion in request.upsertions { commands.append((upsertion.name, command(upsertion))) }
        var results = commands.map { AlterUserScramCredentialsResponse.Result(user: $0.user) }
        let gathering = Gathering { call.reply(AlterUserScramCredentialsResponse(results: results)) }
        for (index, one) in commands.enumerated() {
            switch one.command {
            case .failure(let refusal):
                results[index].errorCode = refusal.code
                results[index].errorMessage = refusal.message
            case .success(let command):
                gathering.enter()
                replica.propose(.security(command)) { [self] result in
                    switch result {
                    case .success(.refused(let refusal)):
                        results[index].errorCode = refusal.code
                        results[index].errorMessage = refusal.message
                    case .success:
                        log.notice(
                            "users were altered",
                            metadata: ["user": "\(JSONText.quoted(one.user))", "by": "\(JSONText.quoted(call.session.principal))"])
                    case .failure: results[index].errorCode = .coordinatorNotAvailable
                    }
                    gathering.leave()
                }
            }
        }
        gathering.leave()
    }

    private struct ScramRefusal: Error {
        var code: KafkaErrorCode
        var message: String
    }

    private func command(_ deletion: AlterUserScramCredentialsRequest.Deletion) -> Result<SecurityCommand, ScramRefusal> {
        guard let mechanism = ScramMechanism(rawValue: deletion.mechanism) else { return .failure(Self.unknownMechanism) }
        return .success(.removeUser(ScramUser(deletion.name, mechanism)))
    }

    private func command(_ upsertion: AlterUserScramCredentialsRequest.Upsertion) -> Result<SecurityCommand, ScramRefusal> {
        guard let mechanism = ScramMechanism(rawValue: upsertion.mechanism) else { return .failure(Self.unknownMechanism) }
        guard !upsertion.name.isEmpty, upsertion.name.utf8.count <= 255 else {
            return .failure(ScramRefusal(code: .unacceptableCredential, message: "a user's name has 1 to 255 bytes"))
        }
        guard ScramExchange.iterations.contains(upsertion.iterations) else {
            return .failure(
                ScramRefusal(
                    code: .unacceptableCredential,
                    message: "\(ScramExchange.iterations.lowerBound) to \(ScramExchange.iterations.upperBound) iterations are possible"))
        }
        guard upsertion.salt.readableBytes >= 8, upsertion.salt.readableBytes <= 256,
            upsertion.saltedPassword.readableBytes == (mechanism == .sha256 ? 32 : 64)
        else {
            return .failure(
                ScramRefusal(
                    code: .unacceptableCredential, message: "the salt or the salted password does not have the length of its mechanism"))
        }
        let credential = ScramExchange.credential(
            mechanism, saltedPassword: upsertion.saltedPassword, salt: upsertion.salt.copied(), iterations: upsertion.iterations)
        return .success(.setUser(ScramUser(upsertion.name, mechanism), credential))
    }

    private static var unknownMechanism: ScramRefusal {
        ScramRefusal(code: .unsupportedSASLMechanism, message: "SCRAM-SHA-256 (1) and SCRAM-SHA-512 (2) are possible")
    }
}
