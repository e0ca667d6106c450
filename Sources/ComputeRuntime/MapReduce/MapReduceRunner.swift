// Runs a MapReduce job: splits become map tasks, their sorted runs lie on local disk, reduce tasks merge them into the output directory.
// Stages and retries are the scheduler's; a lost map output is made again. Temporary files live below one directory of the job, which is
// removed at its end. `run` blocks the calling thread; tasks run on the pool, so the caller must not be one of its threads. Source: Dean
// and Ghemawat, "MapReduce" (OSDI 2004); Hadoop's documented settings, counters and output layout.
import ComputeCore
import Foundation
import Synchronization

package struct MapReduceRunner: Sendable {
    private let schemes: FileSchemes
    private let pool: ComputePool
    /// The directory of runs and spills.
    private let scratch: String

    package init(schemes: FileSchemes, pool: ComputePool, scratch: String = NSTemporaryDirectory()) {
        self.schemes = schemes
        self.pool = pool
        self.scratch = scratch
    }

    package func run(
        _ job: MapReduceJob, token: JobToken = JobToken(), progress: @escaping @Sendable (MapReduceProgress) -> Void = { _ in }
    ) throws -> MapReduceOutcome {
        guard !job.inputs.isEmpty else { throw MapReduceRefusal.noInput }
        guard (0...MapReduceJob.reduceTasksMax).contains(job.reduceTasks) else { throw MapReduceRefusal.reduceTasks(job.reduceTasks) }
        let (outputFiles, outputPath) = try schemes.resolve(job.output)
        let output = OutputDirectory(files: outputFiles, path: outputPath)
        if try outputFiles.status(outputPath) != nil { throw OutputRefusal.alreadyExists(outputPath) }
        let splits = try planSplits(job)
        try output.begin()
        let jobID = UUID().uuidString.lowercased()
        let directory = JobPath.join(scratch, "mapreduce-\(jobID)")
        defer {
            // A leftover temporary directory must not turn a finished job into a failed one.
            do { try LocalFiles().delete(directory) } catch { _ = error }
        }
        do {
            try LocalFiles().makeDirectories(directory)
            var limits = JobScheduler.Limits()
            limits.attemptsMax = max(1, job.attemptsMax)
            let driver = JobDriver(pool: pool, token: token, limits: limits)
            let run = JobRun(
                job: job, jobID: jobID, schemes: schemes, splits: splits, output: output, directory: directory, token: driver.tasks,
                onProgress: progress)
            try driver.run(run.graph(), progress: run.advance) { attempt, stage in
                switch stage.kind {
                case .shuffleMap: try run.mapTask(attempt)
                case .result: try job.reduceTasks == 0 ? run.mapOnlyTask(attempt) : run.reduceTask(attempt)
                }
            }
            try output.commit()
            return MapReduceOutcome(counters: run.counters, mapTasks: splits.count, reduceTasks: job.reduceTasks)
        } catch {
            output.abandon()
            throw error
        }
    }

    private func planSplits(_ job: MapReduceJob) throws -> [InputSplit] {
        var files: [InputFile] = []
        for input in job.inputs {
            files += try schemes.expand(input).map { InputFile(path: $0.path, bytes: $0.bytes, blockBytes: $0.blockBytes) }
        }
        let splits = InputSplits.plan(files, splitBytesMax: job.splitBytesMax)
        guard splits.count <= InputSplits.splitsMax else { throw MapReduceRefusal.tooManySplits(splits.count) }
        return splits
    }
}

/// The shared state of the tasks of one run.
private final class JobRun: Sendable {
    private struct State {
        var counters = JobCounters()
        var progress = MapReduceProgress()
        /// Runs of finished map tasks by split.
        var runs: [Int: RunFile] = [:]
    }

