// The last renewal of each lease. Soft state: after a restart every holder has its full time again.
import Base
import Collections

/// The renewal times of lease holders.
package struct Leases: Sendable {
    private var renewed = LookupTable<String, Instant>()
    /// The holders with an entry.
    private var holders = Deque<String>()
    package let began: Instant

    /// After this time without renewal another client may ask for the file (HDFS: 1 minute).
    package static let softLimit = Duration.seconds(60)
    /// After this time the namenode closes the file by itself (HDFS: 20 minutes).
    package static let hardLimit = Duration.seconds(1200)

    package init(now: Instant) { began = now }

    package var count: Int { holders.count }

    /// A new holder makes room: two old entries are looked at, and go if their holders hold nothing any more.
    package mutating func renew(_ holder: String, now: Instant, isHolder: (String) -> Bool) {
        if renewed[holder] == nil {
            for _ in 0..<min(2, holders.count) {
                guard let oldest = holders.popFirst() else { break }
                if isHolder(oldest) { holders.append(oldest) } else { renewed.remove(oldest) }
            }
            holders.append(holder)
        }
        renewed[holder] = now
    }

    package func isOver(_ limit: Duration, _ holder: String, now: Instant) -> Bool { now - (renewed[holder] ?? began) > limit }
}
