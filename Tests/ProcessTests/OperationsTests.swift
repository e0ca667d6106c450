// What operators rely on, on the real program: TLS with clients that nobody here wrote, the console of a single service, metrics, idle
// connections, stops under load.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct OperationsTests {
        private func passes(_ script: String) throws {
            let ran = try Ran.client(script, [PlatformProcess.program])
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors)")
        }

        @Test func everyListenerSpeaksTLSAndAsksForCertificatesIfTold() throws { try passes("tls_check.py") }
        @Test func whatOperatorsRelyOnHolds() throws { try passes("ops_check.py") }
    }
}