    private let job: MapReduceJob
    private let jobID: String
    private let schemes: FileSchemes
    private let splits: [InputSplit]
    private let output: OutputDirectory
    private let directory: String
    private let token: JobToken
    private let onProgress: @Sendable (MapReduceProgress) -> Void
    private let shuffle: MapOutputs
    private let state = Mutex(State())

    init(
        job: MapReduceJob, jobID: String, schemes: FileSchemes, splits: [InputSplit], output: OutputDirectory, directory: String,
        token: JobToken, onProgress: @escaping @Sendable (MapReduceProgress) -> Void
    ) {
        self.job = job
        self.jobID = jobID
        self.schemes = schemes
        self.splits = splits
        self.output = output
        self.directory = directory
        self.token = token
        self.onProgress = onProgress
        shuffle = MapOutputs(mapPartitions: splits.count)
        state.withLock {
            $0.progress.mapTasks = splits.count
            $0.progress.reduceTasks = job.reduceTasks
        }
    }

    var counters: JobCounters { state.withLock { $0.counters } }

    func graph() -> StageGraph {
        let map = LineageNode(id: DatasetID(0), name: "map", partitionCount: splits.count, inputs: [])
        if job.reduceTasks == 0 { return StageGraph(target: map, partitions: Array(splits.indices)) }
        let reduce = LineageNode(
            id: DatasetID(1), name: "reduce", partitionCount: job.reduceTasks, inputs: [.shuffle(shuffle, parent: map)])
        return StageGraph(target: reduce, partitions: Array(0..<job.reduceTasks))
    }

    func advance(_ step: JobDriver.Progress) {
        report { progress in
            if step.stage.node.name == "map" { progress.mapsDone = step.done } else { progress.reducesDone = step.done }
        }
    }

    func mapTask(_ attempt: TaskAttempt) throws {
        let runner = stepRunner(attempt, isMap: true)
        var combiner: SpillSorter.Combiner?
        if let step = job.combiner {
            combiner = { source, emit in
                try runner.reduce(
                    step, source, onGroup: {}, onRecord: { runner.add(.combineInputRecords, 1) },
                    emit: { key, value in
                        runner.add(.combineOutputRecords, 1)
                        try emit(key, value)
                    })
            }
        }
        let sorter = SpillSorter(
            reduceTasks: job.reduceTasks, bytesMax: job.sortBytesMax, directory: directory,
            name: "map\(attempt.partition)-\(attempt.attempt)",
            combiner: combiner)
        try map(attempt, runner) { key, value in try sorter.add(key: key, value: value) }
        let run = try sorter.finish()
        runner.add(.spilledRecords, sorter.spilledRecords)
        keep(runner.counters) { $0.runs[attempt.partition] = run }
        shuffle.made(attempt.partition)
    }

    func mapOnlyTask(_ attempt: TaskAttempt) throws {
        let runner = stepRunner(attempt, isMap: true)
        try writePart(attempt, runner) { emit in try map(attempt, runner, emit: emit) }
    }

    func reduceTask(_ attempt: TaskAttempt) throws {
        let runner = stepRunner(attempt, isMap: false)
        let runs = try splits.indices.map { split in
            guard let run = state.withLock({ $0.runs[split] }), try LocalFiles().status(run.path) != nil else {
                shuffle.discardOutput(split)
                throw ShuffleOutputLost(shuffle: shuffle.id, mapPartition: split)
            }
            return run
        }
        let source = MergeSource(runs, segment: attempt.partition)
        try writePart(attempt, runner) { emit in
            try runner.reduce(
                job.reducer, source, onGroup: { runner.add(.reduceInputGroups, 1) }, onRecord: { runner.add(.reduceInputRecords, 1) },
                emit: { key, value in
                    runner.add(.reduceOutputRecords, 1)
                    try emit(key, value)
                })
        }
    }

