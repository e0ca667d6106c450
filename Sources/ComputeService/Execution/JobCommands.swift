// Our own commands in Spark Connect's extension field: MapReduce jobs and submitted programs. Their events go back in the extension field
// of the responses; the last one is the result. A failed job ends the operation with an error, like a query.
import ComputeCore
import ComputeRuntime
import Foundation
import SparkWire
import Synchronization

extension PlanExecution {
    func job(_ any: SparkAny) throws {
        if let job = SparkMessages.unpack(Platform_Compute_V1_MapReduceJob.self, from: any) {
            try counted(service.figures.mapReduce) { try mapReduce(job) }
        } else if let job = SparkMessages.unpack(Platform_Compute_V1_SubmitJob.self, from: any) {
            try counted(service.figures.submitted) { try submit(job) }
        } else {
            throw SparkError.unsupported("the command extension \(SparkMessages.typeName(any))")
        }
    }

    private func counted(_ jobs: ComputeFigures.Jobs, _ body: () throws -> Void) throws {
        jobs.begun.add()
        do { try body() } catch {
            jobs.failed.add()
            throw error
        }
    }

    private func mapReduce(_ message: Platform_Compute_V1_MapReduceJob) throws {
        let started = ContinuousClock.now
        let job = try Self.job(message)
        let outcome = try MapReduceRunner(schemes: service.files, pool: service.tasks).run(job, token: operation.token) { progress in
            var event = Platform_Compute_V1_JobEvent()
            event.progress.maps.completed = Int32(progress.mapsDone)
            event.progress.maps.total = Int32(progress.mapTasks)
            event.progress.reduces.completed = Int32(progress.reducesDone)
            event.progress.reduces.total = Int32(progress.reduceTasks)
            event.progress.status = progress.status
            // A cancelled operation takes no more events; the job itself learns of it through its token.
            do { try send(event) } catch { _ = error }
        }
        var event = Platform_Compute_V1_JobEvent()
        event.result.output = message.output
        event.result.elapsedMilliseconds = Self.milliseconds(since: started)
        event.result.counters = outcome.counters.values.map { name, value in
            var counter = Platform_Compute_V1_JobCounter()
            counter.group = name.group
            counter.name = name.name
            counter.value = value
            return counter
        }
        try send(event)
    }

    static func job(_ message: Platform_Compute_V1_MapReduceJob) throws -> MapReduceJob {
        let mapper = try StreamingRules.words(message.mapper)
        var job = MapReduceJob(
            inputs: message.input, output: message.output, mapper: mapper.isEmpty ? .identity : .command(mapper))
        let combiner = try StreamingRules.words(message.combiner)
        if !combiner.isEmpty { job.combiner = .command(combiner) }
        let reducer = try StreamingRules.words(message.reducer)
        if !reducer.isEmpty { job.reducer = .command(reducer) }
        if message.numReduceTasksSet { job.reduceTasks = Int(message.numReduceTasks) }
        if message.reducer == "NONE" { job.reduceTasks = 0 }
        guard !job.output.isEmpty else { throw SparkError.invalidPlan("a MapReduce job names no output directory") }
        if !message.jobName.isEmpty { job.name = message.jobName }
        job.splitBytesMax = message.splitBytesMax
        if message.attemptsMax > 0 { job.attemptsMax = Int(message.attemptsMax) }
        job.configuration = message.configuration.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        job.environment = message.environment.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return job
    }

    private func submit(_ message: Platform_Compute_V1_SubmitJob) throws {
        let started = ContinuousClock.now
        let directory = JobPath.join(NSTemporaryDirectory(), "submit-\(UUID().uuidString.lowercased())")
        defer {
            // A leftover temporary directory must not turn a finished program into a failed one.
            do { try LocalFiles().delete(directory) } catch { _ = error }
        }
        let program = try message.programIsArtifact ? unpackedProgram(message.program, directory) : message.program
        let environment = ChildEnvironment.inherited() + message.environment.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let child: ChildProcess
        do {
            child = try ChildProcess(
                arguments: [program] + message.arguments, environment: environment,
                onOutput: { bytes in
                    var event = Platform_Compute_V1_JobEvent()
                    event.output.standardOutput = Data(bytes)
                    try self.send(event)
                },
                onErrors: { bytes in
                    var event = Platform_Compute_V1_JobEvent()
                    event.output.standardError = Data(bytes)
                    try self.send(event)
                })
        } catch {
            throw SparkError("JOB_FAILED", sqlState: "XXKST", kind: .runtime, String(describing: error))
        }
        let status = try operation.token.withCancelHandler(child.killer) { try child.finish() }
        if operation.token.isCancelled { throw JobCancelled() }
        var event = Platform_Compute_V1_JobEvent()
        event.result.exitCode = ChildProcess.exitCode(status)
        event.result.elapsedMilliseconds = Self.milliseconds(since: started)
        try send(event)
    }

    /// Writes an uploaded program to an executable file, readable by this user only.
    private func unpackedProgram(_ name: String, _ directory: String) throws -> String {
        guard let content = session.artifacts.content("programs/\(name)") else {
            throw SparkError.invalidPlan("the session has no program named \(name)")
        }
        let path = JobPath.join(directory, "program")
        let writer = try LocalFiles().create(path)
        try writer.write(content[...])
        try writer.finish()
        guard chmod(directory, 0o700) == 0, chmod(path, 0o700) == 0 else {
            throw JobFileError.failed(path: path, operation: "make executable", reason: String(cString: strerror(errno)))
        }
        return path
    }

    private func send(_ event: Platform_Compute_V1_JobEvent) throws {
        let any = try SparkMessages.pack(event)
        let size = event.output.standardOutput.count + event.output.standardError.count
        try append(bytes: size) { $0.extension = any }
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Int64 {
        let elapsed = ContinuousClock.now - start
        return elapsed.components.seconds * 1_000 + elapsed.components.attoseconds / 1_000_000_000_000_000
    }
}
