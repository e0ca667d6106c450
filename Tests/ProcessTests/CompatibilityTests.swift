// Evidence beyond our own checks: a client's own test suite, and answers recorded from the real server.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct CompatibilityTests {
        private func passes(_ script: String, _ arguments: [String]) throws {
            let ran = try Ran.client("../Compat/" + script, arguments, timeout: .seconds(500))
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors)")
        }

        @Test func kazoosOwnTestsPassOnCoord() throws { try passes("kazoo_suite.py", [PlatformProcess.program]) }
        @Test func kazoosOwnTestsPassOnThreeServersOfCoord() throws { try passes("kazoo_suite.py", [PlatformProcess.program, "--servers", "3"]) }
    }
}
