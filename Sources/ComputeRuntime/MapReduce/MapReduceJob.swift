// The description of a MapReduce job: inputs, an output directory, a mapper, an optional combiner and reducer, and its settings. Steps are
// commands (Hadoop Streaming) or functions of this process; both see bytes. This file checks nothing against a file system.
import ComputeCore

package typealias RecordEmitter = (_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws -> Void

/// The values of one key, one after the other; a value is valid until the next call.
package struct GroupValues {
    let pull: () throws -> ArraySlice<UInt8>?
    package func next() throws -> ArraySlice<UInt8>? { try pull() }
}

package enum MapStep: Sendable {
    /// Each line is split at its first TAB.
    case identity
    case command([String])
    case function(@Sendable (_ line: ArraySlice<UInt8>, _ emit: @escaping RecordEmitter) throws -> Void)
}

package enum ReduceStep: Sendable {
    case identity
    case command([String])
    case function(@Sendable (_ key: ArraySlice<UInt8>, _ values: GroupValues, _ emit: @escaping RecordEmitter) throws -> Void)
}

package struct MapReduceJob: Sendable {
    /// Limit of the reduce tasks of one job; each is an output file and a segment of every run.
    package static let reduceTasksMax = 10_000

    package var name = "job"
    package var inputs: [String]
    package var output: String
    package var mapper: MapStep
    package var combiner: ReduceStep?
    package var reducer: ReduceStep = .identity
    /// 0: the mapper's output is the job's.
    package var reduceTasks = 1
    /// 0: the file system's block size.
    package var splitBytesMax: Int64 = 0
    package var attemptsMax = 4
    /// Memory of one map task for sorting.
    package var sortBytesMax = 64 << 20
    /// Environment of commands, with underscores for dots.
    package var configuration: [(name: String, value: String)] = []
    /// Environment of commands, as it is.
    package var environment: [(name: String, value: String)] = []
    /// Writes a key and a value as a line of output; functions with their own encoding bring their own.
    package var outputLine: @Sendable (_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, _ line: inout [UInt8]) -> Void = MapReduceJob
        .textLine

    package init(inputs: [String], output: String, mapper: MapStep) {
        self.inputs = inputs
        self.output = output
        self.mapper = mapper
    }

    /// Key, TAB, value; without a value the key alone.
    @Sendable package static func textLine(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, _ line: inout [UInt8]) {
        line.append(contentsOf: key)
        if !value.isEmpty {
            line.append(0x09)
            line.append(contentsOf: value)
        }
        line.append(0x0A)
    }
}

package enum MapReduceRefusal: Error, CustomStringConvertible {
    case noInput
    case reduceTasks(Int)
    case tooManySplits(Int)

    package var description: String {
        switch self {
        case .noInput: "no input path was given"
        case .reduceTasks(let count): "\(count) reduce tasks were asked for; 0 to \(MapReduceJob.reduceTasksMax) are possible"
        case .tooManySplits(let count): "the input has \(count) splits; at most \(InputSplits.splitsMax) are possible"
        }
    }
}

package struct MapReduceOutcome: Sendable {
    package let counters: JobCounters
    package let mapTasks: Int
    package let reduceTasks: Int
}

package struct MapReduceProgress: Sendable {
    package var mapsDone = 0
    package var mapTasks = 0
    package var reducesDone = 0
    package var reduceTasks = 0
    /// The last `reporter:status:` line of any task.
    package var status = ""
}
