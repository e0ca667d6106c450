// Cuts a lineage into stages at its shuffles: everything between two shuffles runs in one task. It plans and decides nothing else; a stage
// with existing outputs is still listed, its tasks are just found to be done. Source: Zaharia et al., "Resilient Distributed Datasets"
// (NSDI 2012), section 5.1.

package struct StageID: Hashable, Comparable, Sendable {
    package let number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (left: StageID, right: StageID) -> Bool { left.number < right.number }
}

package struct Stage: Sendable {
    package enum Kind: Sendable {
        case shuffleMap(any ShuffleWork)
        case result
    }

    package let id: StageID
    package let kind: Kind
    package let node: LineageNode
    /// Partitions of `node` for this stage, ascending.
    package let partitions: [Int]
    package let parents: [StageID]
}

/// Stages in an order in which parents precede their children; the last one gives the result.
package struct StageGraph: Sendable {
    package private(set) var stages: [Stage] = []
    private var byShuffle: [ShuffleID: StageID] = [:]

    package init(target: LineageNode, partitions: [Int]) {
        let parents = addParents(of: target)
        stages.append(Stage(id: StageID(stages.count), kind: .result, node: target, partitions: partitions, parents: parents))
    }

    package func stage(of shuffle: ShuffleID) -> StageID? {
        byShuffle[shuffle]
    }

    /// The shuffles that feed `node` directly, each with its own stage added first.
    private mutating func addParents(of node: LineageNode) -> [StageID] {
        var parents: [StageID] = []
        var seen: Set<DatasetID> = [node.id]
        var open = [node]
        while let next = open.popLast() {
            for input in next.inputs {
                switch input {
                case .narrow(let parent):
                    if seen.insert(parent.id).inserted { open.append(parent) }
                case .shuffle(let work, let parent):
                    let stage = addShuffle(work, parent: parent)
                    if !parents.contains(stage) { parents.append(stage) }
                }
            }
        }
        return parents.sorted()
    }

    private mutating func addShuffle(_ work: any ShuffleWork, parent: LineageNode) -> StageID {
        if let known = byShuffle[work.id] { return known }
        let parents = addParents(of: parent)
        let stage = Stage(
            id: StageID(stages.count), kind: .shuffleMap(work), node: parent, partitions: Array(0..<work.mapPartitions), parents: parents)
        stages.append(stage)
        byShuffle[work.id] = stage.id
        return stage.id
    }
}
