// The log on stderr: a readable line on a terminal, a JSON object a line otherwise. Client bytes in messages are escaped, so that a client
// cannot forge log lines.
import Base
import Foundation
import Logging
import NetKit

/// Writes log lines.
struct LogLines: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    let label: String
    let asJSON: Bool

    static func bootstrap(_ settings: Settings) {
        let level = Logger.Level(rawValue: settings[SettingsTable.logLevel]) ?? .info
        let asJSON =
            switch settings[SettingsTable.logFormat] {
            case "json": true
            case "text": false
            default: isatty(STDERR_FILENO) == 0
            }
        LoggingSystem.bootstrap { LogLines(logLevel: level, label: $0, asJSON: asJSON) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let (level, message) = (event.level, event.message)
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let time = Self.timestamp(SystemTime().wallTime().milliseconds)
        if asJSON {
            let fields: [(String, OutputValue)] = [
                ("time", .text(time)), ("level", .text(level.rawValue)), ("service", .text(label)), ("message", .text("\(message)")),
            ]
            Output.note(JSONText.object(fields + all.map { ($0.key, .text("\($0.value)")) }))
        } else {
            let rest = all.map { " \($0.key)=\(JSONText.quoted("\($0.value)"))" }.joined()
            Output.note("\(time) \(level.rawValue.uppercased()) \(label): \(message)\(rest)")
        }
    }

    private static func timestamp(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
            parts.tm_min, parts.tm_sec, Int(milliseconds % 1000))
    }
}
