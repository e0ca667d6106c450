// `platform coord getacl`, `setacl` and `sync`, over ZooKeeper's protocol.
import ArgumentParser
import Base
import Clients
import ZooKeeperWire

struct CoordGetACL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "getacl", abstract: "Show who may do what with a node.",
        discussion: "EXAMPLES\n  platform coord getacl /config\n  platform coord getacl /config -o json")
    @Argument(help: "The node.") var path: String
    @OptionGroup var server: CoordServerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (list, _) = try await server.withClient("cannot read the access list of \(path)") { try await $0.acl(path) }
        Output.rows(
            ["scheme", "id", "permissions"], list.map { [.text($0.scheme), .text($0.id), .text(AccessText.permissions($0.permissions))] },
            output.output)
    }
}

struct CoordSetACL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setacl", abstract: "Replace who may do what with a node.",
        discussion: """
            Entries are scheme:id:permissions, separated by commas; permissions are letters of cdrwa (create, delete, read, write, admin).

            EXAMPLES
              platform coord setacl /config world:anyone:r
              platform coord setacl -R /secret auth::cdrwa --auth-file logins
            """)
    @Argument(help: "The node.") var path: String
    @Argument(help: "The list.") var list: String
    @Option(name: [.customShort("v"), .long], help: "Only if the list has this version.") var version: Int32 = -1
    @Flag(name: [.customShort("R"), .long], help: "Everything below the node as well.") var recursive = false
    @OptionGroup var server: CoordServerOptions

    func run() async throws {
        let rights = try AccessText.list(list)
        try await server.withClient("cannot change the access list of \(path)") { client in
            guard recursive else {
                Output.note("version \(try await client.setACL(path, rights, version: version).aversion)")
                return
            }
            // From the leaves up, so that a list which locks out this client does so last.
            for node in try await CoordTree.paths(path, client).reversed() { _ = try await client.setACL(node, rights) }
        }
    }
}

struct CoordSync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Wait until the server has seen everything that was acknowledged before.",
        discussion: "EXAMPLES\n  platform coord sync\n  platform coord sync /config --server 127.0.0.1:2182")
    @Argument(help: "The node.") var path = "/"
    @OptionGroup var server: CoordServerOptions

    func run() async throws { try await server.withClient("cannot sync \(path)") { try await $0.sync(path) } }
}
