// The scheduler of a job's tasks: a stage starts when its parents are complete, a failed task is tried again, a lost shuffle output sends
// its map task back before the tasks that need it. Events in, effects out; it owns no thread and no data, and is silent after `finished` or
// `failed`. Source: Spark's documented scheduler behaviour (four attempts for each task).

package struct TaskAttempt: Hashable, Sendable {
    package let stage: StageID
    package let partition: Int
    /// From 1.
    package let attempt: Int
}

package enum TaskFailure: Hashable, Sendable {
    /// The task's own code or its input failed.
    case error(String)
    /// A bucket of an earlier map task is gone; not the fault of this task.
    case shuffleOutputLost(ShuffleID, mapPartition: Int)
}

package struct JobFailure: Error, Hashable, Sendable {
    package let stage: StageID
    package let dataset: String
    package let partition: Int
    package let attempts: Int
    package let cause: String
}

package enum SchedulerEffect: Hashable, Sendable {
    case launch(TaskAttempt)
    case finished
    case failed(JobFailure)
}

package struct JobScheduler: Sendable {
    package struct Limits: Sendable {
        /// Attempts of one task before the job fails.
        package var attemptsMax = 4
        /// Limit of a stage's output losses.
        package var losesMax = 16
        package init() {}
    }

    private enum TaskState: Hashable {
        case waiting
        case running(attempt: Int)
        case done
    }

    private struct StageState {
        var tasks: [TaskState]
        var failures: [Int]
        var attempts: [Int]
        var losses = 0
        var done: Int
        var isComplete: Bool { done == tasks.count }
    }

    private let graph: StageGraph
    private let limits: Limits
    private var states: [StageState]
    private var isOver = false

    /// `hasOutput`: whether an earlier job has left the map output.
    package init(graph: StageGraph, limits: Limits = Limits(), hasOutput: (any ShuffleWork, Int) -> Bool) {
        self.graph = graph
        self.limits = limits
        states = graph.stages.map { stage in
            let tasks = stage.partitions.map { partition -> TaskState in
                if case .shuffleMap(let work) = stage.kind, hasOutput(work, partition) { return .done }
                return .waiting
            }
            let zeros = [Int](repeating: 0, count: tasks.count)
            return StageState(tasks: tasks, failures: zeros, attempts: zeros, done: tasks.count { $0 == .done })
        }
    }

    package mutating func start() -> [SchedulerEffect] {
        dispatch()
    }

    package mutating func succeeded(_ attempt: TaskAttempt) -> [SchedulerEffect] {
        guard !isOver, let index = running(attempt) else { return [] }
        states[attempt.stage.number].tasks[index] = .done
        states[attempt.stage.number].done += 1
        return dispatch()
    }

    package mutating func failed(_ attempt: TaskAttempt, _ failure: TaskFailure) -> [SchedulerEffect] {
        guard !isOver, let index = running(attempt) else { return [] }
        let stage = attempt.stage.number
        states[stage].tasks[index] = .waiting
        switch failure {
        case .error(let cause):
            states[stage].failures[index] += 1
            guard states[stage].failures[index] < limits.attemptsMax else {
                return over(attempt, cause: cause)
            }
        case .shuffleOutputLost(let shuffle, let mapPartition):
            guard let parent = graph.stage(of: shuffle)?.number, states[parent].tasks.indices.contains(mapPartition) else {
                return over(attempt, cause: "shuffle \(shuffle.number) is not part of this job")
            }
            if states[parent].tasks[mapPartition] == .done {
                states[parent].tasks[mapPartition] = .waiting
                states[parent].done -= 1
                states[parent].losses += 1
            }
            guard states[parent].losses <= limits.losesMax else {
                return over(attempt, cause: "shuffle \(shuffle.number) lost outputs \(states[parent].losses) times")
            }
        }
        return dispatch()
    }

    private mutating func over(_ attempt: TaskAttempt, cause: String) -> [SchedulerEffect] {
        isOver = true
        let node = graph.stages[attempt.stage.number].node
        return [
            .failed(
                JobFailure(
                    stage: attempt.stage, dataset: "\(node.name) [\(node.id.number)]", partition: attempt.partition,
                    attempts: attempt.attempt,
                    cause: cause))
        ]
    }

    /// The task index of this attempt; nil if a later attempt has replaced it.
    private func running(_ attempt: TaskAttempt) -> Int? {
        guard let index = graph.stages[attempt.stage.number].partitions.firstIndex(of: attempt.partition) else { return nil }
        return states[attempt.stage.number].tasks[index] == .running(attempt: attempt.attempt) ? index : nil
    }

    private mutating func dispatch() -> [SchedulerEffect] {
        if let last = states.last, last.isComplete {
            isOver = true
            return [.finished]
        }
        var effects: [SchedulerEffect] = []
        for stage in graph.stages where isNeeded(stage) && stage.parents.allSatisfy({ states[$0.number].isComplete }) {
            let number = stage.id.number
            for index in states[number].tasks.indices where states[number].tasks[index] == .waiting {
                states[number].attempts[index] += 1
                let attempt = states[number].attempts[index]
                states[number].tasks[index] = .running(attempt: attempt)
                effects.append(.launch(TaskAttempt(stage: stage.id, partition: stage.partitions[index], attempt: attempt)))
            }
        }
        return effects
    }

    /// A stage runs only for a needed stage without its output: ancestors of complete shuffles stay untouched.
    private func isNeeded(_ stage: Stage) -> Bool {
        if case .result = stage.kind { return true }
        guard !states[stage.id.number].isComplete else { return false }
        return graph.stages.contains { child in
            child.parents.contains(stage.id) && !states[child.id.number].isComplete && isNeeded(child)
        }
    }
}
