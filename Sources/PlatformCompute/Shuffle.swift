// The map side of one shuffle in this process: each map task leaves one bucket for each reduce partition. A missing bucket is thrown as a
// loss, which makes the scheduler run the map task again. Outputs live as long as the RDDs that read them. Buckets are in memory; this
// library's local master does not spill.
import ComputeCore
import Synchronization

final class Shuffle<Bucket: Sendable>: ShuffleWork {
    let id: ShuffleID
    let mapPartitions: Int
    private let runTask: @Sendable (Int) throws -> [Bucket]
    private let prepareOnce: @Sendable () throws -> Void
    private let outputs = Mutex<[Int: [Bucket]]>([:])

    init(
        context: SparkContext, mapPartitions: Int, prepare: @escaping @Sendable () throws -> Void = {},
        map: @escaping @Sendable (Int) throws -> [Bucket]
    ) {
        id = ShuffleID(context.newID())
        self.mapPartitions = mapPartitions
        prepareOnce = prepare
        runTask = map
    }

    func prepare() throws {
        try prepareOnce()
    }

    func runMapTask(_ partition: Int) throws {
        let buckets = try runTask(partition)
        outputs.withLock { $0[partition] = buckets }
    }

    func hasOutput(_ mapPartition: Int) -> Bool {
        outputs.withLock { $0[mapPartition] != nil }
    }

    func discardOutput(_ mapPartition: Int) {
        outputs.withLock { _ = $0.removeValue(forKey: mapPartition) }
    }

    func bucket(_ mapPartition: Int, _ reducePartition: Int) throws -> Bucket {
        guard let buckets = outputs.withLock({ $0[mapPartition] }) else {
            throw ShuffleOutputLost(shuffle: id, mapPartition: mapPartition)
        }
        return buckets[reducePartition]
    }
}
