// `platform dfs`: the service and its repair. The verbs on files are rows of DFSVerb's tables, run by DFSShell.
import ArgumentParser
import Base
import NetKit

struct DFSCommandLine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dfs", abstract: "Files: an HDFS namenode and datanodes, and a client for any HDFS.",
        discussion: """
            EXAMPLES
              platform dfs serve
              platform dfs put report.csv /data/report.csv && platform dfs ls /data
              platform dfs --fs hdfs://other:8020 -ls /

            VERBS ON FILES
            \(DFSVerb.all.map { "  \($0.name)\t\($0.summary)" }.joined(separator: "\n"))

            Each is also known by Hadoop's spelling (-ls). `platform dfs VERB --help` explains one. --fs hdfs://host:port or webhdfs://host:port names the file system; without
            it PLATFORM_DFS_FS does, or hdfs://127.0.0.1:8020.
            """,
        subcommands: [Serve.self, DFSRepair.self], defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the dfs service, or a part of it.",
            discussion: """
                EXAMPLES
                  platform dfs serve
                  platform dfs serve --listen 127.0.0.1:9871 --data-dir /srv/dfs
                  platform dfs serve --role namenode --data-dir /srv/name
                  platform dfs serve --role datanode --namenode 10.0.0.1:8020 --data-dir /srv/blocks
                  platform dfs serve --role namenode --id 1 --peers 1=10.0.0.1:8485,2=10.0.0.2:8485,3=10.0.0.3:8485
                  platform dfs serve --role datanode --namenode 10.0.0.1:8020,10.0.0.2:8020,10.0.0.3:8020
                """)
        @Option(name: .long, help: ArgumentHelp("all, namenode or datanode.", valueName: "role")) var role: String?
        @Option(name: .long, help: ArgumentHelp("The namenodes that a datanode belongs to.", valueName: "host:port,..."))
        var namenode: String?
        @Option(
            name: .long,
            help: ArgumentHelp(
                "The namenodes of one file system, this one too, and where each listens for the others.", valueName: "n=host:port,..."))
        var peers: String?
        @Option(name: .long, help: ArgumentHelp("The number of this namenode among --peers.", valueName: "n")) var id: Int?
        @Option(name: .long, help: ArgumentHelp("Where WebHDFS clients connect.", valueName: "host:port")) var listen: String?
        @Option(name: .long, help: ArgumentHelp("Where file data is read and written.", valueName: "host:port")) var datanodeListen: String?
        @Flag(name: .long, help: "Keep the data in a temporary directory that goes away at the end.") var ephemeral = false
        @OptionGroup var ports: PortOptions
        @OptionGroup var options: SettingsOptions

        func run() async throws {
            let given: [(name: String, value: String?)] = [
                (SettingsTable.dfsRole.name, role), (SettingsTable.dfsNamenodes.name, namenode),
                (SettingsTable.namenodeListen.name, listen), (SettingsTable.dfsPeers.name, peers),
                (SettingsTable.dfsID.name, id.map { "\($0)" }),
                (SettingsTable.datanodeListen.name, datanodeListen),
            ]
            let flags = given.compactMap { pair in pair.value.map { (name: pair.name, value: $0) } }
            try await Serving.run([.dfs], settings: try options.resolve(flags, ports: try ports.choice()), ephemeral: ephemeral)
        }
    }
}
