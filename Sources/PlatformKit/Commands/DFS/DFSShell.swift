// Runs one verb on files: parses the words, finds the file systems that they name, ends with Hadoop's exit codes (0 done, 1 failed, 255
// wrong words) or with the documented ones of this program where no server answers.
import Base
import Clients
import Foundation
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// The file systems and choices of a run.
final class DFSShell: Sendable {
    /// Options in front of a verb, or with two dashes anywhere.
    struct Choices: Sendable {
        var fileSystem: String
        var user = NSUserName()
        var trust: TLSTrust?
        /// Hadoop's settings by name: dfs.replication, dfs.blocksize, fs.defaultFS, fs.permissions.umask-mode.
        var settings: [String: String] = [:]
        var output = OutputFormat.table
    }
    let choices: Choices
    private let open = Mutex<[String: any DFSAccess]>([:])

    init(_ choices: Choices) { self.choices = choices }

    static let exitUsage: Int32 = 255
    static let defaultFileSystem = "hdfs://127.0.0.1:8020"

    /// Whether the words after `platform dfs` are for this: a verb, or options in front of one.
    static func takes(_ words: [String]) -> Bool {
        guard let verb = words.first(where: { DFSVerb.named(spelling($0).name) != nil || DFSVerb.missing[spelling($0).name] != nil }),
            let place = words.firstIndex(of: verb)
        else {
            return words.first.map { $0 == "-fs" || $0 == "--fs" || isHadoops($0) } ?? false
        }
        return !words[..<place].contains { ["serve", "repair", "help", "--help"].contains($0) }
    }

    private static func isHadoops(_ word: String) -> Bool {
        word.beginsWithBytes(of: "-") && !word.beginsWithBytes(of: "--") && word != "-h"
    }

    /// A verb's name, and whether it is in Hadoop's spelling.
    private static func spelling(_ word: String) -> (name: String, isHadoops: Bool) {
        isHadoops(word) ? (String(word.droppingBytes(first: 1)), true) : (word, false)
    }

    /// Runs the words after `platform dfs`. Returns the exit code; throws CommandFailure.
    static func run(_ words: [String]) async throws -> Int32 {
        var reading = WordReader(words)
        let choices = try reading.choices()
        guard let word = reading.verb else {
            throw CommandFailure(
                .usage, "no verb was given", why: "`platform dfs` needs one behind its choices", next: "`platform dfs --help` lists them")
        }
        let (name, isHadoops) = spelling(word)
        if let why = DFSVerb.missing[name] {
            throw CommandFailure(
                .usage, "`platform dfs \(word)` is not there", why: why, next: "`platform dfs --help` lists the verbs that are there")
        }
        guard let verb = DFSVerb.named(name) else {
            Output.note("\(word): Unknown command\nUsage: platform dfs [--fs URI] VERB ...; `platform dfs --help` lists the verbs")
            return exitUsage
        }
        if reading.wantsHelp {
            Output.line("platform dfs \(verb.name) \(verb.usage)\n  \(verb.summary)")
            return 0
        }
        let shell = DFSShell(choices)
        let parsed: (flags: Set<String>, values: [String: String], operands: [String])
        do { parsed = try reading.arguments(of: verb) } catch { return misused(error, verb, name) }
        var flags = parsed.flags
        if ["lsr", "rmr"].contains(name) { flags.insert(name == "lsr" ? "R" : "r") }
        if name == "dus" { flags.insert("s") }
        let call = VerbCall(shell, verb, word: name, isHadoops: isHadoops, flags: flags, values: parsed.values, operands: parsed.operands)
        do { try await verb.run(call) } catch let misuse as ShellMisuse { return misused(misuse, verb, name) } catch let complaint
            as ShellComplaint
        { call.complain(complaint.text) } catch let exception as JavaException {
            call.complain(String(exception.message.piece(before: "\n")))
        } catch { throw failure(error, "\(word) \(parsed.operands.joined(separator: " "))") }
        await shell.close()
        return call.exitCode
    }

