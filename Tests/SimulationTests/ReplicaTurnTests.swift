// A replica on a loop of its own: one that has much to execute gives the loop up now and then, so that connections have their turn in
// between; one whose tables are damaged while it runs stops.
import Base
import CoordCore
import Foundation
import Logging
import Replication
import TestKit
import Testing

/// A loop on a queue; it counts its jobs.
private final class QueueLoop: ServiceLoop, @unchecked Sendable {
    // Safe to share: `turn` is touched on the queue only.
    private static let key = DispatchSpecificKey<ObjectIdentifier>()
    private let queue = DispatchQueue(label: "loop")
    private(set) var turn = 0

    init() { queue.setSpecific(key: Self.key, value: ObjectIdentifier(self)) }

    var isCurrent: Bool { DispatchQueue.getSpecific(key: Self.key) == ObjectIdentifier(self) }

    private func run(_ job: () -> Void) {
        turn += 1
        job()
    }

    func execute(_ job: @escaping @Sendable () -> Void) { queue.async { self.run(job) } }
    func executeNextTurn(_ job: @escaping @Sendable () -> Void) { execute(job) }
    func schedule(after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(delay.inNanoseconds))) { self.run(job) }
    }
}

/// A clock that goes on by a millisecond whenever it is looked at.
private final class SteppingTime: TimeSource, @unchecked Sendable {
    // Safe to share: guarded by the lock.
    private let lock = NSLock()
    private var milliseconds: Int64 = 1000

    func now() -> Instant {
        lock.withLock {
            milliseconds += 1
            return Instant(nanoseconds: milliseconds * 1_000_000)
        }
    }
    func wallTime() -> WallTime { WallTime(milliseconds: 1_700_000_000_000) }
}

/// What was executed, on the loop.
private final class Executions: @unchecked Sendable {
    // Safe to share: touched on the loop only.
    var count = 0
    var byTurn: [Int: Int] = [:]
    var whenAnotherJobRan: Int?
}

@Suite struct ReplicaTurnTests {
    /// With a clock that steps by a millisecond a turn of ten milliseconds is over after about ten commands.
    @Test func aReplicaGivesItsLoopUpBetweenCommands() async throws {
        let directory = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
        let (loop, executions) = (QueueLoop(), Executions())
        let options = ReplicaOptions(directory: directory, name: "turns")
        let host = try await ReplicaHost<CoordMachine>.open(options, loop: loop, time: SteppingTime(), log: Logger(label: "test"))
        let commands = 200
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                for number in 0..<commands {
                    let create = CoordOperation.create(path: "/n-\(number)", data: nil, acl: [.open], ephemeral: false, sequential: false)
                    host.propose(.localWrite(withinQuota: false, identities: [], operations: [create])) { _ in
                        executions.count += 1
                        executions.byTurn[loop.turn, default: 0] += 1
                        if executions.count == 1 { loop.execute { executions.whenAnotherJobRan = executions.count } }
                        if executions.count == commands { continuation.resume() }
                    }
                }
            }
        }
        #expect(executions.byTurn.values.max() ?? 0 <= 12, "\(executions.byTurn)")
        #expect(executions.byTurn.count >= commands / 12)
        #expect(
            executions.whenAnotherJobRan.map { $0 <= 12 } == true, "another job waited for \(executions.whenAnotherJobRan ?? -1) commands")
        await host.stop()
    }

    /// Proposes all and returns how many were executed, with the refusal of the last one.
    private func propose(_ operations: [CoordOperation], to host: ReplicaHost<CoordMachine>) async -> (
        executed: Int, refusal: ReplicaRefusal?
    ) {
        var (executed, refusal) = (0, ReplicaRefusal?.none)
        for operation in operations {
            do throws(ReplicaRefusal) {
                _ = try await host.propose(.localWrite(withinQuota: false, identities: [], operations: [operation]))
                executed += 1
            } catch { refusal = error }
        }
        return (executed, refusal)
    }

    private func open(_ directory: String) async throws -> ReplicaHost<CoordMachine> {
        try await ReplicaHost<CoordMachine>.open(
            ReplicaOptions(directory: directory, name: "damage"), loop: QueueLoop(), time: SteppingTime(), log: Logger(label: "test"))
    }

    /// More than SQLite keeps in memory, so that rows that are changed have to be read from the disk.
    @Test func aReplicaWhoseTablesAreDamagedWhileItRunsStops() async throws {
        let directory = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
        let data = Bytes(repeating: 7, count: 200_000)
        var host = try await open(directory)
        let created = await propose(
            (0..<60).map { .create(path: "/n-\($0)", data: data, acl: [.open], ephemeral: false, sequential: false) }, to: host)
        #expect(created.executed == 60)
        await host.stop()
        host = try await open(directory)
        let path = directory + "/meta.sqlite"
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        let size = try file.seekToEnd()
        for offset in stride(from: UInt64(65_536), to: size, by: 4096) {
            try file.seek(toOffset: offset + 100)
            try file.write(contentsOf: Data([0xA5, 0x5A, 0xA5]))
        }
        try file.close()
        let end = ContinuousClock.now + .seconds(30)
        var refusal: ReplicaRefusal?
        while refusal == nil, .now < end {
            refusal = await propose((0..<60).map { .setData(path: "/n-\($0)", data: Bytes(string: "other"), version: -1) }, to: host)
                .refusal
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect("\(String(describing: refusal))".contains("corrupt"), "\(String(describing: refusal))")
        #expect(host.trouble?.contains("its tables are damaged") == true, "\(host.trouble ?? "no trouble")")
        await host.stop()
    }
}
