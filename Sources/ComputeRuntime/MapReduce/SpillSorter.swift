// Sorts a map task's records by reduce task and key in bounded memory: records lie back to back in one arena, an index of small entries is
// sorted, and a full arena is combined and spilled as a run. At the end the runs are merged into one. No object is made for a record.
// Source: the map side of Hadoop's shuffle (documented behaviour); external merge sort.
import ComputeCore

final class SpillSorter {
    /// Takes the records of one reduce task in key order, emits those to write instead.
    typealias Combiner = (_ records: RecordSource, _ emit: @escaping (ArraySlice<UInt8>, ArraySlice<UInt8>) throws -> Void) throws -> Void

    private struct Entry {
        /// The first eight bytes of the key, big-endian, so that most comparisons touch no record.
        let prefix: UInt64
        let reduceTask: UInt32
        let offset: UInt32
    }

    private let reduceTasks: Int
    private let bytesMax: Int
    private let directory: String
    private let name: String
    private let combiner: Combiner?
    private var arena: [UInt8] = []
    private var entries: [Entry] = []
    private var runs: [RunFile] = []
    private(set) var spilledRecords: Int64 = 0

    /// `bytesMax` bounds arena and index together.
    init(reduceTasks: Int, bytesMax: Int, directory: String, name: String, combiner: Combiner?) {
        self.reduceTasks = reduceTasks
        self.bytesMax = min(bytesMax, Int(UInt32.max))
        self.directory = directory
        self.name = name
        self.combiner = combiner
    }

    // hot: `platform-bench compute`, MapReduce sort
    func add(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) throws {
        let size = Record.headerBytes + key.count + value.count
        if !entries.isEmpty, arena.count + size + entries.count * MemoryLayout<Entry>.stride > bytesMax { try spill() }
        var prefix: UInt64 = 0
        for byte in key.prefix(8) { prefix = prefix << 8 | UInt64(byte) }
        if key.count < 8 { prefix <<= UInt64(8 * (8 - key.count)) }
        let reduceTask = UInt32(StreamingRules.partition(key, reduceTasks: reduceTasks))
        entries.append(Entry(prefix: prefix, reduceTask: reduceTask, offset: UInt32(arena.count)))
        Record.append(key: key, value: value, to: &arena)
    }

    /// One run with all records.
    func finish() throws -> RunFile {
        if runs.isEmpty || !entries.isEmpty { try spill() }
        if runs.count == 1 { return runs[0] }
        let writer = try RunWriter(path: JobPath.join(directory, "\(name).run"))
        for task in 0..<reduceTasks {
            writer.beginSegment()
            try combined(MergeSource(runs, segment: task)) { try writer.append(key: $0, value: $1) }
        }
        for run in runs { try LocalFiles().delete(run.path) }
        return try writer.finish()
    }

    private func spill() throws {
        sortEntries()
        let writer = try RunWriter(path: JobPath.join(directory, "\(name).spill\(runs.count)"))
        var next = 0
        for task in 0..<reduceTasks {
            writer.beginSegment()
            var end = next
            while end < entries.count, entries[end].reduceTask == UInt32(task) { end += 1 }
            let source = ArenaSource(arena: arena, offsets: entries[next..<end].map(\.offset))
            try combined(source) {
                try writer.append(key: $0, value: $1)
                self.spilledRecords += 1
            }
            next = end
        }
        runs.append(try writer.finish())
        arena.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    private func combined(_ source: some RecordSource, _ emit: @escaping (ArraySlice<UInt8>, ArraySlice<UInt8>) throws -> Void) throws {
        if let combiner {
            try combiner(source, emit)
        } else {
            while try source.next() { try emit(source.key, source.value) }
        }
    }

    private func sortEntries() {
        let arena = self.arena
        entries.sort { left, right in
            if left.reduceTask != right.reduceTask { return left.reduceTask < right.reduceTask }
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            let order = Record.precedes(Self.key(arena, left.offset), Self.key(arena, right.offset))
            return order != 0 ? order < 0 : left.offset < right.offset
        }
    }

    fileprivate static func key(_ arena: [UInt8], _ offset: UInt32) -> ArraySlice<UInt8> {
        let start = Int(offset) + Record.headerBytes
        return arena[start..<(start + Record.length(arena, at: Int(offset)))]
    }
}

/// Records in order of their keys. `key` and `value` are those of the last `next`.
protocol RecordSource: AnyObject {
    var key: ArraySlice<UInt8> { get }
    var value: ArraySlice<UInt8> { get }
    func next() throws -> Bool
}

private final class ArenaSource: RecordSource {
    private let arena: [UInt8]
    private let offsets: [UInt32]
    private var index = 0
    private(set) var key: ArraySlice<UInt8> = []
    private(set) var value: ArraySlice<UInt8> = []

    init(arena: [UInt8], offsets: [UInt32]) {
        self.arena = arena
        self.offsets = offsets
    }

    func next() -> Bool {
        guard index < offsets.count else { return false }
        let offset = Int(offsets[index])
        index += 1
        key = SpillSorter.key(arena, UInt32(offset))
        value = arena[key.endIndex..<(key.endIndex + Record.length(arena, at: offset + 4))]
        return true
    }
}

/// One segment of many runs as one sorted sequence: a heap of cursors. Equal keys come in the order of the runs.
final class MergeSource: RecordSource {
    /// Memory for the buffers of all cursors of one merge.
    static let buffersBytesMax = 64 << 20
    static let bufferBytesMin = 4 << 10
    static let bufferBytesMax = 256 << 10

    private var heap: [(cursor: RunCursor, order: Int)] = []
    private var waiting: [RunCursor]
    private var isStarted = false

    init(_ runs: [RunFile], segment: Int) {
        let share = Self.buffersBytesMax / max(runs.count, 1)
        let bufferBytes = max(Self.bufferBytesMin, min(Self.bufferBytesMax, share))
        waiting = runs.map { RunCursor($0, segment: segment, bufferBytes: bufferBytes) }
    }

    var key: ArraySlice<UInt8> { heap[0].cursor.key }
    var value: ArraySlice<UInt8> { heap[0].cursor.value }

    func next() throws -> Bool {
        if !isStarted {
            isStarted = true
            for (order, cursor) in waiting.enumerated() where try cursor.next() { heap.append((cursor, order)) }
            waiting = []
            for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
            return !heap.isEmpty
        }
        guard !heap.isEmpty else { return false }
        if try !heap[0].cursor.next() {
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        if heap.count > 1 { siftDown(0) }
        return !heap.isEmpty
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let order = Record.precedes(heap[left].cursor.key, heap[right].cursor.key)
        return order != 0 ? order < 0 : heap[left].order < heap[right].order
    }

    private func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) { least = child }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
