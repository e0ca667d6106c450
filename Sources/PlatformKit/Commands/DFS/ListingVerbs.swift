// Verbs that show the tree: names, sizes, counts, one path's particulars, tests, searches. Formats are Hadoop's, byte for byte.
import Base
import Clients
import Foundation
import HadoopWire

extension DFSVerb {
    static let listing: [DFSVerb] = [
        DFSVerb(
            "ls", "[-C] [-d] [-h] [-q] [-R] [-t] [-S] [-r] [-u] [<path> ...]", "List files and directories.",
            flags: ["C", "d", "h", "q", "R", "t", "S", "r", "u"],
            operands: 0...Int.max, Listing.run),
        DFSVerb(
            "count", "[-q] [-h] [-v] [-u] [-x] <path> ...", "Count directories, files and bytes.", flags: ["q", "h", "v", "u", "x"],
            Sizes.count),
        DFSVerb(
            "du", "[-s] [-h] [-v] [-x] <path> ...", "Sum up bytes, without and with copies.", flags: ["s", "h", "v", "x"],
            operands: 0...Int.max, Sizes.usage),
        DFSVerb(
            "df", "[-h] [<path> ...]", "Show the file system's capacity and what is free.", flags: ["h"], operands: 0...Int.max, Sizes.free),
        DFSVerb("stat", "[format] <path> ...", "Show what is known of a path, by a format.", Particulars.stat),
        DFSVerb(
            "test", "-[defswrz] <path>", "Answer a question about a path by the exit code.", flags: ["d", "e", "f", "s", "w", "r", "z"],
            operands: 1...1, Particulars.test),
        DFSVerb(
            "find", "<path> ... [-name pattern] [-iname pattern] [-print] [-print0]", "Search for names below a path.",
            operands: 0...Int.max, Particulars.find),
    ]
}

/// Forms shared by several verbs.
enum ShellForms {
    /// `rw-r--r--`, with the sticky bit as `t`.
    static func letters(_ bits: UInt32) -> String {
        let marks = Array("rwxrwxrwx".unicodeScalars)
        var text = (0..<9).map { bits >> UInt32(8 - $0) & 1 == 1 ? marks[$0] : "-" }
        if bits & 0o1000 != 0 { text[8] = bits & 1 == 1 ? "t" : "T" }
        return String(String.UnicodeScalarView(text))
    }

    /// A number with a binary unit, in the form of Hadoop's `-h`.
    static func human(_ value: Int64) -> String {
        let units = ["", "K", "M", "G", "T", "P", "E"]
        let number = value.magnitude
        guard number >= 1024 else { return "\(value)" }
        var unit = min(units.count - 1, (63 - number.leadingZeroBitCount) / 10)
        let sign = value < 0 ? "-" : ""
        if number & ((UInt64(1) << UInt64(10 * unit)) - 1) == 0 { return "\(sign)\(number >> UInt64(10 * unit)) \(units[unit])" }
        var text = String(format: "%.1f", Double(number) / Double(UInt64(1) << UInt64(10 * unit)))
        if text.beginsWithBytes(of: "1024"), unit + 1 < units.count {
            unit += 1
            text = String(format: "%.1f", Double(number) / Double(UInt64(1) << UInt64(10 * unit)))
        }
        return "\(sign)\(text) \(units[unit])"
    }

    static func size(_ value: UInt64, _ isHuman: Bool) -> String { isHuman ? human(Int64(clamping: value)) : "\(value)" }

    /// The local time as `yyyy-MM-dd HH:mm`.
    static func minute(_ milliseconds: UInt64) -> String {
        var seconds = time_t(Int64(clamping: milliseconds) / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02d %02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min)
    }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.unicodeScalars.count))
    }
    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.unicodeScalars.count)) + text
    }

    /// Names with question marks for unprintable characters.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control || $0.properties.generalCategory == .format ? "?" : $0 }
            ))
    }
}

private enum Listing {
    /// The widths of columns so far; they never shrink within a run.
    private struct Widths {
        var copies = 3, owner = 0, group = 0, size = 10
    }

    @Sendable static func run(_ call: VerbCall) async throws {
        if call.shell.choices.output == .json { return try await json(call) }
        var widths = Widths()
        let operands = call.operands.isEmpty ? ["."] : call.operands
        try await call.eachPath(operands.map { $0 == "." && !call.isHadoops && call.operands.isEmpty ? "/" : $0 }) { path in
            guard path.status?.kind == .directory, !call.has("d") else { return show([path], &widths, call) }
            try await show(directory: path, &widths, call)
        }
    }

