// Enforces the limits of clients: counts sent and read bytes and changes, answers at once with the throttle time (throttle_time_ms), and
// stops reading from the connection for that long, as Kafka does since 2.0 (KIP-219). Each broker counts for itself. Used on the loop.
import Base
import BrokerCore
import KafkaWire
import NetKit

/// The limits in force.
final class QuotaGate {
    private unowned let broker: Broker
    /// Use of the limits on bytes and time, and the rest of the limits on changes of metadata.
    private var windows: [LimitName: QuotaWindow] = [:]
    private var buckets: [LimitName: QuotaBucket] = [:]
    private var limits: [Client: [QuotaKind: (rate: Double, sharedBy: QuotaEntity)]] = [:]
    private var limitsVersion = -1

    private struct LimitName: Hashable {
        var kind: QuotaKind
        var sharedBy: QuotaEntity
    }

    private struct Client: Hashable {
        @ExactText var user: String
        @ExactText var id: String
    }

    /// Most cached limits, windows and buckets, each.
    private static let entriesMax = 100_000
    /// A bucket holds the refill of this many seconds (Kafka: controller.quota.window.num x controller.quota.window.size.seconds).
    private static let changesBurst = 11.0
    /// Longest throttle time at once for use of the broker's time and for connections, as in Kafka.
    private static let waitMax = Duration.seconds(1)

    init(_ broker: Broker) { self.broker = broker }

    // MARK: connections

    /// Counts a connection. For one over the limit, which is not counted: the time until it is closed.
    func connected(from ip: String) -> Duration {
        guard !broker.machine.quotas.isEmpty else { return .zero }
        let address = HostPort.canonicalAddress(ip) ?? ip
        guard let rate = broker.machine.quotas.connectionRate(of: address) else { return .zero }
        return take(LimitName(kind: .connectionCreationRate, sharedBy: QuotaEntity(address: .named(address)))) { window, now in
            let wait = window.take(1, rate: rate, now: now)
            if wait > .zero { _ = window.take(-1, rate: rate, now: now) }
            return min(wait, Self.waitMax)
        }
    }

    // MARK: requests

    /// Counts an arriving request; nil if it was refused and answered.
    func admit<Request: KafkaRequest>(_ request: Request, _ call: Call, _ quota: RequestQuota<Request>?) -> Call? {
        guard !broker.machine.quotas.isEmpty else { return call }
        var call = call
        defer { call.session.mute(for: call.throttle) }
        call.throttle = take(.requestPercentage, 0, call)
        switch quota {
        case nil: break
        case .produced: call.throttle = max(call.throttle, take(.producerByteRate, Double(call.frameBytes), call))
        case .changes(let strictSince, let count, let refusal):
            if call.version >= strictSince, isOverdrawn(call) {
                call.throttle = max(call.throttle, takeChanges(0, call))
                call.reply(refusal(request))
                return nil
            }
            call.throttle = max(call.throttle, takeChanges(Double(count(broker, request)), call))
        }
        return call
    }

    /// Counts a request's time on the loop.
    func spent(_ time: Duration, _ call: Call) {
        guard !broker.machine.quotas.isEmpty else { return }
        _ = take(.requestPercentage, Double(time.inNanoseconds) / 1e7, call)
    }

    /// Counts the bytes of a fetch's answer. False if they exceed a limit: then they are not counted, and the answer is withheld until the
    /// client retries. A batch larger than the whole limit goes out when nothing else was used, otherwise its reader would never get it.
    func allows(_ bytes: Int, _ call: inout Call) -> Bool {
        guard !broker.machine.quotas.isEmpty else { return true }
        let forTime = take(.requestPercentage, 0, call)
        var isAllowed = forTime == .zero
        var wait = forTime
        if let limit = limit(.consumerByteRate, call) {
            let forBytes = take(LimitName(kind: .consumerByteRate, sharedBy: limit.sharedBy)) { window, now in
                let isFirst = window.used(now: now) <= 0
                let wait = window.take(Double(bytes), rate: limit.rate, now: now)
                isAllowed = isAllowed && (wait == .zero || isFirst)
                if !isAllowed { _ = window.take(-Double(bytes), rate: limit.rate, now: now) }
                return wait
            }
            wait = max(wait, forBytes)
        }
        call.throttle = max(call.throttle, wait)
        call.session.mute(for: wait)
        return isAllowed
    }

    /// Counts the bytes of an answered fetch.
    func fetched(_ bytes: Int, _ call: inout Call) {
        guard !broker.machine.quotas.isEmpty else { return }
        let wait = take(.consumerByteRate, Double(bytes), call)
        call.throttle = max(call.throttle, wait)
        call.session.mute(for: wait)
    }

    /// Most bytes of one fetch, so that a client with a small limit is not throttled for minutes.
    func fetchBytesMax(_ call: Call) -> Int {
        guard !broker.machine.quotas.isEmpty, let limit = limit(.consumerByteRate, call) else { return .max }
        return Int(min(limit.rate * QuotaWindow.burst, Double(BrokerSettings.fetchBytesMax)))
    }

    // MARK: limits

    private func client(_ call: Call) -> Client {
        Client(user: String(call.session.principal.dropFirst("User:".count)), id: call.clientID)
    }

