// A request that waits for its answer: its session, its version, and its place in the connection's order of answers.
import Base
import KafkaWire
import NetKit

/// One request of one connection. Answered exactly once, on the loop.
struct Call {
    let session: BrokerSession
    let ticket: RequestPipeline<OutgoingFrame>.Ticket
    let header: RequestHeader
    /// The size of the request's frame, which counts against the budget until the answer.
    let frameBytes: Int
    /// Whether this is a login message without a header, answered without one.
    var isBareToken = false
    /// Access control's changes to the response.
    private var amendments: [(inout any KafkaResponse) -> Void] = []
    /// The client's throttle time, stated in the answer.
    var throttle = Duration.zero

    var version: Int16 { header.version }
    var clientID: String { header.clientID ?? "" }
    /// Whether the request's connection has closed.
    var isAbandoned: Bool { session.isClosed }

    init(
        session: BrokerSession, ticket: RequestPipeline<OutgoingFrame>.Ticket, header: RequestHeader, frameBytes: Int,
        isBareToken: Bool = false
    ) {
        self.session = session
        self.ticket = ticket
        self.header = header
        self.frameBytes = frameBytes
        self.isBareToken = isBareToken
    }

    var isAmended: Bool { !amendments.isEmpty }

    /// Changes the response before it leaves, after other amendments or before them.
    mutating func amend<Response: KafkaResponse>(first: Bool = false, _ change: @escaping (inout Response) -> Void) {
        let amendment = { (body: inout any KafkaResponse) in
            guard var response = body as? Response else { preconditionFailure("a response is of its request's type") }
            change(&response)
            body = response
        }
        amendments.insert(amendment, at: first ? 0 : amendments.count)
    }

    func reply(_ body: any KafkaResponse) {
        guard !amendments.isEmpty || throttle > .zero else { return session.answer(self, body) }
        var body = body
        for amend in amendments { amend(&body) }
        if throttle > .zero { body.setThrottleTime(milliseconds: Int32(clamping: max(1, throttle.inMilliseconds))) }
        session.answer(self, body)
    }

    /// The request has no answer (acks=0).
    func replyNothing() { session.answer(self, nil) }
}

/// Calls `done` once all its parts have ended; the last `part()` to be called, or `close()` if there are no parts, triggers it.
final class Gathering {
    private var open = 1
    private let done: () -> Void
    init(_ done: @escaping () -> Void) { self.done = done }
    func enter() { open += 1 }
    func leave() {
        open -= 1
        precondition(open >= 0, "a part of a gathering ends once")
        if open == 0 { done() }
    }
}
