// The command line as a person or a script uses it: data, exit codes, and errors that say what, why and what next.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct CommandLineTests {
        private func expectFailure(_ ran: Ran, _ code: Int32, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(ran.status == code, "\(ran.output)\(ran.errors)", sourceLocation: sourceLocation)
            for part in ["error: ", "why: ", "next: "] + parts {
                #expect(ran.errors.contains(part), "'\(part)' is missing in: \(ran.errors)", sourceLocation: sourceLocation)
            }
            #expect(ran.output.isEmpty, sourceLocation: sourceLocation)
        }

        /// A verb of dfs tells in Hadoop's words what it could not do.
        private func expectComplaint(_ ran: Ran, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(
                ran.status == 1 && ran.errors == text && ran.output.isEmpty, "\(ran.status): \(ran.output)\(ran.errors)",
                sourceLocation: sourceLocation)
        }

        @Test func aTakenPortNamesTheProcessThatHoldsIt() throws {
            let first = try PlatformProcess(["coord", "serve", "--ephemeral", "--listen", "127.0.0.1:0"])
            defer { first.stop() }
            let ran = try Ran.platform(["coord", "serve", "--ephemeral", "--listen", try first.endpoint("coord")])
            expectFailure(ran, 1, "is taken by platform (pid \(first.pid))", "--port-offset")
        }

        @Test func aBadSettingIsNamedWithItsBounds() throws {
            expectFailure(
                try Ran.platform(["up", "--ephemeral", "--set", "coord.tick.ms=fast"]), 78, "coord.tick.ms", "whole number from 10 to 60000"
            )
            expectFailure(try Ran.platform(["up", "--set", "coord.tik.ms=5"]), 78, "did you mean 'coord.tick.ms'")
            expectFailure(
                try Ran.platform(["up", "--ephemeral"], environment: ["PLATFORM_CONSOLE_LISTEN": "nowhere"]), 78, "PLATFORM_CONSOLE_LISTEN")
        }

        @Test func clientsAreSentToNoPlaceThatIsNone() throws {
            for place in ["0.0.0.0:9092", "[::]:9092", "host:0", "a host:9092", "host:99999"] {
                expectFailure(
                    try Ran.platform(["up", "--only", "broker", "--ephemeral", "--ports", "auto", "--set", "broker.advertised=\(place)"]),
                    78, place, "broker.advertised")
            }
            let platform = try PlatformProcess([
                "up", "--only", "broker", "--ephemeral", "--ports", "auto", "--set", "broker.advertised=127.0.0.1:1",
            ])
            defer { platform.stop() }
            let server = ["--server", try platform.endpoint("broker")]
            #expect(try Ran.platform(["broker", "topic", "list"] + server).status == 0)
            expectFailure(
                try Ran.platform(["broker", "topic", "create", "events"] + server), 69,
                "127.0.0.1:1: connection refused; \(try platform.endpoint("broker")) says that broker 1 is there",
                "broker.advertised")
        }

        @Test func tlsByHalvesRefusesToStart() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            func openssl(_ name: String) throws {
                let made = try Ran.run(
                    "/usr/bin/env",
                    [
                        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(name)", "-keyout",
                        "\(directory)/\(name).key", "-out", "\(directory)/\(name).pem",
                    ])
                #expect(made.status == 0, "\(made.errors)")
            }
            try openssl("one")
            try openssl("other")
            func start(_ pairs: String...) throws -> Ran {
                try Ran.platform(
                    ["coord", "serve", "--ephemeral", "--ports", "auto"] + pairs.flatMap { ["--set", $0] }, timeout: .seconds(20))
            }
            let (certificate, key) = ("coord.tls.certificate=\(directory)/one.pem", "coord.tls.key=\(directory)/one.key")
            expectFailure(try start(certificate), 78, "coord.tls.key is not set")
            expectFailure(try start(key), 78, "coord.tls.certificate is not set")
            expectFailure(try start("coord.tls.client-ca=\(directory)/other.pem"), 78, "coord.tls.certificate is not set")
            expectFailure(try start(certificate, "coord.tls.key=\(directory)/other.key"), 78, "does not belong to the certificate")
            expectFailure(try start(certificate, key, "coord.tls.client-ca=\(directory)/none.pem"), 78, "none.pem cannot be read")
            expectFailure(try start(certificate, "coord.tls.key=\(directory)/one.pem"), 78, "one.pem cannot be read as a private key")
            // A certificate of the server alone does not tell who comes in.
            expectFailure(try start(certificate, key, "coord.listen=0.0.0.0:0"), 78, "--insecure-expose", "coord.tls.client-ca")
            // What another service lacks stops this one as well: a mistake shows at the first start.
            expectFailure(try start("console.tls.certificate=\(directory)/one.pem"), 78, "console.tls.key is not set")
            expectFailure(try Ran.platform(["config", "validate", "--set", certificate]), 78, "coord.tls.key is not set")
        }

        @Test func everyCommandHasOneLineTwoExamplesAndItsFlagsExplained() throws {
            struct Tree: Decodable {
                struct Argument: Decodable {
                    var valueName: String?
                    var abstract: String?
                    var shouldDisplay: Bool
                }
                struct Command: Decodable {
                    var commandName: String
                    var abstract: String?
                    var discussion: String?
                    var shouldDisplay: Bool?
                    var arguments: [Argument]?
                    var subcommands: [Command]?
                }
                var command: Command
            }
            let tree = try JSONDecoder().decode(Tree.self, from: Data(try Ran.platform(["--experimental-dump-help"]).output.utf8))
            func look(_ command: Tree.Command, _ path: String) {
                let name = path + command.commandName
                guard command.commandName != "help", command.shouldDisplay ?? true else { return }
                #expect(
                    command.abstract?.hasSuffix(".") == true && command.abstract?.contains("\n") == false,
                    "\(name): \(command.abstract ?? "no line")")
                let examples = (command.discussion ?? "").split(separator: "\n").filter { $0.contains("  ") && $0.contains("platform ") }
                #expect(examples.count >= 2, "\(name) has \(examples.count) examples")
                for argument in command.arguments ?? [] where argument.shouldDisplay {
                    #expect(argument.abstract?.isEmpty == false, "\(name): \(argument.valueName ?? "?") is not explained")
                }
                for below in command.subcommands ?? [] { look(below, name + " ") }
            }
            look(tree.command, "")
        }

        @Test func aMissingFileAndAnUnknownTopicAreNamed() throws {
            expectFailure(try Ran.platform(["up", "--config", "/no/such.toml"]), 78, "/no/such.toml", "platform config init")
            expectFailure(try Ran.platform(["compute", "submit", "/no/such/job"]), 1, "/no/such/job")
            let platform = try PlatformProcess(["up", "--only", "broker,dfs", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let broker = ["--server", try platform.endpoint("broker")]
            #expect(try Ran.platform(["broker", "topic", "create", "events"] + broker).status == 0)
            for verb in [["topic", "describe", "evnts"], ["topic", "delete", "evnts"], ["consume", "evnts", "--until-end"]] {
                expectFailure(try Ran.platform(["broker"] + verb + broker), 1, "evnts", "did you mean 'events'?")
            }
            let produced = try Ran.platform(["broker", "produce", "evnts"] + broker, input: "x\n")
            expectFailure(produced, 1, "evnts", "did you mean 'events'?")
            expectComplaint(
                try Ran.platform(["dfs", "get", "/none", "--server", try platform.endpoint("webhdfs")]),
                "get: `/none': No such file or directory\n")
        }

        @Test func aNonLoopbackAddressNeedsAWordOfIntent() throws {
            expectFailure(try Ran.platform(["coord", "serve", "--ephemeral", "--listen", "0.0.0.0:0"]), 78, "--insecure-expose")
        }

        @Test func anUnreachableServerExitsWith69() throws {
            expectFailure(try Ran.platform(["coord", "ls", "/", "--server", "127.0.0.1:1"]), 69, "platform up")
            // No resolver has to be asked about a name with an empty part.
            expectFailure(try Ran.platform(["coord", "ls", "/", "--server", "no..name:2181"]), 69, "the name of the server is unknown")
            expectFailure(try Ran.platform(["dfs", "ls", "/", "--server", "127.0.0.1:1"]), 69, "platform up")
            expectFailure(
                try Ran.platform(["dfs", "ls", "/", "--fs", "hdfs://127.0.0.1:1"]), 69, "the namenode at 127.0.0.1:1: connection refused",
                "platform up")
            expectFailure(try Ran.platform(["status", "--server", "127.0.0.1:1"]), 69, "platform up")
            expectFailure(
                try Ran.platform(["broker", "topic", "list", "--server", "127.0.0.1:1"]), 69,
                "no Kafka broker answers at 127.0.0.1:1: connection refused\n", "platform up")
            expectFailure(
                try Ran.platform(["broker", "topic", "list", "--server", "no-such.invalid:1"]), 69,
                "nobody knows the name 'no-such.invalid'")
        }

        @Test func aLockedDataDirectoryIsRefused() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let first = try PlatformProcess(["up", "--only", "coord", "--data-dir", directory, "--ports", "auto"])
            defer { first.stop() }
            expectFailure(
                try Ran.platform(["up", "--only", "coord", "--data-dir", directory, "--ports", "auto"]), 1, "in use", "--data-dir")
        }

        @Test func verbsOfCoordAndDFSDoWhatTheySay() throws {
            let platform = try PlatformProcess(["up", "--only", "coord,dfs", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let (coord, dfs) = (["--server", try platform.endpoint("coord")], ["--server", try platform.endpoint("webhdfs")])
            #expect(try Ran.platform(["coord", "create", "/a", "hello"] + coord).output == "/a\n")
            #expect(try Ran.platform(["coord", "set", "/a", "-"] + coord, input: "from stdin").status == 0)
            #expect(try Ran.platform(["coord", "get", "/a"] + coord).output == "from stdin")
            #expect(try Ran.platform(["coord", "ls", "/", "-o", "json"] + coord).output == "[\"a\",\"zookeeper\"]\n")
            #expect(try Ran.platform(["coord", "stat", "/a", "-o", "json"] + coord).output.contains("\"version\":1"))
            #expect(try Ran.platform(["coord", "rm", "-r", "/a"] + coord).status == 0)
            expectFailure(try Ran.platform(["coord", "get", "/a"] + coord), 1, "there is no node /a")
            expectFailure(try Ran.platform(["coord", "get", "a"] + coord), 64, "'a' is no path of a node", "did you mean '/a'?")
            expectFailure(try Ran.platform(["coord", "create", "a"] + coord), 64, "'a' is no path of a node")
            expectFailure(try Ran.platform(["coord", "rm", "/"] + coord), 1, "the root stays")
            expectFailure(try Ran.platform(["coord", "create", "/t", "-t", "0"] + coord), 1, "at least 1 ms")
            #expect(try Ran.platform(["dfs", "put", "-", "/d/f"] + dfs, input: "some\ntext\n").status == 0)
            #expect(try Ran.platform(["dfs", "cat", "/d/f"] + dfs).output == "some\ntext\n")
            #expect(try Ran.platform(["dfs", "mv", "/d/f", "/d/g"] + dfs).status == 0)
            #expect(try Ran.platform(["dfs", "ls", "/d", "-o", "json"] + dfs).output.contains("\"name\":\"g\""))
            #expect(try Ran.platform(["dfs", "du", "/d", "-o", "json"] + dfs).output.contains("\"bytes\":10"))
            let rpc = ["--fs", "hdfs://" + (try platform.endpoint("namenode"))]
            for way in [dfs, rpc] {
                expectComplaint(try Ran.platform(["dfs", "cat", "/d/none"] + way), "cat: `/d/none': No such file or directory\n")
                expectComplaint(try Ran.platform(["dfs", "rm", "/d"] + way), "rm: `/d': Is a directory\n")
                expectComplaint(
                    try Ran.platform(["dfs", "put", "/no/such/file", "/d/x"] + way), "put: `/no/such/file': No such file or directory\n")
            }
            #expect(try Ran.platform(["dfs", "cat", "/d/g"] + rpc).output == "some\ntext\n")
            expectFailure(
                try Ran.platform(["dfs", "setfacl", "-b", "/d"] + dfs), 64, "setfacl is not spoken over WebHDFS here", "--fs hdfs://")
            expectFailure(try Ran.platform(["dfs", "-setErasureCodingPolicy", "/d"] + rpc), 64, "nothing is erasure-coded")
            #expect(try Ran.platform(["dfs", "frobnicate"] + rpc).status == 64)
            #expect(try Ran.platform(["dfs", "-frobnicate"] + rpc).status == 255)
            let status = try Ran.platform(["status", "--server", try platform.endpoint("console"), "-o", "json"])
            #expect(status.output.contains("\"name\":\"coord\",\"ready\":true"))
        }

        @Test func verbsOfTheBrokerCarryEveryByte() throws {
            let platform = try PlatformProcess(["up", "--only", "broker", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let server = ["--server", try platform.endpoint("broker")]
            #expect(
                try Ran.platform(["broker", "produce", "bytes", "--create", "--key-separator", ":"] + server, input: "a:1\nplain\n\nb:x:y")
                    .status == 0)
            let consume = ["broker", "consume", "bytes", "--from", "beginning", "--until-end"] + server
            #expect(try Ran.platform(consume + ["--key-separator", ":"]).output == "a:1\n:plain\n:\nb:x:y\n")
            let shell =
                "printf '\\377\\376\\n' | \"$0\" broker produce raw --create --server $1 && \"$0\" broker consume raw --from beginning --until-end --server $1 | od -An -tx1"
            let ran = try Ran.run("/bin/sh", ["-c", shell, PlatformProcess.program, try platform.endpoint("broker")])
            #expect(ran.output.contains("ff fe 0a"), "\(ran.output)\(ran.errors)")
            expectFailure(try Ran.platform(["broker", "consume", "none", "--from", "beginning"] + server), 1, "none")
            expectFailure(try Ran.platform(["broker", "consume", "bytes", "--group", "g", "--from", "end"] + server), 64, "--group")
        }

        @Test func verbsOfTheBrokerNameWhatATopicHas() throws {
            let platform = try PlatformProcess(["up", "--only", "broker", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let server = ["--server", try platform.endpoint("broker")]
            func topic(_ words: String...) throws -> Ran { try Ran.platform(["broker", "topic"] + words + server) }
            expectFailure(try topic("create", "ev", "--replicas", "3"), 1, "replication factor 3")
            expectFailure(try topic("create", "ev", "--replicas", "0"), 1, "at least one replica")
            #expect(try topic("create", "ev", "--partitions", "2", "--replicas", "1").status == 0)
            #expect(try topic("alter", "ev", "--partitions", "4", "--set", "retention.ms=1000000").status == 0)
            #expect(
                try topic("describe", "ev", "-o", "json").output.contains(
                    "{\"partition\":3,\"leader\":1,\"replicas\":[1],\"in_sync\":[1],\"first\":0"))
            #expect(try topic("describe", "ev", "--settings").output.contains("1000000"))
            expectFailure(try topic("alter", "ev", "--partitions", "3"), 1, "4 partitions")
            expectFailure(try topic("alter", "ev"), 64, "--partitions")
            // Of a name of two letters every other one is two changes away.
            let missing = try topic("alter", "t1", "--partitions", "3")
            expectFailure(missing, 1, "there is no topic 't1'")
            #expect(!missing.errors.contains("did you mean"), "\(missing.errors)")
            expectFailure(try topic("truncate", "ev", "--partition", "9", "--before", "1"), 1, "no partition 9; it has 0 to 3")
            expectFailure(try topic("truncate", "ev", "--partition", "0", "--before", "7"), 1, "behind the partition's end")
            expectFailure(
                try Ran.platform(["broker", "group", "reset", "g", "--topic", "ev", "--partition", "9", "--to", "end"] + server), 1,
                "no partition 9")
            expectFailure(try Ran.platform(["broker", "consume", "ev", "--partition", "9"] + server), 1, "no partition 9")
            expectFailure(try Ran.platform(["broker", "consume", "ev", "--from", "beginning", "--count", "0"] + server), 64, "--count 0")
            expectFailure(
                try Ran.platform(["broker", "mirror", "ev", "--to", try platform.endpoint("broker")] + server), 64, "copied onto itself")
            expectFailure(try Ran.platform(["broker", "topic", "list", "--tls"] + server), 69, "may not speak TLS")
            expectFailure(try Ran.platform(["broker", "produce", "ev", "--partition", "9"] + server, input: "x\n"), 1, "no partition 9")
            #expect(try Ran.platform(["broker", "produce", "ev"] + server, input: "x\n").errors.contains("1 record sent"))
            #expect(try topic("create", "kept", "--config", "cleanup.policy=compact").status == 0)
            expectFailure(try topic("truncate", "kept", "--partition", "0", "--before", "0"), 1, "compacted only")
        }

        @Test func sqlAsJSONKeepsTheTypesThatJSONHas() throws {
            let platform = try PlatformProcess(["up", "--only", "compute", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let statement =
                "SELECT true AS t, false AS f, CAST(null AS boolean) AS n, 7 AS i, 1.5D AS d, 1.10 AS exact, CAST('-0.05' AS decimal(9,2)) AS small, CAST('12345678901234567.89' AS decimal(20,2)) AS large, 'x' AS s"
            let ran = try Ran.platform(["compute", "sql", statement, "-o", "json", "--server", try platform.endpoint("connect")])
            #expect(
                ran.output
                    == #"[{"t":true,"f":false,"n":null,"i":7,"d":1.5,"exact":1.10,"small":-0.05,"large":"12345678901234567.89","s":"x"}]"#
                    + "\n", "\(ran.errors)")
            let table = try Ran.platform([
                "compute", "sql", "SELECT true AS t, 1.10 AS exact", "--server", try platform.endpoint("connect"),
            ])
            #expect(table.output == "t     exact\ntrue  1.10\n", "\(table.output)")
        }

        @Test func completionScriptsAreThereForThreeShells() throws {
            for shell in ["bash", "zsh", "fish"] { #expect(try Ran.platform(["completion", shell]).output.contains("platform")) }
            expectFailure(try Ran.platform(["completion", "csh"]), 64, "bash")
        }

        @Test func settingsComeFromFlagEnvironmentFileAndDefaultInThisOrder() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let file = directory + "/platform.toml"
            _ = FileManager.default.createFile(
                atPath: file, contents: Data("[coord]\ntick.ms = 111\nlisten = \"127.0.0.1:7\"\n[log]\nlevel = \"debug\"\n".utf8))
            let ran = try Ran.platform(
                ["config", "show", "--origin", "-o", "json", "--config", file, "--set", "coord.tick.ms=333"],
                environment: ["PLATFORM_COORD_TICK_MS": "222", "PLATFORM_COORD_LISTEN": "127.0.0.1:8"])
            #expect(ran.output.contains("\"name\":\"coord.tick.ms\",\"value\":\"333\",\"origin\":\"flag\""))
            #expect(
                ran.output.contains("\"name\":\"coord.listen\",\"value\":\"127.0.0.1:8\",\"origin\":\"environment PLATFORM_COORD_LISTEN\""))
            #expect(ran.output.contains("\"name\":\"log.level\",\"value\":\"debug\",\"origin\":\"file \(file)\""))
            #expect(ran.output.contains("\"name\":\"dfs.block.bytes\",\"value\":\"134217728\",\"origin\":\"default\""))
        }
    }
}
