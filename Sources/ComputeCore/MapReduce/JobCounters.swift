// Counters of a job by group and name, in the order of their first appearance. The caller discards the counters of failed attempts; this
// only adds. The framework's own names are Hadoop's, so that existing tools find them.
import Collections

package struct JobCounters: Hashable, Sendable {
    /// Limit of the different counters of one job; further ones are ignored, as an endless set would fill the memory.
    package static let countersMax = 1_000

    package struct Name: Hashable, Sendable {
        package let group: String
        package let name: String

        package init(_ group: String, _ name: String) {
            self.group = group
            self.name = name
        }

        private init(task name: String) { self.init("Map-Reduce Framework", name) }

        package static let mapInputRecords = Name(task: "Map input records")
        package static let mapOutputRecords = Name(task: "Map output records")
        package static let combineInputRecords = Name(task: "Combine input records")
        package static let combineOutputRecords = Name(task: "Combine output records")
        package static let reduceInputGroups = Name(task: "Reduce input groups")
        package static let reduceInputRecords = Name(task: "Reduce input records")
        package static let reduceOutputRecords = Name(task: "Reduce output records")
        package static let spilledRecords = Name(task: "Spilled Records")
        package static let bytesRead = Name("File Input Format Counters", "Bytes Read")
        package static let bytesWritten = Name("File Output Format Counters", "Bytes Written")
    }

    package private(set) var values: OrderedDictionary<Name, Int64> = [:]

    package init() {}

    package mutating func add(_ name: Name, _ amount: Int64) {
        guard values[name] != nil || values.count < Self.countersMax else { return }
        values[name, default: 0] += amount
    }

    package mutating func add(_ other: JobCounters) {
        for (name, amount) in other.values { add(name, amount) }
    }

    package subscript(name: Name) -> Int64 { values[name] ?? 0 }
}
