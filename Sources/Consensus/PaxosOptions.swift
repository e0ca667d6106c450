// Times and sizes of consensus. The relations between them are what safety and the outage after a lost leader rest on, so they are
// checked once, here.
import Base

package struct PaxosOptions: Sendable {
    /// How often a leader speaks when it has nothing to say.
    package var heartbeat = Duration.milliseconds(50)
    /// How long a leader that has heard from a quorum may answer reads from its own state, counted from when it asked.
    package var lease = Duration.milliseconds(200)
    /// How long a replica that has heard a leader promises nothing to another one. Longer than `lease`, by more than clocks may drift
    /// apart in that time, and counted from later.
    package var grant = Duration.milliseconds(250)
    /// Silence after which a replica looks for votes; the real time is drawn between this and twice this.
    package var electionTimeout = Duration.milliseconds(400)
    /// Entries that a follower may have outstanding, in slots: bounds what lies in its connection.
    package var windowSlots: Int64 = 8192
    /// Entries in one message, in bytes.
    package var chunkBytes = 1 << 20
    /// How far behind this replica's own decisions a candidate may be, in slots; bounds the size of a promise.
    package var candidateLagSlots: Int64 = 4096

    package init() {}

    func check() {
        precondition(lease < grant && grant < electionTimeout, "a lease ends before its grants, and grants before elections")
        precondition(heartbeat * 3 <= lease, "a lease outlasts the loss of a heartbeat")
    }
}
