// Evidence beyond our own checks: a client's own test suite, and answers recorded from the real server.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct CompatibilityTests {
        private func passes(_ script: String, _ arguments: [String]) throws {
            let ran = try Ran.client("../Compat/" + script, arguments, timeout: .seconds(500))
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors)")
        }

        /// The jars are where `make kafka-jars` puts them; without them or without a JDK the script says so and ends with 77.
        private func passesInJava(_ arguments: [String] = [], jars folder: String = "kafka-jars") throws {
            let jars = PlatformProcess.packageRoot + "/.venv/" + folder
            let ran = try Ran.client("../Compat/kafka_java.py", [PlatformProcess.program, jars] + arguments, timeout: .seconds(500))
            if ran.status == 77 { return print("kafka_java.py: \(ran.output)") }
            #expect(ran.status == 0, "kafka_java.py: \(ran.output) \(ran.errors)")
        }

        @Test func kafkasJavaClientWorksOnTheBroker() throws { try passesInJava() }
        @Test func kafkasJavaClientOfBefore4WorksOnTheBroker() throws { try passesInJava(jars: "kafka-jars-3") }
        @Test func kafkasJavaClientLosesNothingWithTheLeadersOfThreeBrokers() throws {
            try passesInJava(["--servers", "3", "--only", "faults"])
        }
        @Test func kazoosOwnTestsPassOnCoord() throws { try passes("kazoo_suite.py", [PlatformProcess.program]) }
        @Test func kazoosOwnTestsPassOnThreeServersOfCoord() throws {
            try passes("kazoo_suite.py", [PlatformProcess.program, "--servers", "3"])
        }
    }
}
