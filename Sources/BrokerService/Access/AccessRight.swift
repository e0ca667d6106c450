// The rights of requests, as columns of the API table. A request about several resources continues with the allowed ones; the others get
// the protocol's error. Handlers check rights beyond the column while they read the request. Source: Kafka documentation, "Authorization
// and ACLs".
import Base
import BrokerCore
import KafkaWire

/// The outcome of a review.
enum AccessVerdict<Request: KafkaRequest> {
    case allowed
    case refused(Request.Response)
    /// Continues with the allowed resources; the closure adds the others to the response.
    case trimmed(Request, (inout Request.Response) -> Void)
}

/// The right required by a request.
enum AccessRight<Request: KafkaRequest>: Sendable {
    /// None, or checked by the handler.
    case none
    /// On the cluster.
    case cluster(AccessOperation)
    /// On the group that the request names.
    case group(AccessOperation, @Sendable (Request) -> String)
    /// On the transactional id that the request names.
    case transactionalID(AccessOperation, @Sendable (Request) -> String)
    /// Several rights.
    case review(@Sendable (AccessReview) -> (Request) -> AccessVerdict<Request>)

    /// On each item of the request; `refusals` is the response's list of items with their errors.
    static func each<Item, Answer>(
        _ items: WritableKeyPath<Request, [Item]> & Sendable, _ refusals: WritableKeyPath<Request.Response, [Answer]> & Sendable,
        _ operation: AccessOperation, _ kind: ResourceKind, _ name: @escaping @Sendable (Item) -> String
    ) -> AccessRight {
        .review { review in { request in review.trimmed(request, items, refusals) { review.code(operation, kind, name($0)) } } }
    }
}

extension AccessReview {
    /// The verdict on a request under its right.
    func verdict<Request: KafkaRequest>(_ request: Request, _ right: AccessRight<Request>) -> AccessVerdict<Request> {
        switch right {
        case .none: .allowed
        case .cluster(let operation): verdict(request, code(operation, .cluster, Self.clusterName))
        case .group(let operation, let name): verdict(request, code(operation, .group, name(request)))
        case .transactionalID(let operation, let name): verdict(request, code(operation, .transactionalID, name(request)))
        case .review(let review): review(self)(request)
        }
    }

    /// Refuses the whole request with `code`; nil allows it.
    func verdict<Request: KafkaRequest>(_ request: Request, _ code: KafkaErrorCode?) -> AccessVerdict<Request> {
        code.map { .refused(request.refused($0)) } ?? .allowed
    }

    /// The error of a denied operation; nil if it is allowed.
    func code(_ operation: AccessOperation, _ kind: ResourceKind, _ name: String) -> KafkaErrorCode? {
        may(operation, kind, name) ? nil : Self.denial(kind)
    }

    static func denial(_ kind: ResourceKind) -> KafkaErrorCode {
        switch kind {
        case .topic: .topicAuthorizationFailed
        case .group: .groupAuthorizationFailed
        case .cluster: .clusterAuthorizationFailed
        case .transactionalID: .transactionalIDAuthorizationFailed
        }
    }

    /// The request without the items that have a `code`; the response lists those after the others.
    func trimmed<Request: KafkaRequest, Item, Answer>(
        _ request: Request, _ items: WritableKeyPath<Request, [Item]>, _ refusals: WritableKeyPath<Request.Response, [Answer]>,
        code: (Item) -> KafkaErrorCode?
    ) -> AccessVerdict<Request> {
        var rest = request
        var (kept, refused): ([Item], [Answer]) = ([], [])
        for item in request[keyPath: items] {
            guard let code = code(item) else {
                kept.append(item)
                continue
            }
            rest[keyPath: items] = [item]
            refused += rest.refused(code)[keyPath: refusals]
        }
        guard !refused.isEmpty else { return .allowed }
        rest[keyPath: items] = kept
        return .trimmed(rest) { [refused] in $0[keyPath: refusals] += refused }
    }

    /// The same for a response that is amended even where no item was left out.
    func trimmed<Request: KafkaRequest, Item, Answer>(
        _ request: Request, _ items: WritableKeyPath<Request, [Item]>, _ refusals: WritableKeyPath<Request.Response, [Answer]>,
        code: (Item) -> KafkaErrorCode?,
        amend: @escaping (inout Request.Response) -> Void
    ) -> AccessVerdict<Request> {
        switch trimmed(request, items, refusals, code: code) {
        case .trimmed(let rest, let add):
            .trimmed(rest) {
                amend(&$0)
                add(&$0)
            }
        default: .trimmed(request, amend)
        }
    }
}