    private static func show(directory path: ShellPath, _ widths: inout Widths, _ call: VerbCall) async throws {
        let children = ordered(try await path.children(), call)
        if !call.has("R"), !call.has("C"), !children.isEmpty { Output.line("Found \(children.count) items") }
        guard call.has("R") else { return show(children, &widths, call) }
        adjust(&widths, children, call)
        for child in children {
            show([child], &widths, call, adjusts: false)
            if child.status?.kind == .directory { try await show(directory: child, &widths, call) }
        }
    }

    private static func ordered(_ paths: [ShellPath], _ call: VerbCall) -> [ShellPath] {
        func time(_ path: ShellPath) -> UInt64 { (call.has("u") ? path.status?.accessed : path.status?.modified) ?? 0 }
        func size(_ path: ShellPath) -> UInt64 { path.status?.lengthBytes ?? 0 }
        guard call.has("t") || call.has("S") else { return call.has("r") ? paths.reversed() : paths }
        // Newest or largest first, with -r last; equal ones stay in name order.
        let value = call.has("t") ? time : size
        return paths.enumerated().sorted { left, right in
            let (one, other) = (value(left.element), value(right.element))
            return one == other ? left.offset < right.offset : (one > other) != call.has("r")
        }.map(\.element)
    }

    private static func adjust(_ widths: inout Widths, _ paths: [ShellPath], _ call: VerbCall) {
        for status in paths.compactMap(\.status) {
            widths.copies = max(widths.copies, "\(status.replication)".utf8.count)
            widths.size = max(widths.size, ShellForms.size(status.lengthBytes, call.has("h")).utf8.count)
            widths.owner = max(widths.owner, status.owner.unicodeScalars.count)
            widths.group = max(widths.group, status.group.unicodeScalars.count)
        }
    }

    private static func show(_ paths: [ShellPath], _ widths: inout Widths, _ call: VerbCall, adjusts: Bool = true) {
        if adjusts { adjust(&widths, paths, call) }
        var text = ""
        for path in paths {
            let name = call.has("q") ? ShellForms.printable(path.shown) : path.shown
            if call.has("C") {
                text += name + "\n"
                continue
            }
            guard let status = path.status else { continue }
            let isDirectory = status.kind == .directory
            text +=
                (isDirectory ? "d" : "-") + ShellForms.letters(status.permission.bits)
                + (status.flags & FileStatus.Flag.hasACL != 0 ? "+" : " ")
            text += ShellForms.right(isDirectory ? "-" : "\(status.replication)", widths.copies) + " "
            if widths.owner > 0 { text += ShellForms.left(status.owner, widths.owner) + " " }
            if widths.group > 0 { text += ShellForms.left(status.group, widths.group) + " " }
            text += ShellForms.right(ShellForms.size(status.lengthBytes, call.has("h")), widths.size) + " "
            text += ShellForms.minute(call.has("u") ? status.accessed : status.modified) + " " + name + "\n"
        }
        Output.raw(Bytes(string: text))
    }

    private static func json(_ call: VerbCall) async throws {
        var rows: [[OutputValue]] = []
        try await call.eachPath(call.operands.isEmpty ? ["/"] : call.operands) { path in
            let entries = path.status?.kind == .directory && !call.has("d") ? try await path.children() : [path]
            rows += entries.compactMap { entry in
                entry.status.map { status in
                    [
                        .text((status.kind == .directory ? "d" : "-") + ShellForms.letters(status.permission.bits)), .text(status.owner),
                        .text(status.group),
                        .number(Int64(clamping: status.lengthBytes)),
                        .text(Timestamps.text(milliseconds: Int64(clamping: status.modified))), .text(entry.name),
                    ]
                }
            }
        }
        Output.rows(["permission", "owner", "group", "bytes", "modified", "name"], rows, .json)
    }
}

private enum Sizes {
    @Sendable static func count(_ call: VerbCall) async throws {
        let isHuman = call.has("h")
        if call.has("v") {
            var header = ""
            if call.has("q") || call.has("u") { header += quotaLine(["QUOTA", "REM_QUOTA", "SPACE_QUOTA", "REM_SPACE_QUOTA"]) }
            if !call.has("u") { header += summaryLine(["DIR_COUNT", "FILE_COUNT", "CONTENT_SIZE"]) }
            Output.line(header + "PATHNAME")
        }
        try await call.eachPath { path in
            let summary = try await path.access.summary(path.path)
            var line = ""
            if call.has("q") || call.has("u") { line += quotaLine(quotas(summary, isHuman)) }
            if !call.has("u") {
                line += summaryLine([
                    ShellForms.size(summary.directoryCount, isHuman), ShellForms.size(summary.fileCount, isHuman),
                    ShellForms.size(summary.lengthBytes, isHuman),
                ])
            }
            Output.line(line + path.shown)
        }
    }

