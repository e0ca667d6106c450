// The settings in force: for each, the winner of flag, environment, file and default, already validated, with its origin.
import Base
import Foundation
import NetKit
import TOMLKit

/// The origin of a value.
enum SettingOrigin: Sendable, Equatable {
    case flag
    case environment(String)
    case file(String)
    case portOffset
    case defaultValue

    var text: String {
        switch self {
        case .flag: "flag"
        case .environment(let name): "environment \(name)"
        case .file(let path): "file \(path)"
        case .portOffset: "--port-offset or --ports"
        case .defaultValue: "default"
        }
    }
}

/// The choice of ports that no setting gives.
enum PortChoice: Sendable, Equatable {
    case defaults
    case offset(Int)
    /// The system picks free ones.
    case automatic
}

/// Values by name.
struct Settings: Sendable {
    private var values: [String: (text: String, origin: SettingOrigin)] = [:]

    /// Resolves and validates everything, so that a bad value ends the program before any effect.
    static func resolve(
        flags: [(name: String, value: String)], file: String?, environment: [String: String] = ProcessInfo.processInfo.environment,
        ports: PortChoice = .defaults
    ) throws(CommandFailure) -> Settings {
        var settings = Settings()
        for setting in SettingsTable.all { settings.values[setting.name] = (setting.defaultText, .defaultValue) }
        settings.movePorts(ports)
        if let path = file ?? environment["PLATFORM_CONFIG"] { try settings.take(file: path) }
        for setting in SettingsTable.all {
            if let text = environment[setting.environmentName] {
                try settings.set(setting.name, text, .environment(setting.environmentName))
            }
        }
        for (name, value) in flags { try settings.set(name, value, .flag) }
        return settings
    }

    private mutating func movePorts(_ choice: PortChoice) {
        for key in SettingsTable.listeners {
            guard let address = HostPort(parsing: key.defaultText, defaultPort: 0) else { continue }
            switch choice {
            case .defaults: break
            case .offset(let offset): values[key.name] = ("\(address.host):\(address.port + offset)", .portOffset)
            case .automatic: values[key.name] = ("\(address.host):0", .portOffset)
            }
        }
    }

    private mutating func set(_ name: String, _ text: String, _ origin: SettingOrigin) throws(CommandFailure) {
        guard let setting = SettingsTable.byName[name] else {
            let near = Suggestions.nearest(to: name, among: SettingsTable.all.map(\.name))
            throw CommandFailure(
                .configuration, "unknown setting '\(name)' (\(origin.text))", why: "no setting has this name",
                next: near.map { "did you mean '\($0)'? `platform config show` lists all" } ?? "`platform config show` lists all settings")
        }
        do { try setting.validate(text) } catch {
            throw CommandFailure(
                .configuration, "bad value '\(text)' for \(name) (\(origin.text))", why: "it must be \(error.expected)",
                next: "`platform config show` tells the values in force and where they come from")
        }
        values[name] = (text, origin)
    }

    /// Takes a TOML file; tables become dotted names.
    private mutating func take(file path: String) throws(CommandFailure) {
        guard let text = FileManager.default.contents(atPath: path).map({ String(decoding: $0, as: UTF8.self) }) else {
            throw CommandFailure(
                .configuration, "cannot read the settings file \(path)", why: "it does not exist or may not be read",
                next: "`platform config init` prints one to start from")
        }
        let table: TOMLTable
        do { table = try TOMLTable(string: text) } catch {
            throw CommandFailure(
                .configuration, "the settings file \(path) is not valid TOML", why: "\(error)", next: "mend the line named above")
        }
        for (name, value) in Self.flatten(table, prefix: "") { try set(name, value, .file(path)) }
    }

    private static func flatten(_ table: TOMLTable, prefix: String) -> [(String, String)] {
        table.keys.sorted().flatMap { key -> [(String, String)] in
            guard let value = table[key] else { return [] }
            if let nested = value.table { return flatten(nested, prefix: prefix + key + ".") }
            let text = value.string ?? value.int.map { "\($0)" } ?? value.bool.map { "\($0)" } ?? value.double.map { "\($0)" } ?? "\(value)"
            return [(prefix + key, text)]
        }
    }

    subscript<Value>(key: SettingKey<Value>) -> Value {
        guard let (text, _) = values[key.name] else { preconditionFailure("\(key.name) is in the table") }
        do { return try key.parse(text) } catch { preconditionFailure("\(key.name) was validated when it was set") }
    }

    func origin(of name: String) -> SettingOrigin { values[name]?.origin ?? .defaultValue }
    func text(of name: String) -> String { values[name]?.text ?? "" }
    /// Every value in force, by name.
    var texts: [String: String] { values.mapValues(\.text) }

    /// The directory for data, made absolute.
    var dataDirectory: String {
        let chosen = self[SettingsTable.dataDirectory]
        if !chosen.isEmpty { return NSString(string: chosen).standardizingPath }
        let environment = ProcessInfo.processInfo.environment
        if let state = environment["STATE_DIRECTORY"], !state.isEmpty { return state }
        if let data = environment["XDG_DATA_HOME"], !data.isEmpty { return data + "/platform" }
        return NSHomeDirectory() + "/.local/share/platform"
    }

    /// Refuses an address beyond loopback unless clients need a certificate there, or the person confirmed it.
    func checkExposure(_ address: HostPort, _ setting: String, _ tls: TLSSettings?) throws(CommandFailure) {
        guard !address.isLoopback, tls?.authorityFile == nil, !self[SettingsTable.insecureExpose] else { return }
        throw CommandFailure(
            .configuration, "\(setting) = \(address) would be reachable from other machines", why: "nobody has to show who they are there",
            next:
                "use a loopback address, demand certificates of clients with \(setting.split(separator: ".")[0]).tls.client-ca, or pass --insecure-expose if the network is yours alone"
        )
    }
}

/// Suggestions for misspelt names.
enum Suggestions {
    /// The closest name within a third of its length, by edit distance.
    static func nearest(to text: String, among names: [String]) -> String? {
        let ranked = names.map { ($0, distance(Array(text), Array($0))) }.min { $0.1 < $1.1 }
        guard let (name, distance) = ranked, distance <= max(2, name.count / 3) else { return nil }
        return name
    }

    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let cost = a == b ? diagonal : min(diagonal, row[j], row[j + 1]) + 1
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[right.count]
    }
}
