// The sessions as one server sees them beside the log: when each was last heard from, which only this server knows, who opened how many,
// and the next number.
import Base
import CoordCore

/// Settings of sessions.
package struct SessionSettings: Sendable {
    /// The unit of timeouts, in milliseconds: a session lives 2 to 20 ticks without being heard from.
    package var tickMilliseconds: Int32 = 2000
    /// Sessions of all servers, above which none is opened; 0 for no limit.
    package var countMax = 200_000
    /// Sessions that live and were opened here from one address; 0 for no limit.
    package var countPerAddressMax = 20_000
    /// Whether sessions of an ensemble begin as ones that only their server knows.
    package var areLocalFirst = false

    package init() {}

    package var millisecondsMin: Int32 { 2 * tickMilliseconds }
    package var millisecondsMax: Int32 { 20 * tickMilliseconds }
}

/// Who opened how many of the sessions that live. A session outlives its connection by its timeout, so that limits of connections do not
/// bound sessions.
package struct SessionShares {
    private var addresses: [SessionID: String] = [:]
    private var counts: [String: Int] = [:]

    package init() {}

    package func count(of address: String) -> Int { counts[address] ?? 0 }

    package mutating func begin(_ session: SessionID, from address: String) {
        guard addresses.updateValue(address, forKey: session) == nil else { return }
        counts[address, default: 0] += 1
    }

    /// Nothing for a session that was opened elsewhere.
    package mutating func end(_ session: SessionID) {
        guard let address = addresses.removeValue(forKey: session), let count = counts[address] else { return }
        counts[address] = count > 1 ? count - 1 : nil
    }

    /// Ends those that are gone.
    package mutating func keep(_ lives: (SessionID) -> Bool) {
        for session in addresses.keys where !lives(session) { end(session) }
    }
}

/// One server's sessions.
struct SessionBook {
    var clock = SessionClock()
    var locals = LocalSessions()
    var shares = SessionShares()
    /// Whether the last one that was asked for was refused; tells the log once.
    var isFull = false
    /// The number of the next session opened here.
    private var next: Int64

    init(first: Int64) { next = first }

    mutating func takeNumber() -> SessionID {
        defer { next += 1 }
        return SessionID(next)
    }
}

extension CoordDoor {
    /// Whether another session from this address is within the limits. The client of a refused one is cut off and tries elsewhere.
    func hasRoom(from address: String) -> Bool {
        let limits = settings.sessions
        let (all, own) = (machine.sessions.count + sessions.locals.count, sessions.shares.count(of: address))
        let (isFull, isGreedy) = (
            limits.countMax > 0 && all >= limits.countMax, limits.countPerAddressMax > 0 && own >= limits.countPerAddressMax
        )
        defer { sessions.isFull = isFull || isGreedy }
        guard isFull || isGreedy else { return true }
        counters.refusedSessions.add()
        if !sessions.isFull {
            log.warning(
                "sessions are refused: raise coord.sessions.max or coord.sessions-per-address.max, or find the client that opens them",
                metadata: ["address": "\(address)", "sessions of the address": "\(own)", "sessions": "\(all)"])
        }
        return false
    }
}
