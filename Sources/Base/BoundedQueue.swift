// A queue with a limit, since every queue has one. `push` returns false when it is full, and the caller decides which request to
// refuse.
import DequeModule

/// First in, first out, never more than `limit` elements.
public struct BoundedQueue<Element> {
    private var elements = Deque<Element>()
    public let limit: Int

    /// `limit` counts elements and must be positive.
    public init(limit: Int) {
        precondition(limit > 0, "a queue that holds nothing is not a queue")
        self.limit = limit
    }

    public var count: Int { elements.count }
    public var isEmpty: Bool { elements.isEmpty }
    public var isFull: Bool { elements.count >= limit }

    /// False if the queue is full; the element was not taken.
    public mutating func push(_ element: Element) -> Bool {
        guard elements.count < limit else { return false }
        elements.append(element)
        return true
    }

    public mutating func pop() -> Element? { elements.popFirst() }

    /// Everything, in order; the queue is empty afterwards.
    public mutating func drain() -> [Element] {
        defer { elements.removeAll(keepingCapacity: true) }
        return Array(elements)
    }
}
