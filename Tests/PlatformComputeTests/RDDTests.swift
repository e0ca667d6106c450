// Laws of the RDD library: results equal plain computation, nothing runs before an action, what is lost is computed again from the
// lineage, keys go to the same partition in every process.
import Synchronization
import Testing

@testable import PlatformCompute

@Suite struct RDDTests {
    let sc: SparkContext

    init() throws {
        sc = try SparkContext(appName: "tests", master: "local[2]")
    }

    @Test func runsTheMissionsFirstProgram() throws {
        #expect(try sc.parallelize([1, 2, 3, 4, 5]).map { $0 * 2 }.collect() == [2, 4, 6, 8, 10])
    }

    @Test(arguments: [1, 2, 3, 7, 40]) func narrowTransformationsEqualPlainComputation(slices: Int) throws {
        let numbers = Array(0..<100)
        let rdd = sc.parallelize(numbers, numSlices: slices)
        #expect(rdd.getNumPartitions == slices)
        #expect(try rdd.filter { $0 % 3 == 0 }.flatMap { [$0, -$0] }.collect() == numbers.filter { $0 % 3 == 0 }.flatMap { [$0, -$0] })
        #expect(try rdd.count() == 100 && rdd.first() == 0 && rdd.take(7) == Array(0..<7))
        #expect(try rdd.reduce { $0 + $1 } == 4_950 && rdd.fold(0) { $0 + $1 } == 4_950)
        #expect(try rdd.union(rdd).collect() == numbers + numbers)
        #expect(try rdd.coalesce(2).collect() == numbers && rdd.coalesce(2).getNumPartitions == min(2, slices))
        #expect(try rdd.repartition(5).collect().sorted() == numbers)
        #expect(try rdd.mapPartitions { [$0.count] }.collect().reduce(0, +) == 100)
        #expect(try rdd.mapPartitionsWithIndex { index, _ in [index] }.collect() == Array(0..<slices))
    }

