// Nodes whose rows are still to be made: a node that is written again and again becomes one row when the tables are brought up to date. When
// many have gathered their rows are made at once, so that nobody ever waits for all of them.
import Base
import Collections

/// Paths of changed nodes, each once, in the order in which they first changed.
struct ChangedPaths: Sendable {
    /// Rows made in one go; about half a millisecond's work.
    private static let pathsMax = 512
    private var paths = OrderedSet<ExactText>()

    var isFull: Bool { paths.count >= Self.pathsMax }

    mutating func add(_ path: String) { paths.append(ExactText(path)) }

    /// Makes the rows as the tree has them now.
    mutating func complete(_ tree: ZnodeTree, _ rows: inout RowChanges) {
        for path in paths {
            if let node = tree.node(path.text) { CoordRows.upsert(path.text, node, &rows) } else { CoordRows.delete(path.text, &rows) }
        }
        paths.removeAll(keepingCapacity: true)
    }
}
