// The follower's side of a leadership: its leader, and how far its log agrees with that leader's. Entries beyond `matched` of an earlier
// leader may differ from the decided ones, so they count only once this leader sends them.
import Base

struct Following: Sendable {
    var leader: NodeID?
    private(set) var ballot = Ballot.none
    /// Up to here the log is the leader's.
    private(set) var matched: Slot
    /// Up to here it is so durably.
    private(set) var durable: Slot
    /// The last decided slot, as the leader reports it.
    private(set) var decided: Slot

    init(committed: Slot) {
        matched = committed
        durable = committed
        decided = committed
    }

    /// Follows the leader of `ballot`; of an earlier leader's entries only decided ones count.
    mutating func follow(_ node: NodeID, _ ballot: Ballot, committed: Slot) {
        leader = node
        guard ballot != self.ballot else { return }
        self.ballot = ballot
        matched = committed
        durable = committed
        decided = committed
    }

    mutating func noteMatched(_ slot: Slot) { matched = max(matched, slot) }
    mutating func noteDurable(_ slot: Slot) { durable = max(durable, slot) }
    mutating func noteDecided(_ slot: Slot) { decided = max(decided, slot) }

    /// The tables hold everything up to `slot`.
    mutating func skip(to slot: Slot) {
        noteMatched(slot)
        noteDurable(slot)
    }

    /// What may be executed.
    var executable: Slot { min(decided, durable) }
}
