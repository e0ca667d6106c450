// The real program and clients that we did not write, service by service.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct ServiceClientTests {
        /// Starts one service, runs a client's checks against an endpoint of it, stops it cleanly.
        private func check(_ service: String, _ endpoint: String, _ script: String) throws {
            let platform = try PlatformProcess(["up", "--only", service, "--ephemeral", "--ports", "auto"])
            let ran = try Ran.client(script, [try platform.endpoint(endpoint)])
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors)")
            let end = platform.stop()
            #expect(end.status == 0 && end.took < .seconds(3), "stopped with \(end)")
        }

        @Test func kazooWorksOnCoord() throws { try check("coord", "coord", "kazoo_check.py") }
        @Test func kafkaPythonWorksOnTheBroker() throws { try check("broker", "broker", "kafka_check.py") }
        @Test func theBrokerOutlivesDamagedFrames() throws { try check("broker", "broker", "kafka_fuzz.py") }
        @Test func hdfsCLIWorksOnDFS() throws { try check("dfs", "webhdfs", "hdfs_check.py") }
        @Test func hdfsNativeWorksOnDFS() throws { try check("dfs", "namenode", "hdfs_rpc_check.py") }

        /// Hadoop's own shell and Java client; skipped without a JDK or the jars that `make zookeeper-jars` brings.
        @Test func hadoopsShellWorksOnDFS() throws {
            let platform = try PlatformProcess(["up", "--only", "dfs", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let ran = try Ran.client("hdfs_shell_check.py", [try platform.endpoint("namenode")], timeout: .seconds(300))
            if ran.status == 77 { return print("hdfs_shell_check.py: \(ran.output)") }
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func hdfsNativeWorksOnThreeDatanodes() throws {
            let platform = try PlatformProcess([
                "up", "--only", "dfs", "--datanodes", "3", "--ephemeral", "--ports", "auto", "--set", "dfs.replication=3",
            ])
            defer { platform.stop() }
            let ran = try Ran.client("hdfs_rpc_check.py", [try platform.endpoint("namenode"), "--datanodes", "3"], timeout: .seconds(300))
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        /// The command line's verbs beside Hadoop's own shell; skipped without a JDK or the jars.
        @Test func theVerbsWriteAndEndAsHadoopsShellDoes() throws {
            let platform = try PlatformProcess(["up", "--only", "dfs", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let ran = try Ran.client(
                "hdfs_verbs_check.py", [PlatformProcess.program, try platform.endpoint("namenode"), try platform.endpoint("webhdfs")],
                timeout: .seconds(300))
            if ran.status == 77 { return print("hdfs_verbs_check.py: \(ran.output)") }
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func treesAreCopiedWholeAndTransfersResumed() throws {
            let platform = try PlatformProcess(["up", "--only", "dfs", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let ran = try Ran.client(
                "dfs_copies_check.py", [PlatformProcess.program, try platform.endpoint("namenode"), try platform.endpoint("webhdfs")],
                timeout: .seconds(300))
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func datanodesInProcessesOfTheirOwnMayBeKilled() throws {
            let ran = try Ran.client("dfs_datanodes.py", [PlatformProcess.program], timeout: .seconds(400))
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        /// Trash, pages, safe mode, datanodes that leave; with Hadoop's shell where there are a JDK and the jars.
        @Test func operatorsRunDFS() throws {
            let ran = try Ran.client("dfs_operator_check.py", [PlatformProcess.program], timeout: .seconds(400))
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func theNamenodeThatLeadsMayBeKilled() throws {
            let ran = try Ran.client("dfs_namenodes.py", [PlatformProcess.program], timeout: .seconds(400))
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func parquetIsReadAndWrittenAsByPyarrow() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("parquet_check.py", [PlatformProcess.program, directory], timeout: .seconds(400))
            #expect(ran.status == 0 && ran.output.contains("all checks passed"), "\(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func pythonFunctionsRunApart() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("python_functions_check.py", [PlatformProcess.program, directory], timeout: .seconds(400))
            #expect(ran.status == 0 && ran.output.contains("all checks passed"), "\(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func tablesOutliveTheServer() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("tables_check.py", [PlatformProcess.program, directory], timeout: .seconds(400))
            #expect(ran.status == 0 && ran.output.contains("all checks passed"), "\(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func pySparkWorksOnCompute() throws { try check("compute", "connect", "pyspark_check.py") }

        @Test func kcatWorksOnTheBroker() throws {
            let platform = try PlatformProcess(["up", "--only", "broker", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let ran = try Ran.run(
                "/bin/bash", [PlatformProcess.packageRoot + "/Tests/Clients/kcat_check.sh", try platform.endpoint("broker")])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func theDemoRunsWithTheRightFigures() throws {
            let ran = try Ran.platform(["demo"], timeout: .seconds(120))
            #expect(ran.status == 0 && ran.output.contains("all figures agree"), "\(ran.output) \(ran.errors)")
        }
    }
}
