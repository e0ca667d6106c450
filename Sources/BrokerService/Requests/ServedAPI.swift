// The columns of the API table, and a request's way through them: metadata caught up, coordinator, topic names, quotas, access, handler.
// Each column is a closure over the request's own type, so that a handler, a refusal or an amendment of the wrong type does not compile.
import Base
import BrokerCore
import KafkaWire
import NetKit

/// The columns of one API. All closures run on the broker's loop.
struct ServedAPI<Request: KafkaRequest>: Sendable {
    let handle: @Sendable (Broker) -> (Request, Call) -> Void
    let right: AccessRight<Request>
    /// The groups and transactional ids whose coordinator must answer a request, by its version; nil for requests that every broker
    /// answers.
    var coordinated: (@Sendable (Request, Int16) -> [String])?
    /// The topics of a request; nil where handlers look them up themselves.
    var topics: TopicReferences<Request>?
    /// A request's quota, besides the time that it takes.
    var quota: RequestQuota<Request>?
    /// The authorized operations in a response; nil if it lists none.
    var operations: OperationsColumn<Request>?
    /// Whether this broker catches up with the controller first, so that administrators see their changes through another broker.
    var catchesUp = false
}

/// A row of the API table with its request type erased.
struct BrokerAPI: Sendable {
    let key: ApiKey
    /// Whether it is served before a login, and after a login's end.
    let servesLogin: Bool
    /// Serves a request of the row's type.
    let serve: @Sendable (Broker, any KafkaRequest, Call) -> Void

    init<Request: KafkaRequest>(_ api: ServedAPI<Request>, servesLogin: Bool) {
        key = Request.apiKey
        self.servesLogin = servesLogin
        serve = { broker, request, call in
            guard let request = request as? Request else { preconditionFailure("a request goes to its own row") }
            broker.serve(request, call, api)
        }
    }

    /// Rows by wire number; most numbers have none.
    private static let byNumber: [BrokerAPI?] = {
        var rows = [BrokerAPI?](repeating: nil, count: (table.map { Int($0.key.rawValue) }.max() ?? 0) + 1)
        for row in table { rows[Int(row.key.rawValue)] = row }
        return rows
    }()

    /// The row of a wire number, nil if that API is not served. hot: `platform-bench broker`.
    static func row(number: Int16) -> BrokerAPI? {
        guard number >= 0, Int(number) < byNumber.count else { return nil }
        return byNumber[Int(number)]
    }
}

extension Broker {
    /// Dispatches a request to its row.
    func dispatch(_ request: any KafkaRequest, _ call: Call) {
        guard let api = BrokerAPI.row(number: call.header.apiNumber) else { preconditionFailure("the two API tables have the same rows") }
        metrics.decoded(api.key)
        api.serve(self, request, call)
    }

    fileprivate func serve<Request: KafkaRequest>(_ request: Request, _ call: Call, _ api: ServedAPI<Request>) {
        guard isClustered else { return admit(request, call, api) }
        if api.catchesUp { return replica.afterBarrier { _ in self.admit(request, call, api) } }
        guard let topics = api.topics, topics.misses(self, request, call) else { return admit(request, call, api) }
        // A later commit of the same client must not overtake a waiting one.
        call.session.pausedForTurn = true
        replica.afterBarrier { _ in
            self.admit(request, call, api)
            call.session.pausedForTurn = false
        }
    }

    private func admit<Request: KafkaRequest>(_ request: Request, _ call: Call, _ api: ServedAPI<Request>) {
        if let names = api.coordinated, !coordinates(all: names(request, call.version)) {
            return call.reply(request.refused(.notCoordinator))
        }
        let request = api.topics?.named(self, request, call) ?? request
        guard !call.session.isPeer else { return api.handle(self)(request, call) }
        guard var call = quotas.admit(request, call, api.quota) else { return }
        let review = AccessReview(broker: self, call: call)
        if let operations = api.operations, operations.isAsked(request) {
            call.amend { (response: inout Request.Response) in operations.add(review, request, &response) }
        }
        guard settings.access.enforcesRules else { return api.handle(self)(request, call) }
        switch review.verdict(request, api.right) {
        case .allowed: api.handle(self)(request, call)
        case .refused(let response): call.reply(response)
        case .trimmed(let rest, let amend):
            call.amend(first: true, amend)
            api.handle(self)(rest, call)
        }
    }
}