    private static func misused(_ misuse: ShellMisuse, _ verb: DFSVerb, _ name: String) -> Int32 {
        Output.note("-\(name): \(misuse.text)\nUsage: platform dfs [--fs URI] -\(verb.name) \(verb.usage)")
        return exitUsage
    }

    private static func failure(_ error: any Error, _ doing: String) -> CommandFailure {
        switch error {
        case let error as RPCFailure:
            CommandFailure(
                .unreachable, "cannot do \(doing)", why: "the namenode at \(error)",
                next: "start the service with `platform up`, or name another file system with --fs hdfs://host:port")
        case let error as BlockMissing:
            CommandFailure(
                .failed, "cannot do \(doing)", why: error.description,
                next: "see that the datanodes run (`platform dfs report`), then try again")
        case let error as PipelineFailure:
            CommandFailure(
                .failed, "cannot do \(doing)", why: error.description,
                next: "see that the datanodes run (`platform dfs report`), then try again")
        default: CommandFailure(error, doing: "cannot do \(doing)")
        }
    }

    // MARK: file systems

    /// Closes the connections.
    func close() async {
        let all = open.withLock { $0 }
        for access in all.values { await access.close() }
    }

    /// A path from its text, without a status.
    func path(_ text: String) throws -> ShellPath {
        guard let scheme = Self.scheme(text) else {
            let access = try self.access(choices.fileSystem)
            let absolute = text.beginsWithBytes(of: "/") ? text : "/user/\(access.user)/\(text)"
            return ShellPath(access: access, path: ShellPath.normal(absolute), shown: Self.tidy(text), status: nil)
        }
        let rest = text.droppingBytes(first: scheme.utf8.count + 3)
        if scheme == "file" {
            guard rest.beginsWithBytes(of: "/") else { throw ShellComplaint("Wrong FS: \(text), expected: file:///") }
            return ShellPath(access: try access("file://"), path: ShellPath.normal(String(rest)), shown: Self.tidy(text), status: nil)
        }
        let authority = rest.piece(before: "/")
        let path = String(rest.droppingBytes(first: authority.utf8.count))
        let access = try self.access(authority.isEmpty ? choices.fileSystem : "\(scheme)://\(authority)")
        return ShellPath(access: access, path: ShellPath.normal(path), shown: Self.tidy(text), status: nil)
    }

    /// Without trailing slashes, as in Hadoop's output.
    private static func tidy(_ text: String) -> String {
        var text = text
        while text.utf8.count > 1, text.endsWithBytes(of: "/"), !text.endsWithBytes(of: "://") {
            text = String(text.droppingBytes(last: 1))
        }
        return text
    }

    /// The letters in front of "://".
    static func scheme(_ text: String) -> String? {
        let word = text.piece(before: ":")
        guard !word.isEmpty, word.utf8.allSatisfy({ $0 != UInt8(ascii: "/") }), text.beginsWithBytes(of: "\(word)://") else { return nil }
        return String(word)
    }

    private func access(_ address: String) throws -> any DFSAccess {
        if let there = open.withLock({ $0[address] }) { return there }
        let scheme = Self.scheme(address) ?? "hdfs"
        let authority = String(address.droppingBytes(first: Self.scheme(address) == nil ? 0 : scheme.utf8.count + 3).piece(before: "/"))
        let made: any DFSAccess
        switch scheme {
        case "file": made = LocalAccess(user: choices.user)
        case "hdfs":
            made = RPCAccess(try authority.pieces(at: ",").map { try server(String($0), HDFSFileSystem.defaultPort) }, user: choices.user)
        case "webhdfs": made = WebAccess(try server(authority, 9870), user: choices.user, trust: choices.trust)
        case "swebhdfs": made = WebAccess(try server(authority, 9871), user: choices.user, trust: choices.trust ?? TLSTrust())
        default: throw ShellComplaint("No FileSystem for scheme \"\(scheme)\"")
        }
        open.withLock { $0[address] = made }
        return made
    }

