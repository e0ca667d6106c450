// Transformations of RDDs of pairs. Keys go to the partition of their stable hash; values of one key are combined before the shuffle where
// the operation allows it. Keys in a result partition come in the order of their first appearance, so a result is the same in every run.
import Collections
import ComputeCore

extension RDD {
    /// Each value transformed; keys and partitions stay.
    public func mapValues<Key, Value, Output: Sendable>(
        _ transform: @escaping @Sendable (Value) throws -> Output
    ) -> RDD<(Key, Output)> where Element == (Key, Value) {
        narrow("mapValues", keepsPartitioning: true) { partition, sink in
            try run(partition) { try sink(($0.0, try transform($0.1))) }
        }
    }

    /// The key of each element, repeated as often as it comes.
    public func keys<Key: Sendable, Value>() -> RDD<Key> where Element == (Key, Value) {
        map { $0.0 }
    }

    /// The value of each element.
    public func values<Key, Value: Sendable>() -> RDD<Value> where Element == (Key, Value) {
        map { $0.1 }
    }

    /// One element for each key: its values combined two by two. `combine` must be associative; it runs before the shuffle and after it.
    /// `numPartitions`: those of the result, by default as many as here.
    public func reduceByKey<Key: ShuffleKey, Value: Sendable>(
        _ combine: @escaping @Sendable (Value, Value) throws -> Value, numPartitions: Int? = nil
    ) -> RDD<(Key, Value)> where Element == (Key, Value) {
        combined(
            "reduceByKey", numPartitions, create: { $0 }, merge: { $0 = try combine($0, $1) }, mergeCombiners: { $0 = try combine($0, $1) })
    }

    /// One element for each key, with all its values in order. Every value goes through the shuffle: prefer `reduceByKey` for sums.
    public func groupByKey<Key: ShuffleKey, Value: Sendable>(numPartitions: Int? = nil) -> RDD<(Key, [Value])>
    where Element == (Key, Value) {
        combined(
            "groupByKey", numPartitions, create: { [$0] }, merge: { $0.append($1) }, mergeCombiners: { $0.append(contentsOf: $1) })
    }

    /// One element for each key: its values of a partition folded from `zero` with `merge`, then the results of partitions with
    /// `mergeResults`.
    public func aggregateByKey<Key: ShuffleKey, Value: Sendable, Result: Sendable>(
        _ zero: Result, _ merge: @escaping @Sendable (Result, Value) throws -> Result,
        _ mergeResults: @escaping @Sendable (Result, Result) throws -> Result, numPartitions: Int? = nil
    ) -> RDD<(Key, Result)> where Element == (Key, Value) {
        combined(
            "aggregateByKey", numPartitions, create: { try merge(zero, $0) }, merge: { $0 = try merge($0, $1) },
            mergeCombiners: { $0 = try mergeResults($0, $1) })
    }

    /// The general form: `create` makes a result of a key's first value in a partition, `merge` adds another one, `mergeResults` joins the
    /// results of two partitions.
    public func combineByKey<Key: ShuffleKey, Value: Sendable, Result: Sendable>(
        _ create: @escaping @Sendable (Value) throws -> Result, _ merge: @escaping @Sendable (Result, Value) throws -> Result,
        _ mergeResults: @escaping @Sendable (Result, Result) throws -> Result, numPartitions: Int? = nil
    ) -> RDD<(Key, Result)> where Element == (Key, Value) {
        combined(
            "combineByKey", numPartitions, create: create, merge: { $0 = try merge($0, $1) },
            mergeCombiners: { $0 = try mergeResults($0, $1) })
    }

    /// For each key of either side, the values of both.
    public func cogroup<Key: ShuffleKey, Left: Sendable, Right: Sendable>(
        _ other: RDD<(Key, Right)>, numPartitions: Int? = nil
    ) -> RDD<(Key, ([Left], [Right]))> where Element == (Key, Left) {
        let count = SparkContext.partitions(numPartitions ?? max(node.partitionCount, other.node.partitionCount))
        let left = keyShuffle(count)
        let right = other.keyShuffle(count)
        let inputs: [LineageInput] = [.shuffle(left, parent: node), .shuffle(right, parent: other.node)]
        let node = context.makeNode("cogroup", partitions: count, inputs: inputs)
        return RDD<(Key, ([Left], [Right]))>(context: context, node: node, hashPartitions: count) { partition, sink in
            var groups: OrderedDictionary<Key, ([Left], [Right])> = [:]
            for map in 0..<left.mapPartitions {
                for (key, value) in try left.bucket(map, partition) { groups[key, default: ([], [])].0.append(value) }
            }
            for map in 0..<right.mapPartitions {
                for (key, value) in try right.bucket(map, partition) { groups[key, default: ([], [])].1.append(value) }
            }
            for (key, values) in groups where try !sink((key, values)) { return }
        }
    }

    /// One element for each pair of values of a key that is on both sides.
    public func join<Key: ShuffleKey, Left: Sendable, Right: Sendable>(
        _ other: RDD<(Key, Right)>, numPartitions: Int? = nil
    ) -> RDD<(Key, (Left, Right))> where Element == (Key, Left) {
        joined(other, "join", numPartitions) { left, right in
            left.flatMap { one in right.map { (one, $0) } }
        }
    }