    private func limit(_ kind: QuotaKind, _ call: Call) -> (rate: Double, sharedBy: QuotaEntity)? {
        let quotas = broker.machine.quotas
        if quotas.version != limitsVersion || limits.count >= Self.entriesMax {
            limits = [:]
            limitsVersion = quotas.version
        }
        let client = client(call)
        if let known = limits[client] { return known[kind] }
        var found: [QuotaKind: (rate: Double, sharedBy: QuotaEntity)] = [:]
        for kind in QuotaKind.allCases { found[kind] = quotas.limit(kind, user: client.user, client: client.id) }
        limits[client] = found
        return found[kind]
    }

    private func take(_ kind: QuotaKind, _ amount: Double, _ call: Call) -> Duration {
        guard let limit = limit(kind, call) else { return .zero }
        let wait = take(LimitName(kind: kind, sharedBy: limit.sharedBy)) { $0.take(amount, rate: limit.rate, now: $1) }
        return kind == .requestPercentage ? min(wait, Self.waitMax) : wait
    }

    private func take(_ name: LimitName, _ body: (inout QuotaWindow, Instant) -> Duration) -> Duration {
        if windows[name] == nil, windows.count >= Self.entriesMax { forgetIdleWindows() }
        return body(&windows[name, default: QuotaWindow()], broker.now)
    }

    /// Drops empty windows, which equal new ones. If none is empty, drops all: a briefly forgotten limit is better than unlimited memory.
    private func forgetIdleWindows() {
        for name in Array(windows.keys) where windows[name]?.isEmpty(now: broker.now) == true { windows[name] = nil }
        if windows.count >= Self.entriesMax { windows = [:] }
    }

    // MARK: changes of metadata

    private func bucket<T>(_ call: Call, _ body: (inout QuotaBucket) -> T) -> T? {
        guard let limit = limit(.controllerMutationRate, call) else { return nil }
        let name = LimitName(kind: .controllerMutationRate, sharedBy: limit.sharedBy)
        if buckets[name] == nil, buckets.count >= Self.entriesMax { forgetIdleBuckets() }
        var bucket = buckets[name] ?? QuotaBucket(rate: limit.rate, burst: Self.changesBurst, now: broker.now)
        bucket.set(rate: limit.rate, now: broker.now)
        let result = body(&bucket)
        buckets[name] = bucket
        return result
    }

    private func takeChanges(_ amount: Double, _ call: Call) -> Duration { bucket(call) { $0.take(amount, now: broker.now) } ?? .zero }

    private func isOverdrawn(_ call: Call) -> Bool { bucket(call) { $0.isOverdrawn(now: broker.now) } ?? false }

    /// The same for full buckets.
    private func forgetIdleBuckets() {
        for name in Array(buckets.keys) where buckets[name]?.isFull(now: broker.now) == true { buckets[name] = nil }
        if buckets.count >= Self.entriesMax { buckets = [:] }
    }
}

/// A request's quota, besides the time that it takes.
enum RequestQuota<Request: KafkaRequest>: Sendable {
    /// Its bytes, as records.
    case produced
    /// The partitions that it creates or deletes. From version `strictSince` on the client knows the error of a limit (KIP-599); older
    /// clients are only throttled.
    case changes(strictSince: Int16, count: @Sendable (Broker, Request) -> Int, refusal: @Sendable (Request) -> Request.Response)
}

/// The reason for refusing a change of partitions.
private let changesRefusal = "the limit on changes of partitions is used up; try again after the throttle time"

extension RequestQuota<CreateTopicsRequest> {
    static var created: Self {
        .changes(strictSince: 6) { broker, request in
            guard !request.validateOnly else { return 0 }
            return request.topics.reduce(0) { sum, topic in
                sum + max(topic.assignments.count, topic.numPartitions > 0 ? Int(topic.numPartitions) : Int(broker.defaultPartitions))
            }
        } refusal: { request in
            var response = request.refused(.throttlingQuotaExceeded)
            for index in response.topics.indices { response.topics[index].errorMessage = changesRefusal }
            return response
        }
    }
}

extension RequestQuota<DeleteTopicsRequest> {
    static var deleted: Self {
        .changes(strictSince: 5) { broker, request in
            let names = request.topicNames + request.topics.compactMap { $0.name ?? broker.machine.topic(id: $0.topicID)?.name }
            return names.reduce(0) { $0 + Int(broker.machine.topics[$1]?.partitions ?? 0) }
        } refusal: { request in
            var response = request.refused(.throttlingQuotaExceeded)
            for index in response.responses.indices { response.responses[index].errorMessage = changesRefusal }
            return response
        }
    }
}

extension RequestQuota<CreatePartitionsRequest> {
    static var grown: Self {
        .changes(strictSince: 3) { broker, request in
            guard !request.validateOnly else { return 0 }
            return request.topics.reduce(0) { $0 + max(0, Int($1.count) - Int(broker.machine.topics[$1.name]?.partitions ?? 0)) }
        } refusal: { request in
            var response = request.refused(.throttlingQuotaExceeded)
            for index in response.results.indices { response.results[index].errorMessage = changesRefusal }
            return response
        }
    }
}
