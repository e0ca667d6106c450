// Services in processes of their own: the end of one takes nobody with it, is told with the query that ran, and is followed by a new process
// at the same address. The children end with their supervisor, however that ends.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    struct SupervisionTests {
        /// The processes whose parent is `parent`.
        private static func children(of parent: Int32) -> [Int32] {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []  // without /proc nothing is found, and the test fails
            return entries.compactMap(Int32.init).filter { pid in
                guard let text = FileManager.default.contents(atPath: "/proc/\(pid)/stat").map({ String(decoding: $0, as: UTF8.self) })
                else { return false }
                let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
                return fields.count > 2 && Int32(fields[2]) == parent
            }
        }

        private static func wait(_ what: String, until isTrue: () throws -> Bool) throws {
            for _ in 0..<600 {
                if try isTrue() { return }
                Thread.sleep(forTimeInterval: 0.05)
            }
            throw PlatformProcess.Failure("waited 30 s in vain: \(what)")
        }

        private static func query(_ platform: PlatformProcess, _ statement: String) throws -> Ran {
            try Ran.platform(["compute", "sql", statement, "--server", platform.endpoint("connect")])
        }

        private static func status(_ platform: PlatformProcess) throws -> String {
            try Ran.platform(["status", "--server", platform.endpoint("console")]).output
        }

        @Test func theEndOfComputeTakesNobodyWithItAndIsTold() throws {
            let platform = try PlatformProcess(["up", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let child = try #require(Self.children(of: platform.pid).first)
            #expect(try Self.query(platform, "SELECT 1 AS one").output == "one\n1\n")
            let running = Thread {
                // Its failure is what the test is about.
                _ = try? Self.query(platform, "SELECT count(*) FROM range(0, 100000) a JOIN range(0, 100000) b ON a.id + b.id < 0")
            }
            running.start()
            let metrics = "platform_compute_queries_total 4"
            try Self.wait("the second query runs") {
                try Ran.run("/usr/bin/curl", ["-s", "http://\(platform.endpoint("console"))/metrics"]).output.contains(metrics)
            }
            kill(child, SIGKILL)
            try Self.wait("the log tells the query that ran") {
                platform.log.contains("range(0, 100000) a JOIN") && platform.log.contains("signal 9")
            }
            try Self.wait("another process answers") { try Self.query(platform, "SELECT 2 AS two").status == 0 }
            #expect(try Ran.platform(["coord", "ls", "/", "--server", platform.endpoint("coord")]).status == 0)
            #expect(try Self.status(platform).contains("not ready") == false)
            let next = try #require(Self.children(of: platform.pid).first)
            #expect(next != child)
            platform.kill()
            try Self.wait("the child ends with its supervisor") { kill(next, 0) != 0 }
        }

        @Test(arguments: [("each", 4), ("one", 0), ("compute", 1)]) func processesAreAsManyAsAskedFor(_ layout: String, _ count: Int) throws
        {
            let platform = try PlatformProcess(["up", "--ephemeral", "--ports", "auto", "--processes", layout])
            let children = Self.children(of: platform.pid)
            #expect(children.count == count)
            #expect(try Ran.platform(["coord", "create", "/here", "x", "--server", platform.endpoint("coord")]).status == 0)
            #expect(try Ran.platform(["broker", "topic", "create", "here", "--server", platform.endpoint("broker")]).status == 0)
            #expect(try Ran.platform(["dfs", "mkdir", "/here", "--server", platform.endpoint("webhdfs")]).status == 0)
            #expect(try Self.query(platform, "SELECT 1 AS one").output == "one\n1\n")
            let (status, took) = platform.stop()
            #expect(status == 0)
            #expect(took < .seconds(5))
            for child in children { #expect(kill(child, 0) != 0) }
        }

        @Test func aSingleServiceHasNoSupervisor() throws {
            let platform = try PlatformProcess(["up", "--ephemeral", "--ports", "auto", "--only", "compute"])
            defer { platform.stop() }
            #expect(Self.children(of: platform.pid).isEmpty)
        }

        @Test func aServiceThatCannotStartSaysWhy() throws {
            let first = try PlatformProcess(["compute", "serve", "--ephemeral", "--ports", "auto"])
            defer { first.stop() }
            let ran = try Ran.platform([
                "up", "--ephemeral", "--ports", "auto", "--set", "compute.connect.listen=\(first.endpoint("connect"))",
            ])
            #expect(ran.status == 1)
            #expect(ran.errors.contains("is taken by"))
        }
    }
}