    /// The same, and each value on this side without a partner, with nil.
    public func leftOuterJoin<Key: ShuffleKey, Left: Sendable, Right: Sendable>(
        _ other: RDD<(Key, Right)>, numPartitions: Int? = nil
    ) -> RDD<(Key, (Left, Right?))> where Element == (Key, Left) {
        joined(other, "leftOuterJoin", numPartitions) { left, right in
            right.isEmpty ? left.map { ($0, nil) } : left.flatMap { one in right.map { (one, $0) } }
        }
    }

    /// As `join`, and each value on the other side without a partner, with nil.
    public func rightOuterJoin<Key: ShuffleKey, Left: Sendable, Right: Sendable>(
        _ other: RDD<(Key, Right)>, numPartitions: Int? = nil
    ) -> RDD<(Key, (Left?, Right))> where Element == (Key, Left) {
        joined(other, "rightOuterJoin", numPartitions) { left, right in
            left.isEmpty ? right.map { (nil, $0) } : left.flatMap { one in right.map { (one, $0) } }
        }
    }

    /// As `join`, and each value of either side without a partner, with nil.
    public func fullOuterJoin<Key: ShuffleKey, Left: Sendable, Right: Sendable>(
        _ other: RDD<(Key, Right)>, numPartitions: Int? = nil
    ) -> RDD<(Key, (Left?, Right?))> where Element == (Key, Left) {
        joined(other, "fullOuterJoin", numPartitions) { left, right in
            if left.isEmpty { return right.map { (nil, $0) } }
            if right.isEmpty { return left.map { ($0, nil) } }
            return left.flatMap { one in right.map { (one, $0) } }
        }
    }

    private func joined<Key: ShuffleKey, Left: Sendable, Right: Sendable, Output: Sendable>(
        _ other: RDD<(Key, Right)>, _ name: String, _ numPartitions: Int?,
        _ pair: @escaping @Sendable ([Left], [Right]) -> [Output]
    ) -> RDD<(Key, Output)> where Element == (Key, Left) {
        let groups: RDD<(Key, ([Left], [Right]))> = cogroup(other, numPartitions: numPartitions)
        return groups.narrow(name, keepsPartitioning: true) { partition, sink in
            try groups.run(partition) { key, sides in
                for output in pair(sides.0, sides.1) where try !sink((key, output)) { return false }
                return true
            }
        }
    }

    /// Values of a key combined within each map task, then across them. Without a shuffle if equal keys already lie together.
    private func combined<Key: ShuffleKey, Value: Sendable, Result: Sendable>(
        _ name: String, _ numPartitions: Int?, create: @escaping @Sendable (Value) throws -> Result,
        merge: @escaping @Sendable (inout Result, Value) throws -> Void,
        mergeCombiners: @escaping @Sendable (inout Result, Result) throws -> Void
    ) -> RDD<(Key, Result)> where Element == (Key, Value) {
        let count = SparkContext.partitions(numPartitions ?? node.partitionCount)
        @Sendable func combine(_ partition: Int) throws -> OrderedDictionary<Key, Result> {
            var results: OrderedDictionary<Key, Result> = [:]
            try run(partition) { key, value in
                if let index = results.index(forKey: key) {
                    try merge(&results.values[index], value)
                } else {
                    results[key] = try create(value)
                }
                return true
            }
            return results
        }
        if hashPartitions == count {
            return narrow(name, keepsPartitioning: true) { partition, sink in
                for (key, result) in try combine(partition) where try !sink((key, result)) { return }
            }
        }
        let shuffle = Shuffle<[(Key, Result)]>(context: context, mapPartitions: node.partitionCount) { partition in
            var buckets = [[(Key, Result)]](repeating: [], count: count)
            for (key, result) in try combine(partition) { buckets[StableHasher.partition(of: key, count: count)].append((key, result)) }
            return buckets
        }
        let node = context.makeNode(name, partitions: count, inputs: [.shuffle(shuffle, parent: node)])
        return RDD<(Key, Result)>(context: context, node: node, hashPartitions: count) { partition, sink in
            var results: OrderedDictionary<Key, Result> = [:]
            for map in 0..<shuffle.mapPartitions {
                for (key, result) in try shuffle.bucket(map, partition) {
                    if let index = results.index(forKey: key) {
                        try mergeCombiners(&results.values[index], result)
                    } else {
                        results[key] = result
                    }
                }
            }
            for (key, result) in results where try !sink((key, result)) { return }
        }
    }

    private func keyShuffle<Key: ShuffleKey, Value: Sendable>(_ count: Int) -> Shuffle<[(Key, Value)]> where Element == (Key, Value) {
        Shuffle(context: context, mapPartitions: node.partitionCount) { partition in
            var buckets = [[(Key, Value)]](repeating: [], count: count)
            try run(partition) { pair in
                buckets[StableHasher.partition(of: pair.0, count: count)].append(pair)
                return true
            }
            return buckets
        }
    }
}
