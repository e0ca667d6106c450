// MapReduce with native Swift types: a mapper from lines to keys and values, a reducer over the values of each key, an optional combiner
// between. Keys travel as bytes in the keys' order, so the engine sorts without knowing the type.
import ComputeCore
import ComputeRuntime

/// A key or value of a native MapReduce job.
public protocol MapReduceField: Sendable {
    /// Writes bytes that compare like the values.
    func encodeField(into bytes: inout [UInt8])
    /// Reads the bytes of `encodeField`.
    init(field: ArraySlice<UInt8>)
    var fieldText: String { get }
}

extension String: MapReduceField {
    public func encodeField(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
    public init(field: ArraySlice<UInt8>) { self = String(decoding: field, as: UTF8.self) }
    public var fieldText: String { self }
}

extension Int: MapReduceField {
    public func encodeField(into bytes: inout [UInt8]) {
        let ordered = UInt64(bitPattern: Int64(self)) ^ (1 << 63)
        for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: ordered >> shift)) }
    }

    public init(field: ArraySlice<UInt8>) {
        self = Int(Int64(bitPattern: field.reduce(0 as UInt64) { $0 << 8 | UInt64($1) } ^ (1 << 63)))
    }

    public var fieldText: String { description }
}

extension Double: MapReduceField {
    public func encodeField(into bytes: inout [UInt8]) {
        let ordered = sign == .minus ? ~bitPattern : bitPattern | (1 << 63)
        Int(bitPattern: UInt(ordered ^ (1 << 63))).encodeField(into: &bytes)
    }

    public init(field: ArraySlice<UInt8>) {
        let ordered = UInt64(UInt(bitPattern: Int(field: field))) ^ (1 << 63)
        self = Double(bitPattern: ordered >> 63 == 1 ? ordered ^ (1 << 63) : ~ordered)
    }

    public var fieldText: String { description }
}

/// A job in Hadoop's form: `map` over each line, the pairs sorted by key, `reduce` over each key with its values. Keys and values travel as
/// bytes whose order is that of the keys.
public struct MapReduce<Key: MapReduceField, Value: MapReduceField, OutputKey: MapReduceField, OutputValue: MapReduceField>: Sendable {
    public typealias Emit<K, V> = (K, V) throws -> Void

    public var input: [String]
    public var output: String
    public var reduceTasks = 1
    public var map: @Sendable (_ line: String, _ emit: Emit<Key, Value>) throws -> Void
    /// Must not change the reducer's result: it may run never, once or several times over parts of a key's values.
    public var combine: (@Sendable (_ key: Key, _ values: [Value], _ emit: Emit<Key, Value>) throws -> Void)?
    public var reduce: @Sendable (_ key: Key, _ values: [Value], _ emit: Emit<OutputKey, OutputValue>) throws -> Void

    /// `input`: files, directories or `*` patterns. `output`: a directory that must not exist. `reduceTasks`: the number of output files.
    public init(
        input: [String], output: String, reduceTasks: Int = 1,
        map: @escaping @Sendable (_ line: String, _ emit: Emit<Key, Value>) throws -> Void,
        combine: (@Sendable (_ key: Key, _ values: [Value], _ emit: Emit<Key, Value>) throws -> Void)? = nil,
        reduce: @escaping @Sendable (_ key: Key, _ values: [Value], _ emit: Emit<OutputKey, OutputValue>) throws -> Void
    ) {
        self.input = input
        self.output = output
        self.reduceTasks = reduceTasks
        self.map = map
        self.combine = combine
        self.reduce = reduce
    }

    /// Runs on the threads and file systems of the context; returns the counters by `group: name`. Blocks until the job is done.
    @discardableResult
    public func run(in context: SparkContext) throws -> [String: Int] {
        try context.checkRunning()
        let map = self.map
        var job = MapReduceJob(
            inputs: input, output: output,
            mapper: .function { line, emit in
                try map(String(decoding: line, as: UTF8.self)) { key, value in try emit(Self.bytes(key), Self.bytes(value)) }
            })
        job.reduceTasks = reduceTasks
        job.combiner = combine.map { combine in .function { try Self.group(combine, $0, $1, $2) } }
        let reduce = self.reduce
        job.reducer = .function { try Self.group(reduce, $0, $1, $2) }
        job.outputLine = { key, value, line in
            line.append(contentsOf: OutputKey(field: key).fieldText.utf8)
            line.append(0x09)
            line.append(contentsOf: OutputValue(field: value).fieldText.utf8)
            line.append(0x0A)
        }
        do {
            let outcome = try MapReduceRunner(schemes: context.files, pool: context.pool).run(job)
            return Dictionary(uniqueKeysWithValues: outcome.counters.values.map { ("\($0.key.group): \($0.key.name)", Int($0.value)) })
        } catch let failure as JobFailure {
            throw ComputeError(failure)
        } catch let error as JobFileError {
            throw ComputeError.file(error.description)
        } catch let error as OutputRefusal {
            throw ComputeError.file(error.description)
        }
    }

    private static func bytes(_ field: some MapReduceField) -> ArraySlice<UInt8> {
        var bytes: [UInt8] = []
        field.encodeField(into: &bytes)
        return bytes[...]
    }

    private static func group<K: MapReduceField, V: MapReduceField>(
        _ function: (Key, [Value], Emit<K, V>) throws -> Void, _ key: ArraySlice<UInt8>, _ values: GroupValues,
        _ emit: @escaping RecordEmitter
    ) throws {
        var decoded: [Value] = []
        while let value = try values.next() { decoded.append(Value(field: value)) }
        try function(Key(field: key), decoded) { try emit(bytes($0), bytes($1)) }
    }
}
