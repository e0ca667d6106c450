// The messages between a supervisor and the process of one service. The plan goes down on standard input, one line of JSON, and that stream
// then stays open: its end tells the child that its supervisor is gone. Reports come up on standard output, one line of JSON each; the
// child writes nothing else there.
import Base
import Foundation
import NetKit

/// The work of a child process.
struct ServicePlan: Codable, Sendable {
    var service: String
    /// Every setting in force, by name.
    var settings: [String: String]
    /// For compute: the address of WebHDFS.
    var dfs: String?
    /// For compute: the addresses of the namenodes' RPC.
    var namenodes: [String]

    init(_ name: ServiceName, _ context: ServiceName.Context) {
        service = name.rawValue
        settings = context.settings.texts
        settings[SettingsTable.dataDirectory.name] = context.dataDirectory
        dfs = context.dfs?.description
        namenodes = context.namenodes.map(\.description)
        // The supervisor's console shows the child's figures; the child's console listens on any free loopback port.
        settings[SettingsTable.consoleListen.name] = "127.0.0.1:0"
        for key in SettingsTable.consoleTLS.erased { settings[key.name] = key.defaultText }
    }
}

/// One line from a child.
enum ServiceReport: Codable, Equatable, Sendable {
    case endpoint(key: String, address: String, clients: String)
    case console(address: String)
    case durability(String)
    /// The service answers its clients; the reports of endpoints, console and durability come before.
    case ready
    /// The service could not start; the child ends after this line.
    case failed(code: Int32, what: String, why: String, next: String)
    /// The reason why requests are refused at present; nil: they are not.
    case trouble(String?)
    case queryBegan(id: String, text: String)
    case queryEnded(id: String)

    /// The line without its end; JSON has no line breaks of its own.
    var line: String {
        // Strings and numbers can always be encoded.
        guard let data = try? JSONEncoder().encode(self) else { preconditionFailure("a report of strings and numbers has a JSON form") }
        return String(decoding: data, as: UTF8.self)
    }

    /// nil for any other line.
    init?(line: String) {
        // A line of another version is ignored: supervisor and child are one executable, so none is expected.
        guard let report = try? JSONDecoder().decode(ServiceReport.self, from: Data(line.utf8)) else { return nil }
        self = report
    }
}

/// The services with a process of their own.
enum ProcessLayout: String, CaseIterable, Sendable {
    /// Compute, which runs other people's queries, has a process of its own; the others share the first one.
    case compute
    case each
    case one

    func isApart(_ name: ServiceName) -> Bool {
        switch self {
        case .compute: name == .compute
        case .each: true
        case .one: false
        }
    }
}