    private func server(_ text: String, _ port: Int) throws -> HostPort {
        guard let address = HostPort(parsing: text, defaultPort: port) else {
            throw CommandFailure(
                .usage, "'\(text)' is no address of a namenode", why: "it needs the form host:port",
                next: "for example --fs \(Self.defaultFileSystem)")
        }
        return address
    }

    /// The choices for written files, by Hadoop's settings where given.
    func writeChoices(overwrite: Bool) throws -> WriteChoices {
        var choices = WriteChoices(overwrite: overwrite)
        choices.permission = 0o666 & ~(try umask())
        choices.replication = self.choices.settings["dfs.replication"].flatMap { Int($0) }
        choices.blockSizeBytes = self.choices.settings["dfs.blocksize"].flatMap { Int64($0) }
        return choices
    }

    /// The form of checksums, by Hadoop's setting.
    func combination() throws -> FileChecksum.Combination {
        guard let text = choices.settings[FileChecksum.Combination.setting] else { return .md5 }
        guard let found = FileChecksum.Combination(rawValue: text) else {
            let names = FileChecksum.Combination.allCases.map(\.rawValue).joined(separator: " nor ")
            throw ShellMisuse("\(FileChecksum.Combination.setting)=\(text) is neither \(names)")
        }
        return found
    }

    static let copiesInFlight = "platform.dfs.copies-in-flight"
    private static let copiesInFlightDefault = 4, copiesInFlightMax = 256

    /// How many files are copied at once: the given flag's value, else the setting, else 4.
    func inFlight(_ flag: String?) throws -> Int {
        guard let text = flag ?? choices.settings[Self.copiesInFlight] else { return Self.copiesInFlightDefault }
        guard let count = Int(text), (1...Self.copiesInFlightMax).contains(count) else {
            throw ShellMisuse("\(text) is no number of files at once, from 1 to \(Self.copiesInFlightMax)")
        }
        return count
    }

    func umask() throws -> UInt32 {
        guard let text = choices.settings["fs.permissions.umask-mode"] else { return 0o022 }
        guard let bits = UInt32(text, radix: 8), bits <= 0o777 else {
            throw ShellMisuse("fs.permissions.umask-mode=\(text) is no octal number")
        }
        return bits
    }
}

/// Parses a command line: options of the shell, the verb, its flags, its operands.
struct WordReader {
    private var words: [String]
    private(set) var verb: String?
    private(set) var wantsHelp = false
    private var tls = (isWanted: false, authority: String?.none, certificate: String?.none, key: String?.none)

    init(_ words: [String]) { self.words = words }

    /// Takes the options out of the words, and the verb.
    mutating func choices() throws -> DFSShell.Choices {
        let environment = ProcessInfo.processInfo.environment
        let named = environment["PLATFORM_DFS_FS"] ?? environment["PLATFORM_DFS_SERVER"].map { "webhdfs://" + $0 }
        var choices = DFSShell.Choices(fileSystem: named ?? DFSShell.defaultFileSystem)
        var rest: [String] = []
        var words = self.words[...]
        while let word = words.popFirst() {
            let isOurs = word.beginsWithBytes(of: "--")
            // Hadoop's generic options may only precede the verb.
            guard isOurs || verb == nil && word.beginsWithBytes(of: "-") else {
                if verb == nil { verb = word } else { rest.append(word) }
                continue
            }
            let parts = isOurs ? word.pieces(at: "=", maxSplits: 1).map(String.init) : [word]
            func value() throws -> String {
                if parts.count == 2 { return parts[1] }
                guard let next = words.popFirst() else {
                    throw CommandFailure(
                        .usage, "\(word) is incomplete", why: "a value has to follow it", next: "`platform dfs --help` explains")
                }
                return next
            }
            switch parts[0] {
            case "--fs", "-fs": choices.fileSystem = try value()
            case "--server": choices.fileSystem = "webhdfs://" + (try value())
            case "--user": choices.user = try value()
            case "-D", "--define": try define(try value(), &choices)
            case "--output": choices.output = try Self.format(try value())
            case "--tls": tls.isWanted = true
            case "--tls-ca": tls.authority = try value()
            case "--tls-certificate": tls.certificate = try value()
            case "--tls-key": tls.key = try value()
            case "--help": wantsHelp = true
            case "--force": rest.append("-f")
            case "--recursive": rest.append("-r")
            case "--": rest.append(word)
            default:
                if verb == nil, !isOurs { verb = word } else { rest.append(word) }
            }
        }
        takeFormat(&rest, &choices)
        choices.trust = try trust()
        self.words = rest
        return choices
    }

