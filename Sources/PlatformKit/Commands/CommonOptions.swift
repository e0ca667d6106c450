// Flags shared by many commands.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit

/// Flags of commands that read the settings.
struct SettingsOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Settings file (TOML).", valueName: "file")) var config: String?
    @Option(name: .long, help: ArgumentHelp("Set any setting; `platform config show` lists them.", valueName: "name=value")) var set:
        [String] = []
    @Option(name: .long, help: ArgumentHelp("Where the services keep their data.", valueName: "path")) var dataDir: String?
    @Flag(name: .long, help: "Allow addresses other than loopback although nobody has to log in.") var insecureExpose = false

    func resolve(_ more: [(name: String, value: String)] = [], ports: PortChoice = .defaults) throws -> Settings {
        var flags = try set.map { pair throws(CommandFailure) -> (name: String, value: String) in
            guard let equals = pair.firstIndex(of: "=") else {
                throw CommandFailure(
                    .usage, "--set \(pair) is incomplete", why: "it needs the form name=value", next: "for example --set log.level=debug")
            }
            return (String(pair[..<equals]), String(pair[pair.index(after: equals)...]))
        }
        if let dataDir { flags.append((SettingsTable.dataDirectory.name, dataDir)) }
        if insecureExpose { flags.append((SettingsTable.insecureExpose.name, "true")) }
        return try Settings.resolve(flags: flags + more, file: config, ports: ports)
    }
}

/// Flags of commands that listen.
struct PortOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("'auto' takes free ports.", valueName: "auto")) var ports: String?
    @Option(name: .long, help: ArgumentHelp("Add this to every default port.", valueName: "n")) var portOffset: Int?

    /// The choice of ports that no setting gives.
    func choice() throws(CommandFailure) -> PortChoice {
        if let ports {
            guard ports == "auto", portOffset == nil else {
                throw CommandFailure(
                    .usage, "--ports \(ports)\(portOffset == nil ? "" : " with --port-offset")",
                    why: "--ports knows only 'auto', and not together with --port-offset", next: "`platform up --ports auto`")
            }
            return .automatic
        }
        guard let portOffset else { return .defaults }
        guard (0...50_000).contains(portOffset) else {
            throw CommandFailure(
                .usage, "--port-offset \(portOffset) is out of range", why: "ports must stay below 65536", next: "use 0 to 50000")
        }
        return .offset(portOffset)
    }
}

/// Flags of client verbs for a server with TLS.
struct TLSOptions: ParsableArguments {
    @Flag(name: .long, help: "Speak TLS; the server's certificate must come from an authority that the system trusts.") var tls = false
    @Option(
        name: .long,
        help: ArgumentHelp("Speak TLS; the server's certificate must come from an authority in this PEM file.", valueName: "file"))
    var tlsCa: String?
    @Option(name: .long, help: ArgumentHelp("The certificate to show to a server that asks (PEM).", valueName: "file")) var tlsCertificate:
        String?
    @Option(name: .long, help: ArgumentHelp("The key of --tls-certificate (PEM).", valueName: "file")) var tlsKey: String?

    /// nil without TLS.
    func trust() throws(CommandFailure) -> TLSTrust? {
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw CommandFailure(
                .usage, "--tls-certificate and --tls-key go together", why: "one of them is missing", next: "name both files")
        }
        guard tls || tlsCa != nil || tlsCertificate != nil else { return nil }
        let trust = TLSTrust(roots: tlsCa.map { .authorities(file: $0) } ?? .system, certificateFile: tlsCertificate, keyFile: tlsKey)
        do { try trust.check() } catch {
            throw CommandFailure(.usage, "the TLS files cannot be used", why: error.description, next: "name PEM files that exist")
        }
        return trust
    }
}

/// The address of a service for client verbs without --server: its variable, else the default port.
enum DefaultServer {
    static let coord = address("COORD", 2181)
    static let broker = address("BROKER", 9092)
    static let compute = address("COMPUTE", 15002)
    static let console = address("CONSOLE", 7080)

    private static func address(_ service: String, _ port: Int) -> String {
        ProcessInfo.processInfo.environment["PLATFORM_\(service)_SERVER"] ?? "127.0.0.1:\(port)"
    }
}

/// The form of a command's data.
struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("table or json.", valueName: "format")) var output: OutputFormat = .table
}

extension OutputFormat: ExpressibleByArgument {}

/// Parses the address of --server.
func serverAddress(_ text: String, defaultPort: Int) throws(CommandFailure) -> HostPort {
    guard let address = HostPort(parsing: text, defaultPort: defaultPort) else {
        throw CommandFailure(
            .usage, "--server \(text) is no address", why: "it needs the form host:port",
            next: "for example --server 127.0.0.1:\(defaultPort)")
    }
    return address
}
