// The last renewal of each lease. Soft state: after a restart every holder has its full time again.
import Base

/// The renewal times of lease holders.
package struct Leases: Sendable {
    private var renewed = LookupTable<String, Instant>()
    private let began: Instant

    /// After this time without renewal another client may ask for the file (HDFS: 1 minute).
    package static let softLimit = Duration.seconds(60)
    /// After this time the namenode closes the file by itself (HDFS: 20 minutes).
    package static let hardLimit = Duration.seconds(1200)

    package init(now: Instant) { began = now }

    package mutating func renew(_ holder: String, now: Instant) { renewed[holder] = now }
    package mutating func forget(_ holder: String) { renewed.remove(holder) }

    package func isOver(_ limit: Duration, _ holder: String, now: Instant) -> Bool { now - (renewed[holder] ?? began) > limit }
}
