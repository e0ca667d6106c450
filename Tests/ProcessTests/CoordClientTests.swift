// The real coord beside recorded answers of a real ZooKeeper, and what it offers beyond a plain tree.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct CoordClientTests {
        @Test func coordAnswersAsZooKeeperDoesByteForByte() throws {
            let platform = try PlatformProcess(["up", "--only", "coord", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let golden = PlatformProcess.packageRoot + "/Tests/Clients/Golden/zookeeper-3.9.5.txt"
            let ran = try Ran.client("coord_probe.py", [try platform.endpoint("coord"), "--compare", golden])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func kazooConnectsByTLSAndIsKnownByItsCertificate() throws {
            let ran = try Ran.client("coord_tls.py", [PlatformProcess.program])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func memoryOfASessionThatEndedGoesBack() throws {
            let ran = try Ran.client("coord_memory.py", [PlatformProcess.program])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func aCommandThatEndsTheProcessCanBeLeftOut() throws {
            let ran = try Ran.client("coord_repair.py", [PlatformProcess.program])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func aHalfSecureCoordDoesNotStart() throws {
            let halves = [
                ["coord.tls.certificate=/nowhere.pem"], ["coord.tls.certificate=/nowhere.pem", "coord.tls.key=/nowhere.pem"],
                ["coord.sasl.required=true"],
                ["coord.sasl.users=/nowhere"], ["coord.super.digest=super:password"], ["coord.four-letter-words=ruok,xxxx"],
            ]
            for settings in halves {
                let ran = try Ran.platform(
                    ["coord", "serve", "--ephemeral", "--listen", "127.0.0.1:0"] + settings.flatMap { ["--set", $0] }, timeout: .seconds(20)
                )
                #expect(ran.status == 78 && ran.errors.contains("next:"), "\(settings): \(ran.status) \(ran.errors)")
            }
        }

        @Test func verbsOfCoordSpeakToTheServer() throws {
            let platform = try PlatformProcess(["up", "--only", "coord", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let server = ["--server", try platform.endpoint("coord")]
            func coord(_ arguments: [String], input: String? = nil) throws -> Ran {
                try Ran.platform(["coord"] + arguments + server, input: input)
            }
            let script = """
                create /shell "two words"
                create -e /shell/ephemeral it\\'s
                get /shell/ephemeral
                set -v 0 /shell 'täxt'
                setAcl /shell world:anyone:cdrwa,ip:127.0.0.1:r
                ls /shell
                getEphemerals
                whoami
                delete /shell/ephemeral
                create -s /shell/n- 1
                quit
                """
            let shell = try coord(["shell"], input: script)
            #expect(shell.status == 0, "\(shell.errors)")
            #expect(
                shell.output
                    == "Created /shell\nCreated /shell/ephemeral\nit's\n[ephemeral]\n/shell/ephemeral\nip: 127.0.0.1\nCreated /shell/n-0000000001\n"
            )
            let failed = try coord(["shell"], input: "get /none\nnonsense\n")
            #expect(
                failed.status == 1 && failed.errors.contains("there is no node /none") && failed.errors.contains("2 commands failed"),
                "\(failed.errors)")

            let exported = try coord(["export", "/shell"])
            #expect(exported.status == 0 && exported.output.contains("\"data\":\"täxt\""), "\(exported.output) \(exported.errors)")
            #expect(try coord(["import", "-"], input: exported.output).status == 1, "the nodes exist")
            #expect(try coord(["import", "-", "--at", "/far/away"], input: exported.output).status == 0)
            let copy = try coord(["export", "/far/away"])
            #expect(copy.output.replacing("/far/away", with: "/shell") == exported.output)
            for (text, why) in [("{}", "'format' is missing"), ("[1]", "a value of another kind"), ("{", "it is not JSON")] {
                let refused = try coord(["import", "-"], input: text)
                #expect(refused.status == 65 && refused.errors.contains(why), "\(refused.errors)")
            }
            #expect(try coord(["getacl", "/far/away", "-o", "json"]).output.contains("\"id\":\"127.0.0.1\",\"permissions\":\"r\""))
            #expect(try coord(["members", "-o", "json"]).output.contains("standalone"))
            #expect(try coord(["sessions", "-o", "json"]).output == "[]\n")
            #expect(try Ran.platform(["coord", "4lw", "ruok"] + server).output == "imok\n")
            #expect(try Ran.platform(["coord", "4lw", "wchp"] + server).status == 77)
        }

        @Test func coordKeepsWhatItsPagePromises() throws {
            let users = NSTemporaryDirectory() + "/platform-test-" + UUID().uuidString
            try "bob:bobsecret\n".write(toFile: users, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: users) }  // a file in the temporary directory may stay
            let settings = [
                "coord.reap.interval.ms=100", "coord.container.unused.ms=1500", "coord.tick.ms=500", "coord.four-letter-words=*",
                "coord.quota.enforce=true",
                "coord.super.digest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=", "coord.sasl.users=\(users)",
            ]
            let platform = try PlatformProcess(
                ["up", "--only", "coord", "--ephemeral", "--ports", "auto"] + settings.flatMap { ["--set", $0] })
            defer { platform.stop() }
            let ran = try Ran.client("coord_features.py", [try platform.endpoint("coord"), try platform.endpoint("coord-admin")])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }
    }
}
