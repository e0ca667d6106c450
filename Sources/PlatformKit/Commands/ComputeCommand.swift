// `platform compute`: the service itself, and verbs that speak Spark Connect: SQL to any server, MapReduce and job programs to ours.
import ArgumentParser
import Base
import ComputeService
import Foundation
import NetKit
import QueryCore

struct ComputeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compute", abstract: "Computation: a Spark Connect server, its client, and MapReduce.",
        discussion: "EXAMPLES\n  platform compute serve\n  platform compute sql 'SELECT 1 + 1 AS two'",
        subcommands: [Serve.self, SQL.self, MapReduceJob.self, Submit.self], defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the compute service alone.",
            discussion:
                "EXAMPLES\n  platform compute serve\n  platform compute serve --listen 127.0.0.1:15003 --set compute.dfs=127.0.0.1:9870")
        @Option(name: .long, help: ArgumentHelp("Where Spark Connect clients connect.", valueName: "host:port")) var listen: String?
        @Flag(name: .long, help: "Keep the catalog and its tables in a temporary directory that goes away at the end.") var ephemeral =
            false
        @OptionGroup var ports: PortOptions
        @OptionGroup var options: SettingsOptions

        func run() async throws {
            let flags = listen.map { [(SettingsTable.connectListen.name, $0)] } ?? []
            try await Serving.run([.compute], settings: try options.resolve(flags, ports: try ports.choice()), ephemeral: ephemeral)
        }
    }

    /// Flags of the client verbs.
    struct ServerOptions: ParsableArguments {
        @Option(name: .long, help: ArgumentHelp("The Spark Connect server.", valueName: "host:port")) var server = DefaultServer.compute
        @OptionGroup var tls: TLSOptions

        func withClient<T: Sendable>(_ doing: String, _ body: @escaping @Sendable (SparkConnectClient) async throws -> T) async throws -> T
        {
            let (address, trust) = (try serverAddress(server, defaultPort: 15002), try tls.trust())
            do { return try await SparkConnectClient.connected(host: address.host, port: address.port, tls: trust, body) } catch {
                throw CommandFailure(error, doing: doing)
            }
        }
    }

    struct SQL: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sql", abstract: "Run a SQL statement.",
            discussion:
                "Several statements separated by semicolons run in one session; the last one's rows are printed.\n\nEXAMPLES\n  platform compute sql 'SELECT count(*) FROM csv.`/data/report.csv`'\n  platform compute sql \"CREATE TEMP VIEW t USING csv OPTIONS (path 'webhdfs:///t.csv', header 'true'); SELECT * FROM t\" -o json"
        )
        @Argument(help: "The statement; - reads stdin.") var statement: String
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let text =
                statement == "-" ? String(decoding: Foundation.FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) : statement
            let statements = Self.split(text)
            guard let last = statements.last else {
                throw CommandFailure(.usage, "there is no statement", why: "the text is empty", next: "platform compute sql 'SELECT 1'")
            }
            let result = try await server.withClient("the statement failed") { client in
                for statement in statements.dropLast() { _ = try await client.sql(statement) }
                return try await client.sql(last)
            }
            let types = result.schema.fields.map(\.type)
            let rows = zip(result.rows, result.textRows).map { values, texts in
                zip(zip(values, texts), types).map { cell, type in Self.value(cell.0, cell.1, type) }
            }
            Output.rows(result.columnNames, rows, output.output, capitals: false)
        }

        /// JSON values as themselves; a decimal only if every reader gets the exact number, which takes at most 15 digits.
        private static func value(_ value: Value, _ text: String?, _ type: DataType) -> OutputValue {
            guard let text else { return .null }
            switch (value, type) {
            case (.boolean(let flag), _): return .flag(flag, text: text)
            case (.integer(let number), .byte), (.integer(let number), .short), (.integer(let number), .int), (.integer(let number), .long):
                return .number(number)
            case (.double(let number), _): return .decimal(number)
            case (.decimal(let unscaled), _) where unscaled.magnitude < 1_000_000_000_000_000: return .literal(text)
            default: return .text(text)
            }
        }

        /// Statements between semicolons outside of quotes.
        static func split(_ text: String) -> [String] {
            var statements: [String] = []
            var current = ""
            var quote: Character?
            for character in text {
                if let open = quote {
                    if character == open { quote = nil }
                } else if character == "'" || character == "\"" || character == "`" {
                    quote = character
                } else if character == ";" {
                    statements.append(current)
                    current = ""
                    continue
                }
                current.append(character)
            }
            return (statements + [current]).map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty }
        }
    }

    struct MapReduceJob: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mapreduce", abstract: "Run a MapReduce job, Hadoop Streaming style.",
            discussion: """
                Mapper, combiner and reducer are commands that read lines on stdin and write key TAB value on stdout.

                EXAMPLES
                  platform compute mapreduce -input webhdfs:///texts -output webhdfs:///counts -mapper "tr -s ' ' '\\n'" -reducer "uniq -c"
                  platform compute mapreduce -input /var/log/syslog -output /tmp/errors -mapper 'grep -i error' -numReduceTasks 0
                """)
        @Option(name: .customLong("input", withSingleDash: true), help: "A file, directory or pattern; may be given several times.")
        var input: [String] = []
        @Option(name: .customLong("output", withSingleDash: true), help: "The output directory; it must not exist.") var outputDirectory:
            String
        @Option(name: .customLong("mapper", withSingleDash: true), help: "The map command; without it lines pass as they are.") var mapper =
            ""
        @Option(name: .customLong("combiner", withSingleDash: true), help: "The combine command.") var combiner = ""
        @Option(name: .customLong("reducer", withSingleDash: true), help: "The reduce command; NONE ends after the map.") var reducer = ""
        @Option(name: .customLong("numReduceTasks", withSingleDash: true), help: "How many parts the output has.") var reduceTasks: Int32?
        @Option(
            name: .customLong("cmdenv", withSingleDash: true), help: ArgumentHelp("A variable for the commands.", valueName: "name=value"))
        var environment: [String] = []
        @Option(name: .customShort("D"), help: ArgumentHelp("A configuration property.", valueName: "name=value")) var configuration:
            [String] = []
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard !input.isEmpty else {
                throw CommandFailure(.usage, "there is no input", why: "-input is missing", next: "name a file or directory with -input")
            }
            var job = MapReduceRequest()
            (job.input, job.output, job.mapper, job.combiner, job.reducer) = (input, outputDirectory, mapper, combiner, reducer)
            if let reduceTasks { (job.numReduceTasks, job.numReduceTasksSet) = (reduceTasks, true) }
            job.environment = try Self.pairs(environment, "-cmdenv")
            job.configuration = try Self.pairs(configuration, "-D")
            let request = job
            let outcome = try await server.withClient("the job failed") { client in
                try await client.mapReduce(request) { event in
                    if case .progress(let maps, let allMaps, let reduces, let allReduces, _) = event {
                        Output.note("map \(maps)/\(allMaps) reduce \(reduces)/\(allReduces)")
                    }
                }
            }
            Output.rows(
                ["group", "counter", "value"], outcome.counters.map { [.text($0.group), .text($0.name), .number($0.value)] }, output.output)
        }

        private static func pairs(_ texts: [String], _ flag: String) throws(CommandFailure) -> [String: String] {
            var pairs: [String: String] = [:]
            for text in texts {
                guard let equals = text.firstIndex(of: "=") else {
                    throw CommandFailure(
                        .usage, "\(flag) \(text) is incomplete", why: "it needs the form name=value", next: "for example \(flag) LANG=C")
                }
                pairs[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            return pairs
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "submit", abstract: "Run a job program on the server.",
            discussion:
                "The program is an executable linked with the PlatformCompute library. It is sent to the server and runs there.\n\nEXAMPLES\n  platform compute submit ./my-job\n  platform compute submit ./my-job webhdfs:///in webhdfs:///out"
        )
        @Argument(help: "The executable.") var program: String
        @Argument(parsing: .allUnrecognized, help: "Its arguments.") var arguments: [String] = []
        @OptionGroup var server: ServerOptions

        func run() async throws {
            guard let content = FileManager.default.contents(atPath: program) else {
                throw CommandFailure(
                    .failed, "cannot read \(program)", why: "it does not exist or may not be read",
                    next: "build the job first, then name its executable")
            }
            let (name, arguments) = (Paths.name(program), arguments)
            let outcome = try await server.withClient("the job failed") { client in
                try await client.submit(content: Array(content), name: name, arguments: arguments) { event in
                    if case .standardOutput(let bytes) = event { Output.raw(Bytes(bytes: bytes)) }
                    if case .standardError(let bytes) = event { Output.note(String(decoding: bytes, as: UTF8.self)) }
                }
            }
            guard outcome.exitCode == 0 else {
                throw CommandFailure(
                    .failed, "\(name) ended with status \(outcome.exitCode)", why: "the program itself failed",
                    next: "read what it wrote above")
            }
        }
    }
}