    private static func format(_ text: String) throws -> OutputFormat {
        guard let format = OutputFormat(rawValue: text) else {
            throw CommandFailure(.usage, "-o \(text) is no format", why: "only table and json are known", next: "for example -o json")
        }
        return format
    }

    /// `-o json`, which Hadoop lacks.
    private func takeFormat(_ rest: inout [String], _ choices: inout DFSShell.Choices) {
        guard let place = rest.firstIndex(of: "-o"), place + 1 < rest.count, let format = OutputFormat(rawValue: rest[place + 1]) else {
            return
        }
        choices.output = format
        rest.removeSubrange(place...(place + 1))
    }

    private func define(_ pair: String, _ choices: inout DFSShell.Choices) throws {
        let parts = pair.pieces(at: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            throw CommandFailure(
                .usage, "-D \(pair) is incomplete", why: "it needs the form name=value", next: "for example -D dfs.replication=1")
        }
        if parts[0] == "fs.defaultFS" { choices.fileSystem = parts[1] } else { choices.settings[parts[0]] = parts[1] }
    }

    private func trust() throws -> TLSTrust? {
        var words = tls.isWanted ? ["--tls"] : []
        for (flag, value) in [("--tls-ca", tls.authority), ("--tls-certificate", tls.certificate), ("--tls-key", tls.key)] {
            if let value { words += [flag, value] }
        }
        return try TLSOptions.parse(words).trust()
    }

    /// The verb's flags, which end at the first word without a dash or at `--`, and its operands.
    func arguments(of verb: DFSVerb) throws(ShellMisuse) -> (flags: Set<String>, values: [String: String], operands: [String]) {
        var (flags, values) = (Set<String>(), [String: String]())
        var rest = words[...]
        while let word = rest.first, word.beginsWithBytes(of: "-"), word != "-", !Self.isNumber(word) {
            rest = rest.dropFirst()
            if word == "--" { break }
            let name = String(word.unicodeScalars.drop { $0 == "-" })
            if verb.flags.contains(name) {
                flags.insert(name)
            } else if verb.flags.contains(name + ":") {
                guard let value = rest.popFirst() else { throw ShellMisuse("option requires an argument -- \(name)") }
                values[name] = value
            } else if let open = verb.flags.first(where: {
                $0.endsWithBytes(of: "*") && name.beginsWithBytes(of: $0.droppingBytes(last: 1))
            }) {
                let lead = String(open.droppingBytes(last: 1))
                flags.insert(lead)
                values[lead] = String(name.droppingBytes(first: lead.utf8.count))
            } else {
                throw ShellMisuse("Illegal option \(word)")
            }
        }
        // In our own spelling also behind the operands: `rm /x -r`.
        var operands = Array(rest)
        while let last = operands.last, last.beginsWithBytes(of: "-"), operands.count > 1 {
            let name = String(last.unicodeScalars.drop { $0 == "-" })
            guard verb.flags.contains(name) else { break }
            flags.insert(name)
            operands.removeLast()
        }
        guard operands.count >= verb.operands.lowerBound else {
            throw ShellMisuse("Not enough arguments: expected \(verb.operands.lowerBound) but got \(operands.count)")
        }
        guard operands.count <= verb.operands.upperBound else {
            throw ShellMisuse("Too many arguments: expected \(verb.operands.upperBound) but got \(operands.count)")
        }
        return (flags, values, operands)
    }

    private static func isNumber(_ word: String) -> Bool { Int64(word) != nil }
}
