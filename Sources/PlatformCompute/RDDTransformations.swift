// Transformations of any RDD. All are lazy: each adds a node to the lineage and returns. Those that move elements between partitions
// (distinct, repartition) go through a shuffle; the others run in the task of their parent.
import ComputeCore

extension RDD {
    public func map<Output: Sendable>(_ transform: @escaping @Sendable (Element) throws -> Output) -> RDD<Output> {
        narrow("map") { partition, sink in
            try run(partition) { try sink(try transform($0)) }
        }
    }

    /// The elements of the sequences that `transform` makes of each element, in order.
    public func flatMap<Output: Sendable>(_ transform: @escaping @Sendable (Element) throws -> some Sequence<Output> & SendableMetatype)
        -> RDD<Output>
    {
        narrow("flatMap") { partition, sink in
            try run(partition) { element in
                for output in try transform(element) where try !sink(output) { return false }
                return true
            }
        }
    }

    /// The elements for which `isIncluded` is true; partitions stay.
    public func filter(_ isIncluded: @escaping @Sendable (Element) throws -> Bool) -> RDD<Element> {
        narrow("filter", keepsPartitioning: true) { partition, sink in
            try run(partition) { try isIncluded($0) ? try sink($0) : true }
        }
    }

    /// The transform sees a whole partition at once.
    public func mapPartitions<Output: Sendable>(
        _ transform: @escaping @Sendable ([Element]) throws -> some Sequence<Output> & SendableMetatype
    ) -> RDD<Output> {
        narrow("mapPartitions") { partition, sink in
            for output in try transform(try elements(partition)) where try !sink(output) { return }
        }
    }

    /// The same with the partition's number, from 0 on.
    public func mapPartitionsWithIndex<Output: Sendable>(
        _ transform: @escaping @Sendable (_ partition: Int, [Element]) throws -> some Sequence<Output> & SendableMetatype
    ) -> RDD<Output> {
        narrow("mapPartitionsWithIndex") { partition, sink in
            for output in try transform(partition, try elements(partition)) where try !sink(output) { return }
        }
    }

    /// Each partition as one array.
    public func glom() -> RDD<[Element]> {
        narrow("glom") { partition, sink in _ = try sink(try elements(partition)) }
    }

    /// Each element behind its key.
    public func keyBy<Key: Sendable>(_ key: @escaping @Sendable (Element) throws -> Key) -> RDD<(Key, Element)> {
        narrow("keyBy") { partition, sink in
            try run(partition) { try sink((try key($0), $0)) }
        }
    }

    /// The partitions of both, duplicates kept.
    public func union(_ other: RDD<Element>) -> RDD<Element> {
        let count = node.partitionCount
        let union = context.makeNode("union", partitions: count + other.node.partitionCount, inputs: [.narrow(node), .narrow(other.node)])
        return RDD(context: context, node: union) { partition, sink in
            if partition < count { try run(partition, sink) } else { try other.run(partition - count, sink) }
        }
    }

    /// Fewer partitions without moving elements between tasks; neighbours are joined. More partitions need `repartition`.
    public func coalesce(_ numPartitions: Int) -> RDD<Element> {
        let count = min(SparkContext.partitions(numPartitions), node.partitionCount)
        let parents = node.partitionCount
        return RDD(context: context, node: context.makeNode("coalesce", partitions: count, inputs: [.narrow(node)])) { partition, sink in
            var wantsMore = true
            for parent in (parents * partition / count)..<(parents * (partition + 1) / count) where wantsMore {
                try run(parent) { element in
                    wantsMore = try sink(element)
                    return wantsMore
                }
            }
        }
    }

    /// The elements spread evenly over this many partitions.
    public func repartition(_ numPartitions: Int) -> RDD<Element> {
        let count = SparkContext.partitions(numPartitions)
        let shuffle = Shuffle<[Element]>(context: context, mapPartitions: node.partitionCount) { partition in
            var buckets = [[Element]](repeating: [], count: count)
            var next = partition
            try run(partition) { element in
                buckets[next % count].append(element)
                next += 1
                return true
            }
            return buckets
        }
        let node = context.makeNode("repartition", partitions: count, inputs: [.shuffle(shuffle, parent: node)])
        return RDD(context: context, node: node) { partition, sink in
            for map in 0..<shuffle.mapPartitions {
                for element in try shuffle.bucket(map, partition) where try !sink(element) { return }
            }
        }
    }
}

extension RDD where Element: ShuffleKey {
    /// Each element once.
    public func distinct(_ numPartitions: Int? = nil) -> RDD<Element> {
        let unique = map { ($0, true) }.reduceByKey({ first, _ in first }, numPartitions: numPartitions)
        return unique.narrow("distinct") { partition, sink in
            try unique.run(partition) { try sink($0.0) }
        }
    }
}
