// `platform dfs`: the service itself, and verbs that speak WebHDFS to any namenode.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit

struct DFSCommandLine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dfs", abstract: "Files: an HDFS namenode and datanode, and their client.",
        discussion: "EXAMPLES\n  platform dfs serve\n  platform dfs put report.csv /data/report.csv && platform dfs ls /data",
        subcommands: [Serve.self, List.self, Put.self, Get.self, Cat.self, MakeDirectory.self, Remove.self, Move.self, DiskUsage.self, Stat.self, DFSRepair.self],
        defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "serve", abstract: "Run the dfs service alone.", discussion: "EXAMPLES\n  platform dfs serve\n  platform dfs serve --listen 127.0.0.1:9871 --data-dir /srv/dfs")
        @Option(name: .long, help: ArgumentHelp("Where WebHDFS clients connect.", valueName: "host:port")) var listen: String?
        @Option(name: .long, help: ArgumentHelp("Where file data is read and written.", valueName: "host:port")) var datanodeListen: String?
        @Flag(name: .long, help: "Keep the data in a temporary directory that goes away at the end.") var ephemeral = false
        @OptionGroup var ports: PortOptions
        @OptionGroup var options: SettingsOptions

        func run() async throws {
            let flags = (listen.map { [(SettingsTable.namenodeListen.name, $0)] } ?? []) + (datanodeListen.map { [(SettingsTable.datanodeListen.name, $0)] } ?? [])
            try await Serving.run([.dfs], settings: try options.resolve(flags, ports: try ports.choice()), ephemeral: ephemeral)
        }
    }

    /// Flags of the client verbs.
    struct ServerOptions: ParsableArguments {
        @Option(name: .long, help: ArgumentHelp("The namenode's WebHDFS address.", valueName: "host:port")) var server = DefaultServer.dfs
        @OptionGroup var tls: TLSOptions
        @Option(name: .long, help: "The user to act as.") var user = NSUserName()

        func withClient<T>(_ doing: String, _ body: (HDFSClient) async throws -> T) async throws -> T {
            do { return try await body(HDFSClient(server: try serverAddress(server, defaultPort: 9870), user: user, trust: try tls.trust())) } catch {
                throw CommandFailure(error, doing: doing)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List a directory.", discussion: "EXAMPLES\n  platform dfs ls /\n  platform dfs ls /data -o json")
        @Argument(help: "The directory or file.") var path = "/"
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let entries = try await server.withClient("cannot list \(path)") { try await $0.list(path) }
            Output.rows(
                ["permission", "owner", "group", "bytes", "modified", "name"],
                entries.map { entry in
                    [
                        .text((entry.isDirectory ? "d" : "-") + Self.letters(entry.permission)), .text(entry.owner), .text(entry.group), .number(entry.length),
                        .text(Timestamps.text(milliseconds: entry.modificationTime)), .text(entry.pathSuffix.isEmpty ? path : entry.pathSuffix),
                    ]
                }, output.output)
        }

        /// `644` as `rw-r--r--`; the sticky bit shows as `t`.
        static func letters(_ octal: String) -> String {
            guard let bits = Int(octal, radix: 8) else { return octal }
            let marks = Array("rwxrwxrwx")
            var text = (0..<9).map { bits >> (8 - $0) & 1 == 1 ? marks[$0] : "-" }
            if bits & 0o1000 != 0 { text[8] = bits & 1 == 1 ? "t" : "T" }
            return String(text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "put", abstract: "Copy a local file into dfs.", discussion: "EXAMPLES\n  platform dfs put report.csv /data/report.csv\n  ls -l | platform dfs put - /data/listing.txt --force")
        @Argument(help: "The local file; - reads stdin.") var source: String
        @Argument(help: "The path in dfs; a directory keeps the file's name.") var target: String
        @Flag(name: .shortAndLong, help: "Replace a file that exists.") var force = false
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await server.withClient("cannot put \(source) to \(target)") { client in
                var path = target
                if source != "-", let there = try await client.statusIfExists(target), there.isDirectory { path = Paths.join(target, Paths.name(source)) }
                let file = try LocalFile.open(source)
                try await client.create(path, overwrite: force, body: .stream { write in try await file.forEachChunk(write) })
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Copy a file from dfs.", discussion: "EXAMPLES\n  platform dfs get /data/report.csv\n  platform dfs get /data/report.csv copy.csv --force")
        @Argument(help: "The path in dfs.") var source: String
        @Argument(help: "The local file; a directory keeps the file's name.") var target = "."
        @Flag(name: .shortAndLong, help: "Replace a file that exists.") var force = false
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await server.withClient("cannot get \(source)") { client in
                let file = try LocalFile.create(Paths.localTarget(target, for: source), overwrite: force)
                do { try await client.open(source) { try file.write($0) } } catch {
                    file.discard()
                    throw error
                }
                try file.commit()
            }
        }
    }

    struct Cat: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "cat", abstract: "Print files.", discussion: "EXAMPLES\n  platform dfs cat /data/report.csv\n  platform dfs cat /out/part-00000 /out/part-00001 | sort")
        @Argument(help: "The paths in dfs.") var paths: [String]
        @OptionGroup var server: ServerOptions

        func run() async throws {
            for path in paths { try await server.withClient("cannot read \(path)") { try await $0.open(path) { Output.raw($0) } } }
        }
    }

    struct MakeDirectory: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "mkdir", abstract: "Make a directory and its parents.", discussion: "EXAMPLES\n  platform dfs mkdir /data/2026\n  platform dfs mkdir /a /b")
        @Argument(help: "The directories.") var paths: [String]
        @OptionGroup var server: ServerOptions

        func run() async throws {
            for path in paths { try await server.withClient("cannot make \(path)") { try await $0.makeDirectories(path) } }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm", abstract: "Delete files and directories.", discussion: "EXAMPLES\n  platform dfs rm /data/report.csv\n  platform dfs rm -r /out")
        @Argument(help: "The paths in dfs.") var paths: [String]
        @Flag(name: .shortAndLong, help: "Delete directories with everything in them.") var recursive = false
        @OptionGroup var server: ServerOptions

        func run() async throws {
            for path in paths {
                let existed = try await server.withClient("cannot delete \(path)") { try await $0.delete(path, recursive: recursive) }
                guard existed else { throw CommandFailure(.failed, "cannot delete \(path)", why: "nothing is there", next: "`platform dfs ls` shows what is there") }
            }
        }
    }

    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "mv", abstract: "Rename a file or directory.", discussion: "EXAMPLES\n  platform dfs mv /data/a.csv /data/b.csv\n  platform dfs mv /data/a.csv /archive")
        @Argument(help: "The path in dfs.") var source: String
        @Argument(help: "The new path, or a directory to move it into.") var target: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let moved = try await server.withClient("cannot move \(source) to \(target)") { try await $0.rename(source, to: target) }
            guard moved else {
                throw CommandFailure(.failed, "cannot move \(source) to \(target)", why: "the source is missing, the target exists, or its directory does not", next: "look at both with `platform dfs stat`")
            }
        }
    }

    struct DiskUsage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "du", abstract: "Sum up files and bytes below a path.", discussion: "EXAMPLES\n  platform dfs du /data\n  platform dfs du / -o json")
        @Argument(help: "The path in dfs.") var path = "/"
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let sum = try await server.withClient("cannot sum up \(path)") { try await $0.contentSummary(path) }
            Output.fields([("path", .text(path)), ("bytes", .number(sum.length)), ("files", .number(sum.fileCount)), ("directories", .number(sum.directoryCount)), ("bytesWithReplicas", .number(sum.spaceConsumed))], output.output)
        }
    }

    struct Stat: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "stat", abstract: "Show what is known of a path.", discussion: "EXAMPLES\n  platform dfs stat /data/report.csv\n  platform dfs stat /data -o json")
        @Argument(help: "The path in dfs.") var path: String
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let status = try await server.withClient("cannot look at \(path)") { try await $0.status(path) }
            Output.fields(
                [
                    ("path", .text(path)), ("type", .text(status.type.lowercased())), ("bytes", .number(status.length)), ("permission", .text(status.permission)),
                    ("owner", .text(status.owner)), ("group", .text(status.group)), ("replication", .number(Int64(status.replication))),
                    ("blockBytes", .number(status.blockSize)), ("modified", .text(Timestamps.text(milliseconds: status.modificationTime))),
                ], output.output)
        }
    }
}
