// Ten thousand random, changed and malformed requests at each listener of the real program: no crash, no hang, no growth, and a client that
// we did not write works before and after. What is sent comes from a seed that the script prints.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct HostileInputTests {
        private func withstands(_ service: String, _ endpoint: String, _ kind: String, with more: String? = nil) throws {
            let platform = try PlatformProcess(["up", "--only", service, "--ephemeral", "--ports", "auto"])
            let ran = try Ran.client(
                "hostile_frames.py",
                [kind, try platform.endpoint(endpoint), "10000", "platform", "\(platform.pid)"]
                    + [try more.map(platform.endpoint)].compactMap { $0 })
            #expect(ran.status == 0, "\(kind): \(ran.output) \(ran.errors) \(platform.log.suffix(2000))")
            #expect(platform.stop().status == 0, "\(kind): the server did not end cleanly")
        }

        @Test func coordWithstandsHostileFrames() throws { try withstands("coord", "coord", "coord") }
        @Test func theBrokerWithstandsHostileFrames() throws { try withstands("broker", "broker", "broker") }
        /// A few hundred here; five thousand by hand, since they take a minute.
        private func holds(_ service: String, settings: [String]) throws {
            let platform = try PlatformProcess(
                ["up", "--only", service, "--ephemeral", "--ports", "auto"] + settings.flatMap { ["--set", $0] })
            defer { platform.stop() }
            let ran = try Ran.client("many_connections.py", [service, try platform.endpoint(service), "400"])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func theBrokerHoldsManyConnections() throws { try holds("broker", settings: []) }
        @Test func coordHoldsManySessionsThatComeBackAtOnce() throws {
            try holds("coord", settings: ["coord.connections-per-address.max=0"])
        }
        @Test func theNamenodeWithstandsHostileRequests() throws { try withstands("dfs", "webhdfs", "namenode") }
        @Test func theDatanodeWithstandsHostileRequests() throws { try withstands("dfs", "webhdfs", "datanode") }
        @Test func theNamenodesRPCWithstandsHostileCalls() throws { try withstands("dfs", "namenode", "rpc", with: "namenode") }
        @Test func theDatanodeWithstandsHostilePackets() throws { try withstands("dfs", "datanode", "transfer", with: "namenode") }
        @Test func theConsoleWithstandsHostileRequests() throws { try withstands("coord", "console", "console") }
        @Test func sparkConnectWithstandsHostileRequests() throws { try withstands("compute", "connect", "connect") }
    }
}