    private static func summaryLine(_ words: [String]) -> String {
        zip(words, [12, 12, 18]).map { ShellForms.right($0, $1) + " " }.joined()
    }
    private static func quotaLine(_ words: [String]) -> String {
        zip(words, [12, 15, 15, 15]).map { ShellForms.right($0, $1) + " " }.joined()
    }

    private static func quotas(_ summary: ContentSummaryMessage, _ isHuman: Bool) -> [String] {
        func text(_ value: Int64) -> String { isHuman ? ShellForms.human(value) : "\(value)" }
        var words = ["none", "inf", "none", "inf"]
        let (quota, space) = (Int64(bitPattern: summary.quota), Int64(bitPattern: summary.spaceQuota))
        let count = Int64(clamping: summary.fileCount &+ summary.directoryCount)
        if quota > 0 { words.replaceSubrange(0...1, with: [text(quota), text(quota.subtractingClamped(count))]) }
        if space >= 0 {
            words.replaceSubrange(2...3, with: [text(space), text(space.subtractingClamped(Int64(clamping: summary.spaceBytes)))])
        }
        return words
    }

    @Sendable static func usage(_ call: VerbCall) async throws {
        let operands = call.operands.isEmpty ? [call.isHadoops ? "." : "/"] : call.operands
        if call.shell.choices.output == .json { return try await usageFields(call, operands) }
        var rows: [[String]] = call.has("v") ? [["SIZE", "DISK_SPACE_CONSUMED_WITH_ALL_REPLICAS", "FULL_PATH_NAME"]] : []
        try await call.eachPath(operands) { path in
            for entry in path.status?.kind == .directory && !call.has("s") ? try await path.children() : [path] {
                let summary = try await entry.access.summary(entry.path)
                rows.append([
                    ShellForms.size(summary.lengthBytes, call.has("h")), ShellForms.size(summary.spaceBytes, call.has("h")), entry.shown,
                ])
            }
        }
        table(rows, rightFrom: nil)
    }

    private static func usageFields(_ call: VerbCall, _ operands: [String]) async throws {
        try await call.eachPath(operands) { path in
            let summary = try await path.access.summary(path.path)
            Output.fields(
                [
                    ("path", .text(path.path)), ("bytes", .number(Int64(clamping: summary.lengthBytes))),
                    ("files", .number(Int64(clamping: summary.fileCount))),
                    ("directories", .number(Int64(clamping: summary.directoryCount))),
                    ("bytesWithReplicas", .number(Int64(clamping: summary.spaceBytes))),
                ], .json)
        }
    }

    /// Columns two blanks apart, each as wide as its widest entry, except the last.
    private static func table(_ rows: [[String]], rightFrom: Int?) {
        guard let first = rows.first else { return }
        let widths = first.indices.map { column in rows.map { $0[column].unicodeScalars.count }.max() ?? 0 }
        for row in rows {
            let cells = row.indices.map { column -> String in
                if let rightFrom, column >= rightFrom { return ShellForms.right(row[column], widths[column]) }
                return column == row.count - 1 ? row[column] : ShellForms.left(row[column], widths[column])
            }
            Output.line(cells.joined(separator: "  "))
        }
    }

    @Sendable static func free(_ call: VerbCall) async throws {
        var rows = [["Filesystem", "Size", "Used", "Available", "Use%"]]
        try await call.eachPath(call.operands.isEmpty ? ["/"] : call.operands) { path in
            let stats = try await path.access.rpc("df").namenode.stats()
            let share = stats.capacityBytes == 0 ? 0 : Double(stats.usedBytes) / Double(stats.capacityBytes) * 100
            rows.append(
                [path.access.address]
                    + [stats.capacityBytes, stats.usedBytes, stats.remainingBytes].map { ShellForms.size($0, call.has("h")) } + [
                        "\(Int(share.rounded()))%"
                    ])
        }
        table(rows, rightFrom: 1)
    }
}

