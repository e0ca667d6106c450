// How the program starts and ends: its READY line, signals, ports, and data that survives both a clean restart and kill -9.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct StartTests {
        /// The READY line's names by service.
        private static let names = [
            "coord": ["coord", "coord-admin"], "broker": ["broker"], "dfs": ["namenode", "webhdfs", "datanode"], "compute": ["connect"],
        ]

        private func accepts(_ address: String) -> Bool {
            let parts = address.split(separator: ":")
            guard parts.count == 2, let port = UInt16(parts[1]) else { return false }
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(socket) }
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = port.bigEndian
            target.sin_addr.s_addr = inet_addr(String(parts[0]))
            return withUnsafePointer(to: &target) {
                // A sockaddr_in is passed as the sockaddr that it begins with, with its own size, as connect(2) asks.
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
            }
        }

        @Test func theReadyLineNamesEveryServiceThatWasStartedAndNoOther() throws {
            let all = try PlatformProcess(["up", "--ephemeral", "--ports", "auto"])
            #expect(Set(all.endpoints.keys) == Set(Self.names.values.flatMap { $0 } + ["console"]))
            for (name, address) in all.endpoints { #expect(accepts(address), "nobody listens on \(name)=\(address)") }
            all.stop()
            for (service, names) in Self.names {
                let one = try PlatformProcess(["up", "--only", service, "--ephemeral", "--ports", "auto"])
                #expect(Set(one.endpoints.keys) == Set(names + ["console"]), "\(service)")
                one.stop()
            }
        }

        @Test func aSignalEndsItWithStatusZeroWithinTwoSeconds() throws {
            for signal in [SIGINT, SIGTERM] {
                let platform = try PlatformProcess(["up", "--ephemeral", "--ports", "auto"])
                let address = try platform.endpoint("coord")
                let end = platform.stop(by: signal)
                #expect(end.status == 0 && end.took < .seconds(2), "signal \(signal): \(end)")
                #expect(!accepts(address))
            }
        }

        @Test func dataSurvivesACleanRestartAndAKill() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let arguments = ["up", "--only", "coord,dfs", "--data-dir", directory, "--ports", "auto"]
            var platform = try PlatformProcess(arguments)
            for round in 0..<4 {
                let (coord, dfs) = (["--server", try platform.endpoint("coord")], ["--server", try platform.endpoint("webhdfs")])
                for earlier in 0..<round {
                    #expect(try Ran.platform(["coord", "get", "/round-\(earlier)"] + coord).output == "value \(earlier)")
                    #expect(try Ran.platform(["dfs", "cat", "/round/\(earlier)"] + dfs).output == "content \(earlier)\n")
                }
                #expect(try Ran.platform(["coord", "create", "/round-\(round)", "value \(round)"] + coord).status == 0)
                #expect(try Ran.platform(["dfs", "put", "-", "/round/\(round)"] + dfs, input: "content \(round)\n").status == 0)
                if round % 2 == 0 { platform.kill() } else { #expect(platform.stop().status == 0) }
                platform = try PlatformProcess(arguments)
            }
            platform.stop()
        }

        @Test func dataDirectoriesOfEarlierVersionsOpenAndGoOn() throws {
            let ran = try Ran.client("data_directories.py", [PlatformProcess.program])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func portOffsetMovesEveryPort() throws {
            // Below the range from which the system picks ports by itself; another offset is tried if somebody holds one of these.
            var platform: PlatformProcess?
            var offset = 0
            for _ in 0..<5 where platform == nil {
                offset = Int.random(in: 9_000...14_000)
                platform = try? PlatformProcess(["up", "--ephemeral", "--port-offset", "\(offset)"])  // a taken port: the next offset
            }
            let running = try #require(platform)
            let defaults = [
                "coord": 2181, "coord-admin": 8080, "broker": 9092, "namenode": 8020, "webhdfs": 9870, "datanode": 9866, "connect": 15002,
                "console": 7080,
            ]
            for (name, address) in running.endpoints { #expect(address == "127.0.0.1:\((defaults[name] ?? 0) + offset)", "\(name)") }
            running.stop()
        }

        @Test func twoPlatformsRunSideBySide() throws {
            let (one, other) = (
                try PlatformProcess(["up", "--ephemeral", "--ports", "auto"]),
                try PlatformProcess(["up", "--ephemeral", "--ports", "auto"])
            )
            defer { for platform in [one, other] { platform.stop() } }
            #expect(Set(one.endpoints.values).isDisjoint(with: other.endpoints.values))
            #expect(try Ran.platform(["coord", "create", "/mine", "one", "--server", try one.endpoint("coord")]).status == 0)
            #expect(
                try Ran.platform(["coord", "ls", "/", "-o", "json", "--server", try other.endpoint("coord")]).output == "[\"zookeeper\"]\n")
            #expect(
                try Ran.platform(["coord", "ls", "/", "-o", "json", "--server", try one.endpoint("coord")]).output
                    == "[\"mine\",\"zookeeper\"]\n")
        }
    }
}
