// The leader's view of one follower, observer or visitor: entries sent and acknowledged, and the last order to go back. Entries are sent
// ahead of their acknowledgements, up to a window; a follower names the first missing one, and gets them again.
import Base

struct FollowerProgress: Sendable {
    let node: NodeID
    /// The last slot that was sent.
    private(set) var sent: Slot
    /// The decision that was last told.
    var toldCommitted = Slot.zero
    /// Its last durable slot under the present ballot.
    private(set) var acknowledged = Slot.zero
    private(set) var heardAt: Instant?
    /// Since when a visitor is waited for.
    var begunAt: Instant?
    private var rewoundTo: Slot?
    private var rewoundAt = Instant.zero
    private var offeredAt: Instant?

    init(node: NodeID, sent: Slot) {
        self.node = node
        self.sent = sent
    }

    mutating func noteSent(through slot: Slot) { sent = max(sent, slot) }

    mutating func noteAcknowledged(_ slot: Slot, now: Instant) {
        acknowledged = max(acknowledged, slot)
        heardAt = now
        // It may hold more than it was sent: tables that it took over.
        noteSent(through: slot)
    }

    /// Goes back to what follows `slot`, unless that was just done: several messages in a row tell of the same gap.
    mutating func rewind(to slot: Slot, now: Instant, pause: Duration) -> Bool {
        if rewoundTo == slot, now - rewoundAt < pause { return false }
        guard slot < sent else { return false }
        (rewoundTo, rewoundAt, sent) = (slot, now, slot)
        return true
    }

    /// A new connection: nothing that was under way arrives any more.
    mutating func restart(from slot: Slot) {
        sent = slot
        rewoundTo = nil
    }

    /// Whether to offer the tables now; not more often than every `pause`.
    mutating func mayOffer(now: Instant, pause: Duration) -> Bool {
        if let offeredAt, now - offeredAt < pause { return false }
        offeredAt = now
        return true
    }
}