private enum Particulars {
    @Sendable static func stat(_ call: VerbCall) async throws {
        var operands = call.operands
        if call.shell.choices.output == .json { return try await fields(call) }
        var format = "%y"
        if operands[0].unicodeScalars.contains("%") {
            format = operands.removeFirst()
        } else if !call.isHadoops {
            return try await fields(call)
        }
        try await call.eachPath(operands) { path in
            guard let status = path.status else { return }
            Output.line(text(format, path, status))
        }
    }

    private static func fields(_ call: VerbCall) async throws {
        try await call.eachPath { path in
            guard let status = path.status else { return }
            Output.fields(
                [
                    ("path", .text(path.path)), ("type", .text(status.kind == .directory ? "directory" : "file")),
                    ("bytes", .number(Int64(clamping: status.lengthBytes))),
                    ("permission", .text(String(status.permission.bits, radix: 8))), ("owner", .text(status.owner)),
                    ("group", .text(status.group)),
                    ("replication", .number(Int64(status.replication))), ("blockBytes", .number(Int64(clamping: status.blockSizeBytes))),
                    ("modified", .text(Timestamps.text(milliseconds: Int64(clamping: status.modified)))),
                ], call.shell.choices.output)
        }
    }

    private static func text(_ format: String, _ path: ShellPath, _ status: FileStatus) -> String {
        var (result, isLetter) = ("", false)
        for scalar in format.unicodeScalars {
            guard isLetter else {
                if scalar == "%" { isLetter = true } else { result.unicodeScalars.append(scalar) }
                continue
            }
            isLetter = false
            switch scalar {
            case "a": result += String(status.permission.bits, radix: 8)
            case "A": result += ShellForms.letters(status.permission.bits)
            case "b": result += "\(status.lengthBytes)"
            case "F": result += status.kind == .directory ? "directory" : status.kind == .symlink ? "symlink" : "regular file"
            case "g": result += status.group
            case "n": result += path.name
            case "o": result += "\(status.blockSizeBytes)"
            case "r": result += "\(status.replication)"
            case "u": result += status.owner
            case "x": result += Timestamps.text(milliseconds: Int64(clamping: status.accessed))
            case "X": result += "\(status.accessed)"
            case "y": result += Timestamps.text(milliseconds: Int64(clamping: status.modified))
            case "Y": result += "\(status.modified)"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return isLetter ? result + "%" : result
    }

    @Sendable static func test(_ call: VerbCall) async throws {
        guard call.flags.count == 1, let question = call.flags.first else {
            throw ShellMisuse(call.flags.isEmpty ? "No test flag given" : "Only one test flag is allowed")
        }
        let path = try await call.shell.path(call.operands[0]).looked()
        guard let status = path.status else { return call.end(1) }
        let holds =
            switch question {
            case "d": status.kind == .directory
            case "e": true
            case "f": status.kind == .file
            case "s": status.lengthBytes > 0
            case "z": status.lengthBytes == 0
            default: try await isAllowed(path, question == "r" ? 4 : 2)
            }
        call.end(holds ? 0 : 1)
    }

    private static func isAllowed(_ path: ShellPath, _ mode: UInt32) async throws -> Bool {
        do { try await path.access.rpc("test").namenode.checkAccess(path.path, mode) } catch let exception as JavaException
            where exception.className == JavaException.accessControl
        { return false }
        return true
    }

    @Sendable static func find(_ call: VerbCall) async throws {
        let place = call.operands.firstIndex { $0.beginsWithBytes(of: "-") } ?? call.operands.count
        var (patterns, end) = ([(String, Bool)](), "\n")
        var words = call.operands[place...]
        while let word = words.popFirst() {
            switch word {
            case "-name", "-iname":
                guard let pattern = words.popFirst() else { throw ShellMisuse("\(word): an argument is missing") }
                patterns.append((word == "-iname" ? pattern.lowercased() : pattern, word == "-iname"))
            case "-print", "-a", "-and": break
            case "-print0": end = "\0"
            default: throw ShellMisuse("Unexpected argument: \(word)")
            }
        }
        let (wanted, terminator) = (patterns, end)
        try await call.eachPath(place == 0 ? ["."] : Array(call.operands[..<place])) { path in
            try await call.eachBelow(path) { found in
                let fits = wanted.allSatisfy { pattern, ignoresCase in
                    GlobPattern.alternatives(pattern).contains {
                        GlobPattern.matches(ignoresCase ? found.name.lowercased() : found.name, $0)
                    }
                }
                if fits { Output.raw(Bytes(string: found.shown + terminator)) }
            }
        }
    }
}
