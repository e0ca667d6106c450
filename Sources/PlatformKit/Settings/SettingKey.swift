// The shape of one setting: its name, type, unit, default, bounds and meaning. Flags, environment, file, validation, `config show` and the
// docs page come from these values; a setting exists only as a key in SettingsTable.
import Base
import NetKit

/// The reason why a text is no value of a setting; completes the sentence "it must be ...".
struct SettingRefusal: Error, Sendable { var expected: String }

/// A setting of type `Value`.
struct SettingKey<Value: Sendable>: Sendable {
    let name: String
    let defaultText: String
    /// The allowed values, for people.
    let domain: String
    let summary: String
    let parse: @Sendable (String) throws(SettingRefusal) -> Value

    var erased: AnySetting {
        AnySetting(name: name, defaultText: defaultText, domain: domain, summary: summary) { text throws(SettingRefusal) in
            _ = try parse(text)
        }
    }
}

/// A setting without its type, for tables and validation.
struct AnySetting: Sendable {
    let name: String
    let defaultText: String
    let domain: String
    let summary: String
    let validate: @Sendable (String) throws(SettingRefusal) -> Void

    /// `coord.listen` is read from PLATFORM_COORD_LISTEN.
    var environmentName: String { "PLATFORM_" + name.uppercased().replacing(".", with: "_").replacing("-", with: "_") }
}

extension SettingKey where Value == HostPort {
    static func address(_ name: String, _ defaultText: String, _ summary: String) -> Self {
        SettingKey(name: name, defaultText: defaultText, domain: "host:port; port 0 takes a free one", summary: summary) {
            text throws(SettingRefusal) in
            guard let address = HostPort(parsing: text, defaultPort: -1), address.port >= 0 else {
                throw SettingRefusal(expected: "host:port with a port from 0 to 65535, for example \(defaultText)")
            }
            return address
        }
    }
}

extension SettingKey where Value == Int {
    /// `unit` is part of the domain's text; names end in it.
    static func integer(_ name: String, _ value: Int, _ range: ClosedRange<Int>, _ unit: String, _ summary: String) -> Self {
        let domain = "\(range.lowerBound) to \(range.upperBound) \(unit)"
        return SettingKey(name: name, defaultText: "\(value)", domain: domain, summary: summary) { text throws(SettingRefusal) in
            guard let number = Int(text), range.contains(number) else { throw SettingRefusal(expected: "a whole number from \(domain)") }
            return number
        }
    }
}

extension SettingKey where Value == Bool {
    static func flag(_ name: String, _ value: Bool, _ summary: String) -> Self {
        SettingKey(name: name, defaultText: "\(value)", domain: "true or false", summary: summary) { text throws(SettingRefusal) in
            switch text.lowercased() {
            case "true", "yes", "on", "1": return true
            case "false", "no", "off", "0": return false
            default: throw SettingRefusal(expected: "true or false")
            }
        }
    }
}

extension SettingKey where Value == String {
    static func text(_ name: String, _ value: String, _ domain: String, _ summary: String) -> Self {
        SettingKey(name: name, defaultText: value, domain: domain, summary: summary) { text throws(SettingRefusal) in text }
    }

    static func choice(_ name: String, _ value: String, _ choices: [String], _ summary: String) -> Self {
        let domain = choices.joined(separator: ", ")
        return SettingKey(name: name, defaultText: value, domain: domain, summary: summary) { text throws(SettingRefusal) in
            guard choices.contains(text) else { throw SettingRefusal(expected: "one of \(domain)") }
            return text
        }
    }
}
