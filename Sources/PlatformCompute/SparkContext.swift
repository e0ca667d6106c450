// The entry point of RDD programs: an application name, a master, and the shared threads and caches of its jobs. Transformations are
// recorded, nothing runs before an action. It starts no server and opens no connection.
import ComputeCore
import ComputeRuntime
import Foundation
import Synchronization

public final class SparkContext: Sendable {
    /// Partitions of one RDD; more would be bookkeeping without parallelism.
    public static let partitionsMax = 100_000

    public let appName: String
    public let master: String
    /// The default number of an RDD's partitions: the number of task threads.
    public let defaultParallelism: Int

    let pool: ComputePool
    let cache = PartitionCache()
    let files: FileSchemes
    private let nextID = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)

    /// `master` is `local` (one thread), `local[N]` or `local[*]` (one thread for each processor).
    public convenience init(appName: String, master: String = "local[*]") throws {
        try self.init(appName: appName, master: master, files: FileSchemes())
    }

    /// With the file systems for this context's paths.
    package init(appName: String, master: String, files: FileSchemes) throws {
        guard let threads = Self.threads(master) else { throw ComputeError.unknownMaster(master) }
        self.appName = appName
        self.master = master
        self.files = files
        defaultParallelism = threads
        pool = ComputePool(name: "task", threads: threads)
    }

    /// Actions after this are refused. Cached partitions are dropped.
    public func stop() {
        isStopped.store(true, ordering: .releasing)
        cache.clear()
    }

    /// The elements in `numSlices` partitions of about equal size, by default one for each thread.
    public func parallelize<Element: Sendable>(_ elements: some Sequence<Element> & Sendable, numSlices: Int? = nil) -> RDD<Element> {
        let elements = Array(elements)
        let slices = Self.partitions(numSlices ?? defaultParallelism)
        let node = makeNode("parallelize", partitions: slices, inputs: [])
        return RDD(context: self, node: node) { partition, sink in
            let start = elements.count * partition / slices
            let end = elements.count * (partition + 1) / slices
            for element in elements[start..<end] where try !sink(element) { return }
        }
    }

    /// One partition without elements.
    public func emptyRDD<Element: Sendable>(of type: Element.Type = Element.self) -> RDD<Element> {
        parallelize([] as [Element], numSlices: 1)
    }

    /// Lines of files, directories or `*` patterns; several are separated by commas. Gzip-compressed files (`.gz`) are one partition each.
    public func textFile(_ path: String, minPartitions: Int? = nil) throws -> RDD<String> {
        let files = self.files
        do {
            var inputs: [InputFile] = []
            for part in path.split(separator: ",") {
                inputs += try files.expand(String(part)).map { InputFile(path: $0.path, bytes: $0.bytes, blockBytes: $0.blockBytes) }
            }
            let total = inputs.reduce(0) { $0 + $1.bytes }
            let wanted = Int64(Self.partitions(minPartitions ?? min(defaultParallelism, 2)))
            let splits = InputSplits.plan(inputs, splitBytesMax: max(1, (total + wanted - 1) / wanted))
            guard splits.count <= InputSplits.splitsMax else { throw ComputeError.file("\(path): \(splits.count) splits are too many") }
            let node = makeNode("textFile", partitions: max(1, splits.count), inputs: [])
            return RDD(context: self, node: node) { partition, sink in
                guard partition < splits.count else { return }
                let split = splits[partition]
                let reader = SplitReader(files: try files.resolve(split.path).files, split: split)
                try reader.forEachLine { try sink(String(decoding: $0, as: UTF8.self)) }
            }
        } catch let error as JobFileError {
            throw ComputeError.file(error.description)
        }
    }

    /// The partitions of all, in order, duplicates kept.
    public func union<Element: Sendable>(_ parts: [RDD<Element>]) -> RDD<Element> {
        guard let first = parts.first else { return emptyRDD() }
        return parts.dropFirst().reduce(first) { $0.union($1) }
    }

    func makeNode(_ name: String, partitions: Int, inputs: [LineageInput]) -> LineageNode {
        LineageNode(id: DatasetID(newID()), name: name, partitionCount: partitions, inputs: inputs)
    }

    func newID() -> Int {
        nextID.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    func checkRunning() throws {
        if isStopped.load(ordering: .acquiring) { throw ComputeError.stopped }
    }

    static func partitions(_ wanted: Int) -> Int {
        precondition(wanted > 0 && wanted <= partitionsMax, "an RDD has 1 to \(partitionsMax) partitions")
        return wanted
    }

    private static func threads(_ master: String) -> Int? {
        if master == "local" { return 1 }
        guard master.hasPrefix("local["), master.hasSuffix("]") else { return nil }
        let count = master.dropFirst("local[".count).dropLast()
        if count == "*" { return max(1, ProcessInfo.processInfo.activeProcessorCount) }
        guard let threads = Int(count), (1...1_024).contains(threads) else { return nil }
        return threads
    }
}
