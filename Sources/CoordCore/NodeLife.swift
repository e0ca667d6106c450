// How long a node lives, and the one number in which that is stored. The number is ZooKeeper's own (EphemeralType): a session's id, or a
// marker in the highest byte; clients only ever see the session's id.
import Base

/// What ends a node.
package enum NodeLife: Sendable, Hashable {
    case persistent
    /// Goes with its session.
    case ephemeral(SessionID)
    /// Goes when it is empty again.
    case container
    /// Goes when it had neither a change nor children for so long.
    case ttl(milliseconds: Int64)

    /// The longest time to live: 40 bits of milliseconds.
    package static let ttlMillisecondsMax: Int64 = 0xff_ffff_ffff

    /// Whether a node can have that time to live.
    package static func isTTL(milliseconds: Int64) -> Bool { (1...ttlMillisecondsMax).contains(milliseconds) }

    private static let containerMark = Int64.min
    private static let ttlMark = Int64(bitPattern: 0xff00_0000_0000_0000)
    private static let markMask = ttlMark

    /// The form in tables and statistics.
    package var stored: Int64 {
        switch self {
        case .persistent: 0
        case .ephemeral(let session): session.rawValue
        case .container: Self.containerMark
        case .ttl(let milliseconds): Self.ttlMark | milliseconds
        }
    }

    package init(stored: Int64) {
        self =
            switch stored {
            case 0: .persistent
            case Self.containerMark: .container
            case _ where stored & Self.markMask == Self.ttlMark: .ttl(milliseconds: stored & Self.ttlMillisecondsMax)
            default: .ephemeral(SessionID(stored))
            }
    }

    package var session: SessionID? { if case .ephemeral(let session) = self { session } else { nil } }
}
