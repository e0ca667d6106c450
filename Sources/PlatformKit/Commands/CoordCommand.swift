// `platform coord`: the service itself, and verbs that speak ZooKeeper's protocol to any server.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit
import ZooKeeperWire

struct CoordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coord", abstract: "Coordination: a ZooKeeper server, and its client.",
        discussion: "EXAMPLES\n  platform coord serve\n  platform coord create /config 'hello' && platform coord get /config",
        subcommands: [
            Serve.self, List.self, Get.self, Set.self, Create.self, Remove.self, Stat.self, Watch.self, CoordGetACL.self, CoordSetACL.self,
            CoordSync.self,
            CoordSessions.self, CoordMembers.self, CoordReconfig.self, CoordExport.self, CoordImport.self, CoordShell.self, CoordWord.self,
            CoordRepair.self,
        ], defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the coord service alone.",
            discussion:
                "EXAMPLES\n  platform coord serve\n  platform coord serve --listen 127.0.0.1:2182 --data-dir /srv/coord\n  platform coord serve --id 1 --peers 1=10.0.0.1:2888,2=10.0.0.2:2888,3=10.0.0.3:2888"
        )
        @Option(name: .long, help: ArgumentHelp("Where ZooKeeper clients connect.", valueName: "host:port")) var listen: String?
        @Option(
            name: .long,
            help: ArgumentHelp(
                "The servers that begin an ensemble, or whom a newcomer asks, this one too, and where each listens for the others.",
                valueName: "n=host:port,...")) var peers: String?
        @Option(name: .long, help: ArgumentHelp("The number of this server among --peers.", valueName: "n")) var id: Int?
        @Flag(name: .long, help: "Keep the data in a temporary directory that goes away at the end.") var ephemeral = false
        @OptionGroup var ports: PortOptions
        @OptionGroup var options: SettingsOptions

        func run() async throws {
            var flags = listen.map { [(SettingsTable.coordListen.name, $0)] } ?? []
            if let peers { flags.append((SettingsTable.coordPeers.name, peers)) }
            if let id { flags.append((SettingsTable.coordID.name, "\(id)")) }
            try await Serving.run([.coord], settings: try options.resolve(flags, ports: try ports.choice()), ephemeral: ephemeral)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the children of a node.",
            discussion: "EXAMPLES\n  platform coord ls /\n  platform coord ls -R /config -o json")
        @Argument(help: "The node.") var path = "/"
        @Flag(name: [.customShort("R"), .long], help: "The paths of the node and of everything below it.") var recursive = false
        @OptionGroup var server: CoordServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let names = try await server.withClient("cannot list \(path)") {
                recursive ? try await CoordTree.paths(path, $0) : try await $0.children(path)
            }
            if output.output == .json {
                Output.line("[" + names.map(JSONText.quoted).joined(separator: ",") + "]")
            } else {
                for name in names { Output.line(name) }
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get",
            abstract: "Print the data of a node.",
            discussion: "EXAMPLES\n  platform coord get /config\n  platform coord get /config > config.bin")
        @Argument(help: "The node.") var path: String
        @OptionGroup var server: CoordServerOptions

        func run() async throws {
            let (data, _) = try await server.withClient("cannot get \(path)") { try await $0.get(path) }
            Output.raw(data ?? Bytes())
            if Output.isTerminal { Output.line("") }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Replace the data of a node.",
            discussion: "EXAMPLES\n  platform coord set /config 'new'\n  platform coord set /config - < config.bin")
        @Argument(help: "The node.") var path: String
        @Argument(help: "The data; - reads it from stdin.") var data: String
        @Option(name: [.customShort("v"), .long], help: "Only if the node has this version.") var version: Int32 = -1
        @OptionGroup var server: CoordServerOptions

        func run() async throws {
            let stat = try await server.withClient("cannot set \(path)") { try await $0.set(path, nodeData(data), version: version) }
            Output.note("version \(stat.version)")
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Create a node.",
            discussion:
                "EXAMPLES\n  platform coord create /config 'hello'\n  platform coord create -s /queue/item-\n  platform coord create -t 60000 /seen/host-1\n  platform coord create /secret 'x' --acl digest:ann:HASH:cdrwa\n\nAn ephemeral node would end with this command, so there is no flag for one."
        )
        @Argument(help: "The node.") var path: String
        @Argument(help: "The data; - reads it from stdin.") var data = ""
        @Flag(name: .shortAndLong, help: "Add a number to the name.") var sequential = false
        @Flag(name: .shortAndLong, help: "The node goes when its last child has gone.") var container = false
        @Option(
            name: [.customShort("t"), .long],
            help: ArgumentHelp("The node goes when it had neither a change nor children for so long.", valueName: "ms")) var ttl: Int64?
        @Option(name: .long, help: ArgumentHelp("Who may do what, as scheme:id:permissions, separated by commas.", valueName: "list"))
        var acl = "world:anyone:cdrwa"
        @OptionGroup var server: CoordServerOptions

        func run() async throws {
            let (list, content) = (try AccessText.list(acl), nodeData(data))
            guard !container || (ttl == nil && !sequential) else {
                throw CommandFailure(
                    .usage, "--container goes alone", why: "a container has no number and no time to live",
                    next: "leave out --sequential and --ttl")
            }
            let created = try await server.withClient("cannot create \(path)") { client in
                if container { return try await client.createContainer(path, content, acl: list) }
                if let ttl { return try await client.createTTL(path, content, milliseconds: ttl, sequential: sequential, acl: list) }
                return try await client.create(path, content, mode: sequential ? .sequential : [], acl: list)
            }
            Output.line(created)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Delete a node.",
            discussion: "EXAMPLES\n  platform coord rm /config\n  platform coord rm --recursive /queue", aliases: ["delete"])
        @Argument(help: "The node.") var path: String
        @Flag(name: .shortAndLong, help: "Delete everything below it as well.") var recursive = false
        @Option(name: [.customShort("v"), .long], help: "Only if the node has this version.") var version: Int32 = -1
        @OptionGroup var server: CoordServerOptions

        func run() async throws {
            try await server.withClient("cannot delete \(path)") { client in
                if recursive { try await CoordTree.remove(path, client) } else { try await client.delete(path, version: version) }
            }
        }
    }

    struct Stat: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stat",
            abstract: "Show what a node remembers of its life.",
            discussion: "EXAMPLES\n  platform coord stat /config\n  platform coord stat /config -o json")
        @Argument(help: "The node.") var path: String
        @OptionGroup var server: CoordServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let found = try await server.withClient("cannot look at \(path)") { try await $0.exists(path) }
            guard let stat = found else { throw CommandFailure(ZooKeeperFailure(.noNode, path), doing: "cannot look at \(path)") }
            Output.fields(
                [
                    ("path", .text(path)), ("version", .number(Int64(stat.version))), ("dataBytes", .number(Int64(stat.dataLength))),
                    ("children", .number(Int64(stat.numChildren))),
                    ("ephemeralOwner", .text("0x" + String(stat.ephemeralOwner, radix: 16))), ("czxid", .number(stat.czxid)),
                    ("mzxid", .number(stat.mzxid)),
                    ("pzxid", .number(stat.pzxid)), ("ctime", .number(stat.ctime)), ("mtime", .number(stat.mtime)),
                    ("cversion", .number(Int64(stat.cversion))),
                    ("aversion", .number(Int64(stat.aversion))),
                ], output.output)
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "watch",
            abstract: "Print what happens to a node and its children.",
            discussion: "EXAMPLES\n  platform coord watch /config\n  platform coord watch -r /queue --count 10 -o json")
        @Argument(help: "The node; it need not exist yet.") var path: String
        @Flag(name: .shortAndLong, help: "Everything below it as well.") var recursive = false
        @Option(name: .long, help: "End after this many events.") var count: Int?
        @OptionGroup var server: CoordServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await server.withClient("cannot watch \(path)") { client in
                if recursive { try await client.addWatch(path, recursive: true) } else { try await arm(client) }
                var seen = 0
                for await event in client.events {
                    let kind = WatchEventType(rawValue: event.type).map { "\($0)" } ?? "event \(event.type)"
                    if output.output == .json {
                        Output.line(JSONText.object([("event", .text(kind)), ("path", .text(event.path))]))
                    } else {
                        Output.line("\(kind) \(event.path)")
                    }
                    seen += 1
                    if let count, seen >= count { return }
                    if !recursive { try await arm(client) }
                }
                throw ZooKeeperFailure(.connectionLoss)
            }
        }

        /// Sets the one-time watches again after each event.
        private func arm(_ client: ZooKeeperClient) async throws {
            if try await client.exists(path, watch: true) != nil { _ = try await client.children(path, watch: true) }
        }
    }
}

/// Whole subtrees over the protocol.
enum CoordTree {
    /// The paths of a node and of everything below it, parents first, without nodes that go meanwhile.
    static func paths(_ root: String, _ client: ZooKeeperClient) async throws -> [String] {
        var order = [root]
        var place = 0
        while place < order.count {
            do { for child in try await client.children(order[place]) { order.append(childPath(order[place], child)) } } catch let failure
                as ZooKeeperFailure
                where failure.code == .noNode && place > 0
            { order[place] = "" }
            place += 1
        }
        return order.filter { !$0.isEmpty }
    }

    /// Deletes from the leaves up; a child that appears meanwhile fails it with "has children".
    static func remove(_ root: String, _ client: ZooKeeperClient) async throws {
        // The server's own nodes stay when the root itself is named.
        for path in try await paths(root, client).reversed() where root != "/" || (path != "/" && !path.hasPrefix("/zookeeper")) {
            try await client.delete(path)
        }
    }
}
