// Failures of a job, in words for its author. A failing task names its stage, partition and cause.
import ComputeCore

public enum ComputeError: Error, Sendable, CustomStringConvertible {
    /// The SparkContext's master does not exist here.
    case unknownMaster(String)
    /// A task failed on every attempt.
    case taskFailed(stage: Int, dataset: String, partition: Int, attempts: Int, cause: String)
    /// `reduce` or `first` of no elements.
    case emptyCollection
    /// An action ran inside a task; its thread would wait for itself.
    case actionInsideTask
    case lineageTooDeep(Int, max: Int)
    case file(String)
    /// The context was stopped before the action.
    case stopped

    public var description: String {
        switch self {
        case .unknownMaster(let master): "unknown master '\(master)': use local, local[N] or local[*]"
        case .taskFailed(let stage, let dataset, let partition, let attempts, let cause):
            "stage \(stage) (\(dataset)), partition \(partition) failed on attempt \(attempts): \(cause)"
        case .emptyCollection: "empty collection"
        case .actionInsideTask: "an action (collect, count, ...) was called inside a transformation; call it outside, on the driver"
        case .lineageTooDeep(let depth, let max):
            "the lineage is \(depth) transformations deep, at most \(max) can run; save and reload in between"
        case .file(let reason): reason
        case .stopped: "the SparkContext has been stopped"
        }
    }

    init(_ failure: JobFailure) {
        self = .taskFailed(
            stage: failure.stage.number, dataset: failure.dataset, partition: failure.partition, attempts: failure.attempts,
            cause: failure.cause)
    }
}
