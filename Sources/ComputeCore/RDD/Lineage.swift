// The graph behind RDDs: which dataset is computed from which, and where a shuffle lies between. Nodes are immutable and hold their
// parents, so a graph lives exactly as long as somebody can still ask for its result. It holds no elements and runs nothing.
// Source: Zaharia et al., "Resilient Distributed Datasets" (NSDI 2012), section 4.

package struct DatasetID: Hashable, Comparable, Sendable {
    package let number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (left: DatasetID, right: DatasetID) -> Bool { left.number < right.number }
}

package struct ShuffleID: Hashable, Comparable, Sendable {
    package let number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (left: ShuffleID, right: ShuffleID) -> Bool { left.number < right.number }
}

/// The map side of one shuffle, behind which the typed library keeps its closures and outputs.
package protocol ShuffleWork: AnyObject, Sendable {
    var id: ShuffleID { get }
    var mapPartitions: Int { get }
    /// What must be known before map tasks can run (the bounds of a range partitioner); called by the driver, never inside a task.
    func prepare() throws
    func runMapTask(_ partition: Int) throws
    func hasOutput(_ mapPartition: Int) -> Bool
    func discardOutput(_ mapPartition: Int)
}

/// A bucket that a reduce task needs is not there; thrown by the task, answered by running the map task again.
package struct ShuffleOutputLost: Error {
    package let shuffle: ShuffleID
    package let mapPartition: Int

    package init(shuffle: ShuffleID, mapPartition: Int) {
        self.shuffle = shuffle
        self.mapPartition = mapPartition
    }
}

package enum LineageInput: Sendable {
    /// Each partition needs some partitions of the parent, computed in the same task.
    case narrow(LineageNode)
    /// Each partition needs a bucket of every partition of the parent.
    case shuffle(any ShuffleWork, parent: LineageNode)

    package var parent: LineageNode {
        switch self {
        case .narrow(let node), .shuffle(_, let node): node
        }
    }
}

package final class LineageNode: Sendable {
    package let id: DatasetID
    /// The transformation that made it, for error messages.
    package let name: String
    package let partitionCount: Int
    package let inputs: [LineageInput]
    /// Transformations from the farthest source to here; tasks nest one closure for each.
    package let depth: Int

    /// Deeper lineages are refused when an action runs: a task's stack holds one frame and more for each transformation.
    package static let depthMax = 4_000

    package init(id: DatasetID, name: String, partitionCount: Int, inputs: [LineageInput]) {
        self.id = id
        self.name = name
        self.partitionCount = partitionCount
        self.inputs = inputs
        depth = 1 + (inputs.map(\.parent.depth).max() ?? 0)
    }
}
