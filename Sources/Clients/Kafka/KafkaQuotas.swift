// Limits of users, clients and addresses of a cluster, for our own verbs.
import Base
import KafkaWire

/// The subject of a limit; a nil part is not stated.
package struct KafkaQuotaEntity: Sendable, Equatable {
    /// A name, or the default for those without a limit of their own.
    package enum Subject: Sendable, Equatable { case named(String), byDefault }
    package var user: Subject?
    package var client: Subject?
    /// An address; excludes the other parts.
    package var address: Subject?

    package init(user: Subject? = nil, client: Subject? = nil, address: Subject? = nil) {
        self.user = user
        self.client = client
        self.address = address
    }

    private static let kinds = (user: "user", client: "client-id", address: "ip")

    fileprivate var parts: [QuotaEntityPart] {
        [(Self.kinds.user, user), (Self.kinds.client, client), (Self.kinds.address, address)].compactMap { kind, subject in
            switch subject {
            case nil: nil
            case .byDefault?: QuotaEntityPart(entityType: kind)
            case .named(let name)?: QuotaEntityPart(entityType: kind, entityName: name)
            }
        }
    }

    fileprivate init(_ parts: [QuotaEntityPart]) {
        for part in parts {
            let subject = part.entityName.map { Subject.named($0) } ?? .byDefault
            if part.entityType == Self.kinds.user { user = subject }
            if part.entityType == Self.kinds.client { client = subject }
            if part.entityType == Self.kinds.address { address = subject }
        }
    }
}

/// A limit as the cluster states it.
package struct KafkaQuota: Sendable, Equatable {
    package var entity: KafkaQuotaEntity
    package var name: String
    package var value: Double
}

extension KafkaClient {
    package func quotas() async throws -> [KafkaQuota] {
        let answer = try await callAny(DescribeClientQuotasRequest())
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "listing limits", detail: answer.errorMessage)
        }
        return (answer.entries ?? []).flatMap { entry in
            entry.values.map { KafkaQuota(entity: KafkaQuotaEntity(entry.entity), name: $0.key, value: $0.value) }
        }
    }

    /// Sets limits by name; nil removes one.
    package func setQuotas(_ entity: KafkaQuotaEntity, _ changes: [(name: String, value: Double?)]) async throws {
        let operations = changes.map {
            AlterClientQuotasRequest.Entry.Operation(key: $0.name, value: $0.value ?? 0, remove: $0.value == nil)
        }
        let request = AlterClientQuotasRequest(entries: [.init(entity: entity.parts, operations: operations)])
        let answer = try await callAny(request)
        for entry in answer.entries where entry.errorCode != .none {
            throw KafkaFailure.refused(entry.errorCode, doing: "setting limits", detail: entry.errorMessage)
        }
    }
}
