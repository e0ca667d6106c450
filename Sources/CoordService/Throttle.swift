// How much the server takes on at a time: requests that wait for their answers, over all connections, and the bytes that they hold. Above
// a limit connections are not read until the work has halved; nothing is refused.
import Base

/// Counts of what waits.
struct Throttle {
    let requestsMax: Int
    let bytesMax: Int
    private(set) var requests = 0
    private(set) var bytes = 0
    /// How often a connection was held back, since the start.
    private(set) var holds = 0

    init(requestsMax: Int, bytesMax: Int) {
        self.requestsMax = requestsMax
        self.bytesMax = bytesMax
    }

    var isFull: Bool { requests >= requestsMax || bytes >= bytesMax }
    var isRelaxed: Bool { requests <= requestsMax / 2 && bytes <= bytesMax / 2 }

    mutating func begin(bytes: Int) {
        requests += 1
        self.bytes += bytes
    }

    mutating func end(bytes: Int) {
        requests -= 1
        self.bytes -= bytes
    }

    mutating func noteHold() { holds += 1 }
}
