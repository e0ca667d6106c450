// Actions: they run an RDD and bring a result to the caller. They block the calling thread until the job is done and throw a ComputeError
// that names the failing stage and partition.
import Collections
import ComputeCore
import ComputeRuntime

extension RDD {
    /// All elements, in the order of the partitions.
    public func collect() throws -> [Element] {
        try runAll { try elements($0) }.flatMap { $0 }
    }

    /// The number of elements.
    public func count() throws -> Int {
        try runAll { partition in
            var count = 0
            try run(partition) { _ in
                count += 1
                return true
            }
            return count
        }.reduce(0, +)
    }

    /// The first `limit` elements; reads as few partitions as it can.
    public func take(_ limit: Int) throws -> [Element] {
        var taken: [Element] = []
        var next = 0
        var width = 1
        while taken.count < limit, next < node.partitionCount {
            let partitions = Array(next..<min(next + width, node.partitionCount))
            let wanted = limit - taken.count
            let parts = try JobRunner(context: context).run(self, partitions: partitions) { partition in
                var part: [Element] = []
                try run(partition) { element in
                    part.append(element)
                    return part.count < wanted
                }
                return part
            }
            for part in parts { taken.append(contentsOf: part.prefix(limit - taken.count)) }
            next += width
            width *= 4
        }
        return taken
    }

    /// The first element of the first partition that has one. Throws `emptyCollection` without elements.
    public func first() throws -> Element {
        guard let first = try take(1).first else { throw ComputeError.emptyCollection }
        return first
    }

    /// The operation must be associative; it is applied within partitions, then over their results in order.
    /// Throws `emptyCollection` without elements.
    public func reduce(_ combine: @escaping @Sendable (Element, Element) throws -> Element) throws -> Element {
        let parts = try runAll { partition -> Element? in
            var result: Element?
            try run(partition) { element in
                result = try result.map { try combine($0, element) } ?? element
                return true
            }
            return result
        }
        let present = parts.compactMap { $0 }
        guard let first = present.first else { throw ComputeError.emptyCollection }
        return try present.dropFirst().reduce(first, combine)
    }

    /// `zero` is used once for each partition and once for the whole.
    public func fold(_ zero: Element, _ combine: @escaping @Sendable (Element, Element) throws -> Element) throws -> Element {
        try aggregate(zero, combine, combine)
    }

    /// Folds each partition from `zero` with `merge`, then the partitions' results, in order, from `zero` with `mergeResults`.
    public func aggregate<Result: Sendable>(
        _ zero: Result, _ merge: @escaping @Sendable (Result, Element) throws -> Result,
        _ mergeResults: @escaping @Sendable (Result, Result) throws -> Result
    ) throws -> Result {
        try runAll { partition in
            var result = zero
            try run(partition) { element in
                result = try merge(result, element)
                return true
            }
            return result
        }.reduce(zero, mergeResults)
    }

    /// The number of elements of each key. All keys come to the caller.
    public func countByKey<Key: ShuffleKey, Value>() throws -> [Key: Int] where Element == (Key, Value) {
        let counts = try map { ($0.0, 1) }.reduceByKey { $0 + $1 }.collect()
        return Dictionary(uniqueKeysWithValues: counts)
    }

    /// Runs `body` for each element, in the tasks.
    public func foreach(_ body: @escaping @Sendable (Element) throws -> Void) throws {
        _ = try runAll { partition in
            try run(partition) { element in
                try body(element)
                return true
            }
        }
    }

    /// Writes one file `part-NNNNN` for each partition, one line for each element, and `_SUCCESS` at the end. Refuses an existing
    /// directory.
    public func saveAsTextFile(_ path: String) throws where Element: CustomStringConvertible {
        do {
            let (files, directory) = try context.files.resolve(path)
            let output = OutputDirectory(files: files, path: directory)
            try output.begin()
            do {
                _ = try runAll { partition in
                    let writer = try output.openPart(partition, attempt: context.newID())
                    do {
                        try run(partition) { element in
                            var line = Array(element.description.utf8)
                            line.append(0x0A)
                            try writer.write(line[...])
                            return true
                        }
                        try writer.commit()
                    } catch {
                        writer.abandon()
                        throw error
                    }
                }
                try output.commit()
            } catch {
                output.abandon()
                throw error
            }
        } catch let error as JobFileError {
            throw ComputeError.file(error.description)
        } catch let error as OutputRefusal {
            throw ComputeError.file(error.description)
        }
    }

    private func runAll<Result: Sendable>(_ task: @escaping @Sendable (Int) throws -> Result) throws -> [Result] {
        try JobRunner(context: context).run(self, partitions: Array(0..<node.partitionCount), task)
    }
}
