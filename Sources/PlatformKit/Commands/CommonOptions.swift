// Flags that many commands share.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit

/// Flags of commands that read the settings.
struct SettingsOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Settings file (TOML).", valueName: "file")) var config: String?
    @Option(name: .long, help: ArgumentHelp("Set any setting; `platform config show` lists them.", valueName: "name=value")) var set: [String] = []
    @Option(name: .long, help: ArgumentHelp("Where the services keep their data.", valueName: "path")) var dataDir: String?
    @Flag(name: .long, help: "Allow addresses other than loopback although nobody has to log in.") var insecureExpose = false

    func resolve(_ more: [(name: String, value: String)] = [], ports: PortChoice = .defaults) throws -> Settings {
        var flags = try set.map { pair throws(CommandFailure) -> (name: String, value: String) in
            guard let equals = pair.firstIndex(of: "=") else {
                throw CommandFailure(.usage, "--set \(pair) is incomplete", why: "it needs the form name=value", next: "for example --set log.level=debug")
            }
            return (String(pair[..<equals]), String(pair[pair.index(after: equals)...]))
        }
        if let dataDir { flags.append((SettingsTable.dataDirectory.name, dataDir)) }
        if insecureExpose { flags.append((SettingsTable.insecureExpose.name, "true")) }
        return try Settings.resolve(flags: flags + more, file: config, ports: ports)
    }
}

/// The form of a command's data.
struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("table or json.", valueName: "format")) var output: OutputFormat = .table
}

extension OutputFormat: ExpressibleByArgument {}

/// Reads an address given by --server.
func serverAddress(_ text: String, defaultPort: Int) throws(CommandFailure) -> HostPort {
    guard let address = HostPort(parsing: text, defaultPort: defaultPort) else {
        throw CommandFailure(.usage, "--server \(text) is no address", why: "it needs the form host:port", next: "for example --server 127.0.0.1:\(defaultPort)")
    }
    return address
}
