// Answers in the order of the requests, even if they are ready in another order: ZooKeeper and Kafka clients count on it. A plain value;
// the connection's session owns one and sends the released answers.
import Base
import DequeModule

/// Keeps the order of replies on one connection.
package struct RequestPipeline<Reply> {
    /// The place of a request in its connection's order.
    package struct Ticket: Hashable, Sendable { fileprivate var number: Int }

    private enum Slot {
        case waiting
        case ready(Reply)
        /// The request has no reply (Kafka's acks=0).
        case silent
    }

    private var slots = Deque<Slot>()
    private var firstNumber = 0
    package let limit: Int

    /// `limit` counts requests that wait for their reply; the session stops reading above it.
    package init(limit: Int) { self.limit = limit }

    package var waitingCount: Int { slots.count }
    package var isFull: Bool { slots.count >= limit }

    /// Takes the next place.
    package mutating func open() -> Ticket {
        slots.append(.waiting)
        return Ticket(number: firstNumber + slots.count - 1)
    }

    /// Puts a reply in its place and returns the replies that may be sent now, in order. nil: the request has no reply.
    package mutating func complete(_ ticket: Ticket, _ reply: Reply?) -> [Reply] {
        let place = ticket.number - firstNumber
        guard slots.indices.contains(place) else { preconditionFailure("a request is answered once") }
        slots[place] = reply.map { .ready($0) } ?? .silent
        var ready: [Reply] = []
        while let slot = slots.first {
            if case .waiting = slot { break }
            if case .ready(let reply) = slot { ready.append(reply) }
            slots.removeFirst()
            firstNumber += 1
        }
        return ready
    }
}
