// DescribeClientQuotas and AlterClientQuotas: limits of users, of clients, of pairs of both, and of addresses, by name or by default.
// Source: KIP-546, KIP-612.
import Base
import BrokerCore
import KafkaWire
import NetKit

/// The reason for refusing a limit.
private struct QuotaRefusal: Error {
    var code = KafkaErrorCode.invalidRequest
    var message: String
}

private let userType = "user"
private let clientType = "client-id"
private let addressType = "ip"

extension Broker {
    // MARK: asking

    func describeClientQuotas(_ request: DescribeClientQuotasRequest, _ call: Call) {
        do throws(QuotaRefusal) {
            try Self.check(request.components)
            let entries = machine.quotas.entries.entries.filter { Self.fits($0.key, request) }.map { entity, rates in
                DescribeClientQuotasResponse.Entry(
                    entity: Self.parts(entity),
                    values: QuotaKind.allCases.compactMap { kind in rates[kind].map { .init(key: kind.name, value: $0) } })
            }
            call.reply(DescribeClientQuotasResponse(entries: entries))
        } catch {
            call.reply(DescribeClientQuotasResponse(errorCode: error.code, errorMessage: error.message))
        }
    }

    private static func check(_ components: [DescribeClientQuotasRequest.Component]) throws(QuotaRefusal) {
        for component in components {
            guard [userType, clientType, addressType].contains(component.entityType) else {
                throw QuotaRefusal(
                    code: .unsupportedVersion,
                    message: "there are limits for '\(userType)', '\(clientType)' and '\(addressType)', not for '\(component.entityType)'")
            }
            guard component.entityType != addressType || components.count == 1 else {
                throw QuotaRefusal(message: "in a filter '\(addressType)' stands alone")
            }
            guard components.count(where: { $0.entityType == component.entityType }) == 1 else {
                throw QuotaRefusal(message: "'\(component.entityType)' is in the filter more than once")
            }
            guard (0...2).contains(component.matchType), component.matchType != 0 || component.match != nil else {
                throw QuotaRefusal(message: "a match is 0 (a name), 1 (the default) or 2 (any)")
            }
        }
    }

    private static func fits(_ entity: QuotaEntity, _ request: DescribeClientQuotasRequest) -> Bool {
        guard !request.components.isEmpty else { return true }
        let stated = stated(entity)
        for component in request.components {
            guard let subject = stated.first(where: { $0.0 == component.entityType })?.1, fits(subject, component) else { return false }
        }
        return !request.strict
            || stated.allSatisfy { type, subject in subject == .unstated || request.components.contains { $0.entityType == type } }
    }

    private static func fits(_ subject: QuotaSubject, _ component: DescribeClientQuotasRequest.Component) -> Bool {
        switch (component.matchType, subject) {
        case (_, .unstated): false
        case (0, .named(let name)): name == component.match
        case (1, .byDefault), (2, _): true
        default: false
        }
    }

    private static func stated(_ entity: QuotaEntity) -> [(type: String, subject: QuotaSubject)] {
        [(userType, entity.user), (clientType, entity.client), (addressType, entity.address)]
    }

    private static func parts(_ entity: QuotaEntity) -> [QuotaEntityPart] {
        stated(entity).compactMap { type, subject in
            switch subject {
            case .unstated: nil
            case .byDefault: QuotaEntityPart(entityType: type)
            case .named(let name): QuotaEntityPart(entityType: type, entityName: name)
            }
        }
    }

    // MARK: changing

    func alterClientQuotas(_ request: AlterClientQuotasRequest, _ call: Call) {
        var response = AlterClientQuotasResponse(entries: request.entries.map { .init(entity: $0.entity) })
        let gathering = Gathering { call.reply(response) }
        for (index, entry) in request.entries.enumerated() {
            func refuse(_ code: KafkaErrorCode, _ message: String?) {
                response.entries[index].errorCode = code
                response.entries[index].errorMessage = message
            }
            do throws(QuotaRefusal) {
                let command = try Self.command(entry)
                guard !request.validateOnly else { continue }
                gathering.enter()
                replica.propose(.quotas(command)) { [self] result in
                    switch result {
                    case .success(.refused(let refusal)): refuse(refusal.code, refusal.message)
                    case .success: log.notice("limits were altered", metadata: ["by": "\(JSONText.quoted(call.session.principal))"])
                    case .failure: refuse(.coordinatorNotAvailable, nil)
                    }
                    gathering.leave()
                }
            } catch { refuse(error.code, error.message) }
        }
        gathering.leave()
    }

    private static func command(_ entry: AlterClientQuotasRequest.Entry) throws(QuotaRefusal) -> QuotaCommand {
        var changes: [QuotaChange] = []
        let entity = try entity(entry.entity)
        for operation in entry.operations {
            let kinds = QuotaKind.allCases.filter { ($0 == .connectionCreationRate) == (entity.address != .unstated) }
            guard let kind = QuotaKind(name: operation.key), kinds.contains(kind) else {
                throw QuotaRefusal(
                    message: "there is no limit '\(operation.key)' of these; there are: \(kinds.map(\.name).joined(separator: ", "))")
            }
            guard !changes.contains(where: { $0.kind == kind }) else {
                throw QuotaRefusal(message: "'\(operation.key)' is in the change more than once")
            }
            guard operation.remove || (operation.value > 0 && operation.value.isFinite) else {
                throw QuotaRefusal(message: "'\(operation.key)' must be greater than 0")
            }
            let isWhole = operation.value == operation.value.rounded()
            guard operation.remove || isWhole || ![.producerByteRate, .consumerByteRate, .connectionCreationRate].contains(kind) else {
                throw QuotaRefusal(message: "'\(operation.key)' must be a whole number")
            }
            changes.append(QuotaChange(kind, operation.remove ? nil : operation.value))
        }
        return .alter(entity, changes)
    }

    private static func entity(_ parts: [QuotaEntityPart]) throws(QuotaRefusal) -> QuotaEntity {
        var entity = QuotaEntity()
        guard !parts.isEmpty else {
            throw QuotaRefusal(message: "a limit is for a '\(userType)', a '\(clientType)' or both, or for an '\(addressType)'")
        }
        for part in parts {
            let subject: QuotaSubject = part.entityName.map { .named($0) } ?? .byDefault
            guard part.entityName?.isEmpty != true else { throw QuotaRefusal(message: "the name of the '\(part.entityType)' is empty") }
            guard parts.count(where: { $0.entityType == part.entityType }) == 1 else {
                throw QuotaRefusal(message: "'\(part.entityType)' is stated more than once")
            }
            switch part.entityType {
            case userType: entity.user = subject
            case clientType: entity.client = subject
            case addressType: entity.address = try address(part.entityName)
            default:
                throw QuotaRefusal(
                    message: "there are limits for '\(userType)', '\(clientType)' and '\(addressType)', not for '\(part.entityType)'")
            }
        }
        guard entity.address == .unstated || parts.count == 1 else {
            throw QuotaRefusal(message: "a limit of an '\(addressType)' is for nobody else")
        }
        return entity
    }

    private static func address(_ text: String?) throws(QuotaRefusal) -> QuotaSubject {
        guard let text else { return .byDefault }
        guard let address = HostPort.canonicalAddress(text) else {
            throw QuotaRefusal(message: "'\(text)' is no address; names are not looked up, state the address itself, for example 10.0.0.5")
        }
        return .named(address)
    }
}
