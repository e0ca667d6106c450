// Workers of Python functions with a stand-in for Python: a shell script that speaks, or does not speak, the frames.
import ComputeRuntime
import Foundation
import Synchronization
import Testing

@Suite struct PythonWorkerTests {
    /// Says that it is ready as version 9.9.
    private static let ready = #"printf '\022\000\000\000R{"version":"9.9"}' >&3"#

    /// Runs `body` with settings whose program is the script.
    private func with(_ script: String, _ body: (PythonWorkerSettings) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "python-worker-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // a temporary directory may stay
        let program = folder + "/program"
        try ("#!/bin/sh\n" + script + "\n").write(toFile: program, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program)
        var settings = PythonWorkerSettings()
        settings.program = program
        settings.folder = folder + "/workers"
        try body(settings)
    }

    private func failure(_ script: String) throws -> String {
        var text = ""
        try with(script) { settings in
            do { _ = try PythonWorker(settings) {} } catch { text = "\(error)" }
            let left = try FileManager.default.contentsOfDirectory(atPath: settings.folder ?? "")
            #expect(left.isEmpty)
        }
        return text
    }

    @Test func framesGoBothWays() throws {
        try with(Self.ready + "\nexec cat <&3 >&3") { settings in
            let worker = try PythonWorker(settings) {}
            #expect(worker.version == "9.9")
            for size in [0, 1, 4096, 100_000] {
                let parts = [[UInt8](repeating: 7, count: size), [1, 2, 3]]
                try worker.send(PythonFrame.result, parts) {}
                var reserved = 0
                let (kind, payload) = try worker.receive(reserve: { reserved = $0 }) {}
                #expect(kind == PythonFrame.result && payload == parts.flatMap { $0 } && reserved == payload.count + 1)
            }
            try worker.send(PythonFrame.want, []) {}
            try worker.send(PythonFrame.done, []) {}
            #expect(try worker.receive {}.kind == PythonFrame.want)
            #expect(try worker.receive {}.kind == PythonFrame.done)
        }
    }

    @Test func anEndIsToldWithItsStatusAndLastWords() throws {
        let text = try failure("echo last words >&2; exit 7")
        #expect(text.contains("exit code 7") && text.contains("last words"))
        #expect(try failure("kill -SEGV $$").contains("signal 11"))
    }

    @Test func nonsenseEndsTheWorker() throws {
        #expect(try failure("printf aaaaaaaa >&3; sleep 1000").contains("no message"))
        #expect(try failure(#"printf '\000\000\000\000R' >&3; sleep 1000"#).contains("no message"))
        #expect(try failure(#"printf '\003\000\000\000R{}' >&3; sleep 1000"#).contains("no known form"))
    }

    @Test func whatPythonLacksIsNamed() throws {
        let text = try failure(#"printf '\047\000\000\000R{"version":"9.9","missing":"No arrow"}' >&3; sleep 1000"#)
        #expect(text.contains("No arrow") && text.contains("compute.python"))
        var settings = PythonWorkerSettings()
        settings.program = "/no/such/python"
        #expect(throws: PythonWorkerFailure.self) { try PythonWorker(settings) {} }
    }

    @Test func aWaitEndsWhenItsCallerSaysSo() throws {
        struct Enough: Error {}
        try with("sleep 1000") { settings in
            var looks = 0
            #expect(throws: Enough.self) {
                try PythonWorker(settings) {
                    looks += 1
                    if looks > 2 { throw Enough() }
                }
            }
        }
    }

    @Test func aWorkerIsKeptForItsSession() throws {
        try with(Self.ready + "\nexec sleep 1000") { settings in
            let pool = PythonWorkerPool(settings)
            let first = ObjectIdentifier(try kept(pool, "a"))
            #expect(pool.count == 1)
            #expect(ObjectIdentifier(try kept(pool, "a")) == first)
            pool.end("a")
            #expect(pool.count == 0)
            _ = try kept(pool, "a", isUsable: false)
            #expect(pool.count == 0)
            _ = try kept(pool, "a")
            pool.reap(.now)
            #expect(pool.count == 1)
            pool.reap(.now + settings.idleMax + .seconds(1))
            #expect(pool.count == 0)
            pool.close()
            #expect(throws: PythonWorkerFailure.self) { try pool.take("a") {} }
        }
    }

    private func kept(_ pool: PythonWorkerPool, _ session: String, isUsable: Bool = true) throws -> PythonWorker {
        let worker = try pool.take(session) {}
        pool.giveBack(worker, session, isUsable: isUsable)
        return worker
    }

    @Test func aQueueKeepsNothingThatWasTaken() {
        final class Item: Sendable {}
        let queue = BlockingQueue<Item>(limit: 4)
        weak var item: Item?
        do {
            let made = Item()
            item = made
            queue.put(made)
            queue.put(Item())
            _ = queue.take()
        }
        #expect(item == nil)
        #expect(queue.take() != nil)
    }

    @Test func idleWorkersOfOthersGiveTheirPlace() throws {
        try with(Self.ready + "\nexec sleep 1000") { base in
            var settings = base
            settings.workersMax = 1
            let pool = PythonWorkerPool(settings)
            let busy = try pool.take("a") {}
            let error = #expect(throws: PythonWorkerFailure.self) { try pool.take("b") {} }
            #expect("\(error.map { "\($0)" } ?? "")".contains("at work"))
            pool.giveBack(busy, "a", isUsable: true)
            _ = try kept(pool, "b")
            #expect(pool.count == 1)
        }
    }
}