    private func map(_ attempt: TaskAttempt, _ runner: StepRunner, emit: @escaping RecordEmitter) throws {
        let split = splits[attempt.partition]
        let reader = SplitReader(files: try schemes.resolve(split.path).files, split: split)
        try runner.map(
            job.mapper,
            lines: { body in
                try reader.forEachLine { line in
                    if self.token.isCancelled { throw JobCancelled() }
                    return try body(line)
                }
            }, emit: emit)
        runner.add(.bytesRead, split.bytes)
    }

    private func writePart(_ attempt: TaskAttempt, _ runner: StepRunner, _ body: (@escaping RecordEmitter) throws -> Void) throws {
        let part = try output.openPart(attempt.partition, attempt: attempt.attempt)
        do {
            var line: [UInt8] = []
            var bytes: Int64 = 0
            try body { key, value in
                line.removeAll(keepingCapacity: true)
                self.job.outputLine(key, value, &line)
                bytes += Int64(line.count)
                try part.write(line[...])
            }
            runner.add(.bytesWritten, bytes)
            try part.commit()
        } catch {
            part.abandon()
            throw error
        }
        keep(runner.counters) { _ in }
    }

    /// Counters count once for each task: a repeated map task adds none, its first run stays counted.
    private func keep(_ counters: JobCounters, _ change: (inout State) -> Void) {
        state.withLock { state in
            state.counters.add(counters)
            change(&state)
        }
    }

    private func report(_ change: (inout MapReduceProgress) -> Void) {
        let progress = state.withLock { state in
            change(&state.progress)
            return state.progress
        }
        onProgress(progress)
    }

    private func stepRunner(_ attempt: TaskAttempt, isMap: Bool) -> StepRunner {
        var settings = job.configuration
        settings.append(("mapreduce.job.name", job.name))
        settings.append(("mapreduce.job.id", "job_\(jobID)"))
        settings.append(("mapreduce.job.reduces", String(job.reduceTasks)))
        settings.append(("mapreduce.job.maps", String(splits.count)))
        settings.append(("mapreduce.task.ismap", String(isMap)))
        settings.append(("mapreduce.task.partition", String(attempt.partition)))
        settings.append(("mapreduce.task.id", "task_\(jobID)_\(isMap ? "m" : "r")_\(attempt.partition)"))
        settings.append(("mapreduce.task.attempt.id", "attempt_\(jobID)_\(isMap ? "m" : "r")_\(attempt.partition)_\(attempt.attempt - 1)"))
        if isMap {
            let split = splits[attempt.partition]
            settings.append(("mapreduce.map.input.file", split.path))
            settings.append(("mapreduce.map.input.start", String(split.start)))
            settings.append(("mapreduce.map.input.length", String(split.bytes)))
        }
        var environment = ChildEnvironment.inherited()
        for setting in settings { environment.append((StreamingRules.environmentName(setting.name), setting.value)) }
        for variable in job.environment { environment.append((variable.name, variable.value)) }
        return StepRunner(environment: environment, token: token) { [weak self] status in self?.report { $0.status = status } }
    }
}

/// The map outputs on disk; the runs themselves are the job's.
private final class MapOutputs: ShuffleWork {
    let id = ShuffleID(0)
    let mapPartitions: Int
    private let there = Mutex<Set<Int>>([])

    init(mapPartitions: Int) {
        self.mapPartitions = mapPartitions
    }

    func prepare() {}

    func runMapTask(_ partition: Int) {
        preconditionFailure("map tasks of a MapReduce job are run by the job")
    }

    func made(_ partition: Int) { there.withLock { _ = $0.insert(partition) } }
    func hasOutput(_ mapPartition: Int) -> Bool { there.withLock { $0.contains(mapPartition) } }
    func discardOutput(_ mapPartition: Int) { there.withLock { _ = $0.remove(mapPartition) } }
}

/// The environment of a child: variables to find programs and to print, nothing else of the service's.
package enum ChildEnvironment {
    package static func inherited() -> [(String, String)] {
        let environment = ProcessInfo.processInfo.environment
        return ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"].compactMap { name in environment[name].map { (name, $0) } }
    }
}
