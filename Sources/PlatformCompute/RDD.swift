// The resilient distributed dataset: a partitioned collection that is described, and computed only by an action. An RDD is a value; it
// holds its place in the lineage and the function from its parents' elements to its own. Elements are pushed from parent to child one at a
// time, so a chain of narrow transformations stores no intermediate results. Source: Zaharia et al., "Resilient Distributed Datasets" (NSDI
// 2012); Spark's RDD programming guide for names and meanings.
import ComputeCore

public struct RDD<Element: Sendable>: Sendable {
    /// Takes one element; returns false to stop.
    typealias Sink = (Element) throws -> Bool
    typealias Producer = @Sendable (_ partition: Int, _ sink: (Element) throws -> Bool) throws -> Void

    public let context: SparkContext
    let node: LineageNode
    /// Set if equal keys lie in the partition of their stable hash, for this many partitions.
    let hashPartitions: Int?
    private let produce: Producer

    init(context: SparkContext, node: LineageNode, hashPartitions: Int? = nil, produce: @escaping Producer) {
        self.context = context
        self.node = node
        self.hashPartitions = hashPartitions
        self.produce = produce
    }

    /// Identifies this RDD in messages; unique in its context.
    public var id: Int { node.id.number }

    public var getNumPartitions: Int { node.partitionCount }

    /// Keeps computed partitions in memory for later actions. Lazy: the first action that computes a partition keeps it.
    @discardableResult
    public func persist() -> Self {
        context.cache.persist(node.id)
        return self
    }

    @discardableResult
    public func cache() -> Self { persist() }

    @discardableResult
    public func unpersist() -> Self {
        context.cache.unpersist(node.id)
        return self
    }

    public var isPersisted: Bool { context.cache.isPersisted(node.id) }

    /// Forgets a cached partition, as losing a worker would; the next action computes it again.
    package func loseCachedPartition(_ partition: Int) {
        context.cache.lose(node.id, partition: partition)
    }

    /// Forgets the output of one map task in every shuffle that feeds this RDD, as losing a worker would.
    package func loseShuffleOutput(mapPartition: Int) {
        var open = [node]
        while let next = open.popLast() {
            for input in next.inputs {
                if case .shuffle(let work, _) = input { work.discardOutput(mapPartition) }
                open.append(input.parent)
            }
        }
    }

    /// Pushes the elements of one partition, from the cache if it holds them.
    func run(_ partition: Int, _ sink: (Element) throws -> Bool) throws {
        guard context.cache.isPersisted(node.id) else { return try produce(partition, sink) }
        let elements: [Element]
        if let kept = context.cache.elements(node.id, partition: partition, of: Element.self) {
            elements = kept
        } else {
            var computed: [Element] = []
            try produce(partition) { element in
                computed.append(element)
                return true
            }
            context.cache.keep(computed, node.id, partition: partition)
            elements = computed
        }
        for element in elements where try !sink(element) { return }
    }

    func elements(_ partition: Int) throws -> [Element] {
        var elements: [Element] = []
        try run(partition) { element in
            elements.append(element)
            return true
        }
        return elements
    }

    /// An RDD whose partitions each come from the same partition of this one.
    func narrow<Output: Sendable>(
        _ name: String, keepsPartitioning: Bool = false, _ produce: @escaping RDD<Output>.Producer
    ) -> RDD<Output> {
        RDD<Output>(
            context: context, node: context.makeNode(name, partitions: node.partitionCount, inputs: [.narrow(node)]),
            hashPartitions: keepsPartitioning ? hashPartitions : nil, produce: produce)
    }
}
