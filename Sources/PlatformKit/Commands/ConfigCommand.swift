// `platform config`: the settings in force, their origins, and a file to start from.
import ArgumentParser
import Base
import Foundation

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show, check or write settings.",
        discussion: "EXAMPLES\n  platform config show --origin\n  platform config init > platform.toml",
        subcommands: [Show.self, Validate.self, Init.self], defaultSubcommand: Show.self)

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Print every setting in force.",
            discussion: "EXAMPLES\n  platform config show --origin\n  PLATFORM_COORD_TICK_MS=500 platform config show -o json")
        @Flag(name: .long, help: "Also tell where each value comes from.") var origin = false
        @OptionGroup var options: SettingsOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let settings = try options.resolve()
            let rows = SettingsTable.all.map { setting -> [OutputValue] in
                let value = setting.name == SettingsTable.dataDirectory.name ? settings.dataDirectory : settings.text(of: setting.name)
                return [.text(setting.name), .text(value)] + (origin ? [.text(settings.origin(of: setting.name).text)] : []) + [
                    .text(setting.summary)
                ]
            }
            Output.rows(["name", "value"] + (origin ? ["origin"] : []) + ["meaning"], rows, output.output)
        }
    }

    struct Validate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "validate", abstract: "Check the settings without starting anything.",
            discussion: "EXAMPLES\n  platform config validate --config platform.toml\n  platform config validate --set coord.tick.ms=500")
        @OptionGroup var options: SettingsOptions

        func run() throws {
            try options.resolve().checkTLS()
            Output.line("ok")
        }
    }

    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Print a settings file with every default.",
            discussion: "EXAMPLES\n  platform config init > platform.toml\n  platform config init | less")

        func run() { Output.data(SettingsFile.template) }
    }
}

/// The settings as a TOML file.
enum SettingsFile {
    static var template: String {
        SettingsTable.all.map { setting in
            let value =
                Int(setting.defaultText) != nil || ["true", "false"].contains(setting.defaultText)
                ? setting.defaultText : JSONText.quoted(setting.defaultText)
            return "# \(setting.summary) (\(setting.domain); \(setting.environmentName))\n# \(setting.name) = \(value)\n"
        }.joined(separator: "\n")
    }
}
