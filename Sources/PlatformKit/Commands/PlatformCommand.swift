// The root of the command tree. ArgumentParser does parsing and help; each command has a file of its own.
import ArgumentParser
import Base
import Foundation

/// `platform`.
package struct PlatformCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "platform", abstract: "ZooKeeper, Kafka, HDFS and Spark for one machine, in one program.",
        discussion: """
            EXAMPLES
              platform up                      start everything on the default ports
              platform demo                    watch the four services do one job on real data

            EXIT CODES
            \(ExitCode.allCases.map { "  \($0.rawValue)\t\($0.meaning)" }.joined(separator: "\n"))

            Settings come from flags, PLATFORM_* variables, --config FILE (TOML) and defaults, in this order.
            """,
        version: Version.text,
        subcommands: [
            UpCommand.self, DemoCommand.self, StatusCommand.self, DoctorCommand.self, ConfigCommand.self, VersionCommand.self,
            CompletionCommand.self, CoordCommand.self, BrokerCommand.self, DFSCommandLine.self, ComputeCommand.self, DocsCommand.self,
            SupervisedCommand.self,
        ])

    package init() {}

    /// Runs the program and ends the process with the documented code.
    package static func runAndExit() async -> Never {
        signal(SIGPIPE, SIG_IGN)
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.isEmpty { arguments = ["--help"] }
        do {
            if let words = wordsForFiles(arguments) { Foundation.exit(try await DFSShell.run(words)) }
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
            Foundation.exit(ExitCode.ok.rawValue)
        } catch let failure as CommandFailure {
            Output.note(String(failure.description.dropLast()))
            Foundation.exit(failure.code.rawValue)
        } catch { exit(withError: error) }
    }

    /// The words after `platform dfs` if they are a verb on files; under the names hdfs and hadoop the program takes the words after `dfs`
    /// and `fs`.
    private static func wordsForFiles(_ arguments: [String]) -> [String]? {
        let isHadoop = ["hdfs", "hadoop"].contains(Paths.name(CommandLine.arguments.first ?? ""))
        guard let first = arguments.first, first == "dfs" || isHadoop && ["fs", "dfs", "dfsadmin"].contains(first) else { return nil }
        let words = Array(arguments.dropFirst())
        return isHadoop || DFSShell.takes(words) ? words : nil
    }
}

/// Prints the version.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.", discussion: "EXAMPLES\n  platform version\n  platform --version")
    func run() { Output.line("platform \(Version.text)") }
}

/// Prints a completion script.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion: "EXAMPLES\n  platform completion bash > /etc/bash_completion.d/platform\n  platform completion zsh > ~/.zfunc/_platform"
    )
    @Argument(help: "bash, zsh or fish.") var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw CommandFailure(
                .usage, "no completions for '\(shell)'", why: "only bash, zsh and fish are known", next: "`platform completion bash`")
        }
        Output.line(PlatformCommand.completionScript(for: shell))
    }
}
