// The network between simulated replicas: latency, loss, duplicates, reordering, cut and slow links, each direction on its own.
import Base
import Replication

/// A link's behaviour between two replicas.
package struct SimLink: Sendable {
    package var isCut = false
    /// Added to the usual delay, in nanoseconds.
    package var extraDelay: Int64 = 0
}

/// Decides when, and whether, a message arrives.
struct SimNetwork {
    /// Lost and doubled messages, out of 1000.
    var lossPermille = 0
    var duplicatePermille = 0
    /// The largest extra delay of a message, in nanoseconds; large ones overtake each other.
    var jitter: Int64 = 500_000
    private var links: [[SimLink]]

    init(nodes: Int) { links = Array(repeating: Array(repeating: SimLink(), count: nodes), count: nodes) }

    subscript(from: Int, to: Int) -> SimLink {
        get { links[from][to] }
        set { links[from][to] = newValue }
    }

    /// The delays after which a message arrives; none if it is lost.
    func arrivals(from: Int, to: Int, _ random: inout Prng) -> [Int64] {
        let link = links[from][to]
        if link.isCut || random.chance(lossPermille, in: 1000) { return [] }
        let copies = random.chance(duplicatePermille, in: 1000) ? 2 : 1
        return (0..<copies).map { _ in 100_000 + link.extraDelay + Int64(random.below(Int(jitter))) }
    }

    mutating func heal() {
        self = SimNetwork(nodes: links.count)
    }
}
