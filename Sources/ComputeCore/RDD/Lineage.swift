// The graph behind RDDs: the parents of each dataset, and the shuffles between. Nodes are immutable and hold their parents, so a graph
// lives exactly as long as its result can be asked for. It holds no elements and runs nothing. Source: Zaharia et al., "Resilient
// Distributed Datasets" (NSDI 2012), section 4.

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

/// The map side of one shuffle; hides the closures and outputs of the typed library.
package protocol ShuffleWork: AnyObject, Sendable {
    var id: ShuffleID { get }
    var mapPartitions: Int { get }
    /// Work before map tasks can run (the bounds of a range partitioner); called by the driver, never inside a task.
    func prepare() throws
    func runMapTask(_ partition: Int) throws
    func hasOutput(_ mapPartition: Int) -> Bool
    func discardOutput(_ mapPartition: Int)
}

/// A reduce task's missing bucket; thrown by the task, answered by a new run of the map task.
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
    /// The transformation that made the dataset, for error messages.
    package let name: String
    package let partitionCount: Int
    package let inputs: [LineageInput]
    /// Transformations from the farthest source to here; tasks nest one closure for each.
    package let depth: Int

    /// Limit of the depth, checked when an action runs: a task's stack holds at least one frame for each transformation.
    package static let depthMax = 4_000

    package init(id: DatasetID, name: String, partitionCount: Int, inputs: [LineageInput]) {
        self.id = id
        self.name = name
        self.partitionCount = partitionCount
        self.inputs = inputs
        depth = 1 + (inputs.map(\.parent.depth).max() ?? 0)
    }
}
