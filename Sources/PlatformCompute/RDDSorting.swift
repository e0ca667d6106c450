// Global sorting: a range partitioner with bounds from a sample, then a sort within each partition. The sample is a small job of its own,
// run by the driver before the first action that needs it, so that sorting stays as lazy as every other transformation. It is taken at
// regular distances, without random numbers: the same input gives the same partitions.
import ComputeCore
import Synchronization

extension RDD {
    /// Elements in the order of their keys, over partitions and within them; equal keys keep their order.
    public func sortBy<Key: Comparable & Sendable>(
        _ key: @escaping @Sendable (Element) throws -> Key, ascending: Bool = true, numPartitions: Int? = nil
    ) -> RDD<Element> {
        let count = SparkContext.partitions(numPartitions ?? node.partitionCount)
        let bounds = RangeBounds<Key>(count: count)
        let shuffle = Shuffle<[(Key, Element)]>(
            context: context, mapPartitions: node.partitionCount, prepare: { try bounds.prepare { try sampleKeys(key, for: count) } },
            map: { partition in
                let cuts = bounds.cuts
                var buckets = [[(Key, Element)]](repeating: [], count: count)
                try run(partition) { element in
                    let key = try key(element)
                    let range = RangeBounds.partition(of: key, cuts: cuts)
                    buckets[ascending ? range : count - 1 - range].append((key, element))
                    return true
                }
                return buckets
            })
        let node = context.makeNode("sortBy", partitions: count, inputs: [.shuffle(shuffle, parent: node)])
        return RDD(context: context, node: node) { partition, sink in
            var pairs: [(Key, Element)] = []
            for map in 0..<shuffle.mapPartitions { pairs.append(contentsOf: try shuffle.bucket(map, partition)) }
            // The position breaks ties, which makes the sort stable whatever the library's sort promises.
            let order = pairs.indices.sorted { left, right in
                if pairs[left].0 == pairs[right].0 { return left < right }
                return ascending ? pairs[left].0 < pairs[right].0 : pairs[right].0 < pairs[left].0
            }
            for index in order where try !sink(pairs[index].1) { return }
        }
    }

    /// Ordered by key over all partitions; elements of one key keep their order. Samples the keys at once, which runs a job.
    public func sortByKey<Key: Comparable & Sendable, Value>(
        ascending: Bool = true, numPartitions: Int? = nil
    ) -> RDD<(Key, Value)> where Element == (Key, Value) {
        sortBy({ $0.0 }, ascending: ascending, numPartitions: numPartitions)
    }

    private func sampleKeys<Key: Sendable>(_ key: @escaping @Sendable (Element) throws -> Key, for count: Int) throws -> [Key] {
        guard count > 1 else { return [] }
        let perPartition = max(RangeBounds<Int>.samplesPerRange, RangeBounds<Int>.samplesPerRange * 3 * count / node.partitionCount)
        let samples = try JobRunner(context: context).run(self, partitions: Array(0..<node.partitionCount)) { partition in
            // Keeps every `stride`th key; a full sample drops every second one and the stride doubles.
            var sample: [Key] = []
            var stride = 1
            var index = 0
            try self.run(partition) { element in
                if index % stride == 0 {
                    sample.append(try key(element))
                    if sample.count >= perPartition * 2 {
                        sample = sample.indices.filter { $0 % 2 == 0 }.map { sample[$0] }
                        stride *= 2
                    }
                }
                index += 1
                return true
            }
            return sample
        }
        return samples.flatMap { $0 }
    }
}

/// Upper bounds of the ranges of a sort, known after the sample.
final class RangeBounds<Key: Comparable & Sendable>: Sendable {
    static var samplesPerRange: Int { 20 }

    private let count: Int
    private let known = Mutex<[Key]?>(nil)

    init(count: Int) {
        self.count = count
    }

    func prepare(_ sample: () throws -> [Key]) throws {
        guard known.withLock({ $0 == nil }) else { return }
        let keys = try sample().sorted()
        var cuts: [Key] = []
        if !keys.isEmpty {
            for range in 1..<max(count, 1) {
                let cut = keys[min(keys.count - 1, keys.count * range / count)]
                if cuts.last.map({ $0 < cut }) ?? true { cuts.append(cut) }
            }
        }
        known.withLock { $0 = cuts }
    }

    var cuts: [Key] { known.withLock { $0 ?? [] } }

    /// The first range whose bound is not below the key; equal keys always meet in one range.
    static func partition(of key: Key, cuts: [Key]) -> Int {
        var (low, high) = (0, cuts.count)
        while low < high {
            let middle = (low + high) / 2
            if cuts[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
