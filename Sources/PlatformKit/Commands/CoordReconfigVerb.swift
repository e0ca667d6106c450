// `platform coord reconfig`: changes the servers of an ensemble with ZooKeeper's own request, so it works against any ZooKeeper that allows
// it.
import ArgumentParser
import Base
import Clients
import ZooKeeperWire

struct CoordReconfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconfig", abstract: "Change the servers of an ensemble.",
        discussion: """
            A server that joins is started first, with --peers naming it and some that are there; as a voter it is taken once it keeps up. Needs coord.reconfig on \
            the servers and the right to write /zookeeper/config (--auth-file with the super user).

            EXAMPLES
              platform coord reconfig --add 'server.4=10.0.0.4:2888:2888;2181'
              platform coord reconfig --remove 2 --add 'server.5=10.0.0.5:2888:2888:observer;2181'
            """)
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A server that joins, or changes: server.N=host:port:port[:participant|observer];[host:]port. Repeatable.", valueName: "server")
    )
    var add: [String] = []
    @Option(name: .long, help: ArgumentHelp("The number of a server that leaves. Repeatable.", valueName: "n")) var remove: [Int64] = []
    @Option(
        name: .long,
        help: ArgumentHelp("All servers from now on, separated by commas, in the place of --add and --remove.", valueName: "servers"))
    var members: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only if the members are still those of this version (hexadecimal, as /zookeeper/config shows it).", valueName: "version"))
    var ifVersion: String?
    @OptionGroup var server: CoordServerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard members == nil || (add.isEmpty && remove.isEmpty) else {
            throw ValidationError("--members says it all: leave out --add and --remove")
        }
        guard members != nil || !add.isEmpty || !remove.isEmpty else {
            throw ValidationError("say what changes: --add, --remove or --members")
        }
        guard ifVersion == nil || version != nil else {
            throw ValidationError("--if-version takes a hexadecimal number, as the last line of /zookeeper/config")
        }
    }

    private var version: Int64? { ifVersion.flatMap { Int64($0, radix: 16) } }

    func run() async throws {
        var request = ReconfigRequest()
        request.joining = add.isEmpty ? nil : add.joined(separator: ",")
        request.leaving = remove.isEmpty ? nil : remove.map(String.init).joined(separator: ",")
        request.members = members
        request.configID = version ?? -1
        let change = request
        let text = try await server.withClient("cannot change the members") { try await $0.reconfigure(change) }
        Output.rows(["id", "peers", "role", "clients"], text.split(separator: "\n").compactMap(CoordMembers.row), output.output)
    }
}