    @Test(arguments: [1, 3, 8]) func shufflesEqualPlainComputation(slices: Int) throws {
        let words = (0..<500).map { "w\($0 * 7 % 23)" }
        let pairs = sc.parallelize(words, numSlices: slices).map { ($0, 1) }
        let expected = Dictionary(grouping: words) { $0 }.mapValues(\.count)
        #expect(try Dictionary(uniqueKeysWithValues: pairs.reduceByKey { $0 + $1 }.collect()) == expected)
        #expect(try Dictionary(uniqueKeysWithValues: pairs.groupByKey().mapValues(\.count).collect()) == expected)
        #expect(try Dictionary(uniqueKeysWithValues: pairs.aggregateByKey(0, { $0 + $1 }, { $0 + $1 }).collect()) == expected)
        #expect(
            try Dictionary(uniqueKeysWithValues: pairs.combineByKey({ $0 }, { $0 + $1 }, { $0 + $1 }, numPartitions: 2).collect())
                == expected)
        #expect(try pairs.countByKey() == expected)
        #expect(try sc.parallelize(words, numSlices: slices).distinct().collect().sorted() == expected.keys.sorted())
    }

    @Test func joinsEqualPlainComputation() throws {
        let left = sc.parallelize([("a", 1), ("b", 2), ("a", 3)])
        let right = sc.parallelize([("a", "x"), ("c", "y")])
        let inner: [(String, (Int, String))] = try left.join(right).collect()
        #expect(inner.map { "\($0.0)\($0.1.0)\($0.1.1)" }.sorted() == ["a1x", "a3x"])
        let outer: [(String, (Int, String?))] = try left.leftOuterJoin(right).collect()
        #expect(outer.map { "\($0.0)\($0.1.0)\($0.1.1 ?? "-")" }.sorted() == ["a1x", "a3x", "b2-"])
        let full: [(String, (Int?, String?))] = try left.fullOuterJoin(right).collect()
        #expect(full.count == 4)
        let groups: [(String, ([Int], [String]))] = try left.cogroup(right).collect()
        #expect(groups.count == 3)
    }

    @Test(arguments: [true, false]) func sortsGloballyAndStably(ascending: Bool) throws {
        let numbers = (0..<1_000).map { ($0 * 7_919 % 257, $0) }
        let sorted = try sc.parallelize(numbers, numSlices: 6).sortByKey(ascending: ascending, numPartitions: 4).collect()
        let expected = numbers.sorted { left, right in
            left.0 == right.0 ? left.1 < right.1 : (ascending ? left.0 < right.0 : left.0 > right.0)
        }
        #expect(sorted.map(\.0) == expected.map(\.0) && sorted.map(\.1) == expected.map(\.1))
    }

    @Test func nothingRunsBeforeAnAction() throws {
        let calls = Atomic<Int>(0)
        let rdd = sc.parallelize(1...10).map { number -> (Int, Int) in
            calls.wrappingAdd(1, ordering: .relaxed)
            return (number % 2, number)
        }
        let sorted = rdd.reduceByKey { $0 + $1 }.sortByKey()
        #expect(calls.load(ordering: .relaxed) == 0)
        #expect(try sorted.collect().map(\.1) == [30, 25])
        #expect(calls.load(ordering: .relaxed) == 10)
    }

    @Test func persistedPartitionsAreComputedOnceAndAgainWhenLost() throws {
        let calls = Atomic<Int>(0)
        let rdd = sc.parallelize(0..<40, numSlices: 4).map { number -> Int in
            calls.wrappingAdd(1, ordering: .relaxed)
            return number
        }.persist()
        #expect(try rdd.count() == 40 && rdd.count() == 40)
        #expect(calls.load(ordering: .relaxed) == 40)
        rdd.loseCachedPartition(2)
        #expect(try rdd.collect() == Array(0..<40))
        #expect(calls.load(ordering: .relaxed) == 50)
        rdd.unpersist()
        #expect(try rdd.count() == 40)
        #expect(calls.load(ordering: .relaxed) == 90)
    }

    @Test func onlyTheLostMapTaskRunsAgain() throws {
        let calls = Atomic<Int>(0)
        let sums = sc.parallelize(0..<40, numSlices: 4).map { number -> (Int, Int) in
            calls.wrappingAdd(1, ordering: .relaxed)
            return (number % 5, number)
        }.reduceByKey { $0 + $1 }
        let first = try sums.collect().map(\.1)
        #expect(calls.load(ordering: .relaxed) == 40)
        sums.loseShuffleOutput(mapPartition: 1)
        #expect(try sums.collect().map(\.1) == first)
        #expect(calls.load(ordering: .relaxed) == 50)
    }

    @Test func aFailingTaskIsTriedFourTimesAndNamesItsPlace() throws {
        struct Broken: Error {}
        let calls = Atomic<Int>(0)
        let rdd = sc.parallelize(0..<4, numSlices: 4).map { number -> Int in
            if number == 2 {
                calls.wrappingAdd(1, ordering: .relaxed)
                throw Broken()
            }
            return number
        }
        let error = #expect(throws: ComputeError.self) { try rdd.collect() }
        guard case .taskFailed(_, let dataset, 2, 4, let cause) = error else {
            Issue.record("unexpected \(String(describing: error))")
            return
        }
        #expect(dataset.hasPrefix("map") && cause.contains("Broken"))
        #expect(calls.load(ordering: .relaxed) == 4)
    }

    @Test func aTaskThatFailsOnceSucceedsOnRetry() throws {
        struct Broken: Error {}
        let calls = Atomic<Int>(0)
        let rdd = sc.parallelize([7]).map { number -> Int in
            if calls.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { throw Broken() }
            return number
        }
        #expect(try rdd.collect() == [7])
    }

    @Test func partitionsOfKeysNeverChange() {
        let keys = ["", "a", "carrier", "Zürich", "UA"]
        #expect(keys.map { StableHasher.partition(of: $0, count: 1_000) } == Self.recorded)
        #expect(StableHasher.partition(of: "e\u{301}", count: 1_000) == StableHasher.partition(of: "\u{E9}", count: 1_000))
        #expect(StableHasher.partition(of: -0.0, count: 1_000) == StableHasher.partition(of: 0.0, count: 1_000))
    }

    /// Recorded once; a change would send keys elsewhere than a running job's other processes do.
    static let recorded = [135, 197, 751, 553, 786]

    @Test func refusesUnknownMastersAndActionsInsideTasks() throws {
        #expect(throws: ComputeError.self) { try SparkContext(appName: "x", master: "yarn") }
        let inner = sc.parallelize([1])
        let error = #expect(throws: ComputeError.self) { try sc.parallelize([1]).map { _ in try inner.count() }.collect() }
        #expect(String(describing: error).contains("inside a transformation"))
    }
}
