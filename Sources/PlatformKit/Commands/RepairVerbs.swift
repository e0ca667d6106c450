// `platform coord repair`, and the same for the broker and dfs: the repair of a service that a command of its replicated log ends at every
// start. Works on the files of a stopped service; changes nothing unless asked.
import ArgumentParser
import Base
import Replication
import Storage

struct RepairOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Never execute this command, named as the failed start named it.", valueName: "slot:checksum"))
    var refuse: String?
    @Flag(name: .long, help: "Let the next start try the command once more.") var again = false
    @Option(
        name: .long, help: ArgumentHelp("The service's own directory, if it is not the one below the data directory.", valueName: "path"))
    var directory: String?
    @OptionGroup var settings: SettingsOptions

    /// `replica`: the directory of the replica's files within the service's.
    func run(_ service: String, replica: String) throws {
        let directory = try directory ?? settings.resolve().dataDirectory + "/" + service
        let files = RealFileSystem()
        // A missing directory must not be created here.
        _ = try files.list(directory + replica + "/log")
        let lock = try DataDirectory(directory, service: service)
        defer { lock.release() }
        guard !again || refuse == nil else {
            throw CommandFailure(
                .usage, "--again and --refuse exclude each other", why: "a command that is left out is not tried", next: "give one of them")
        }
        if let refuse { return try leaveOut(refuse, directory + replica, files) }
        if again {
            try RefusedCommands.tryAgain(directory + replica)
            return Output.note("the next start tries the command once more")
        }
        try tell(service, directory + replica, files)
    }

    private func leaveOut(_ text: String, _ replica: String, _ files: RealFileSystem) throws {
        guard let command = RefusedCommand(text) else {
            throw CommandFailure(
                .usage, "--refuse \(text) names no command", why: "it needs the form slot:checksum",
                next: "take it from the message of the start that failed")
        }
        let applied = try RefusedCommands.applied(replica, files)
        guard command.slot > applied else {
            throw CommandFailure(
                .failed, "the command in slot \(command.slot) cannot be left out here",
                why: "the tables hold its effect (they go through slot \(applied))",
                next: "with other replicas that leave it out: move \(replica)/meta.sqlite away, and the tables are taken over from them")
        }
        try RefusedCommands.add(command, replica, files)
        Output.note("the command in slot \(command.slot) will not be executed here; say the same on every other replica before it starts")
    }

    private func tell(_ service: String, _ replica: String, _ files: RealFileSystem) throws {
        for command in try RefusedCommands.read(replica, files) { Output.line("refused: \(command)") }
        guard let (command, deaths) = try RefusedCommands.suspect(replica, files) else {
            return Output.note("no command has ended the process")
        }
        Output.line("ended the process \(deaths == 1 ? "once" : "\(deaths) times"): \(command)")
        Output.note("`platform \(service) repair --refuse \(command)` leaves it out")
    }
}

struct CoordRepair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Leave out a command of the log that ends the process at every start.",
        discussion: "EXAMPLES\n  platform coord repair\n  platform coord repair --refuse 4711:9f3a01bc")
    @OptionGroup var options: RepairOptions
    func run() async throws { try options.run("coord", replica: "") }
}

struct BrokerRepair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Leave out a command of the log that ends the process at every start.",
        discussion: "EXAMPLES\n  platform broker repair\n  platform broker repair --refuse 4711:9f3a01bc")
    @OptionGroup var options: RepairOptions
    func run() async throws { try options.run("broker", replica: "/meta") }
}

struct DFSRepair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Leave out a command of the log that ends the process at every start.",
        discussion: "EXAMPLES\n  platform dfs repair\n  platform dfs repair --refuse 4711:9f3a01bc")
    @OptionGroup var options: RepairOptions
    func run() async throws { try options.run("dfs", replica: "/name") }
}
