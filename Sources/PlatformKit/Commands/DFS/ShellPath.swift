// Paths of the verbs: absolute, relative to /user/NAME, with a scheme and an authority, with patterns. A path keeps its given form for
// display. Source: org.apache.hadoop.fs.shell.PathData and GlobPattern of Hadoop 3.
import Base
import Clients
import HadoopWire
import NetKit

/// A path of a file system, with its status.
struct ShellPath: Sendable {
    let access: any DFSAccess
    /// Absolute, without the address.
    var path: String
    /// In its given form.
    var shown: String
    /// Nil if the path does not exist.
    var status: FileStatus?

    var name: String { String(path.pieces(at: "/").last ?? "") }
    var parent: String { ShellPath.parent(path) }
    /// With the address in front.
    var qualified: String { access.address + path }

    static func parent(_ path: String) -> String {
        let parts = path.pieces(at: "/").dropLast()
        return parts.count < 2 ? "/" : parts.joined(separator: "/")
    }

    static func join(_ directory: String, _ name: String) -> String {
        directory.endsWithBytes(of: "/") ? directory + name : directory + "/" + name
    }

    /// An entry of this directory.
    func child(_ status: FileStatus) -> ShellPath { child(status.path.text, status) }
    func child(_ name: String, _ status: FileStatus?) -> ShellPath {
        ShellPath(access: access, path: Self.join(path, name), shown: shown.isEmpty ? name : Self.join(shown, name), status: status)
    }

    /// Its entries by name.
    func children() async throws -> [ShellPath] { try await access.list(path).map(child) }

    /// The same path with its present status.
    func looked() async throws -> ShellPath {
        var found = self
        found.status = try await access.status(path)
        return found
    }

    /// Without empty parts, `.` and `..`.
    static func normal(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.pieces(at: "/") where !part.isEmpty && part != "." {
            if part == "..", !parts.isEmpty { parts.removeLast() } else if part != ".." { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

/// Patterns of names: `*`, `?`, `[a-z]`, `[^a]`, `{a,b}`, and `\` before a literal character.
enum GlobPattern {
    private static let special: Set<Unicode.Scalar> = ["*", "?", "[", "{", "\\"]

    static func isPattern(_ text: String) -> Bool { text.unicodeScalars.contains { special.contains($0) } }

    /// The patterns without braces of a pattern with braces.
    static func alternatives(_ text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        guard let open = scalars.firstIndex(of: "{") else { return [text] }
        var (depth, place, starts) = (0, open, [open + 1])
        while place < scalars.count {
            switch scalars[place] {
            case "\\": place += 1
            case "{": depth += 1
            case "}":
                depth -= 1
                guard depth == 0 else { break }
                starts.append(place + 1)
                func text(_ part: some Sequence<Unicode.Scalar>) -> String { String(String.UnicodeScalarView(part)) }
                return zip(starts, starts.dropFirst()).flatMap {
                    alternatives(text(scalars[..<open]) + text(scalars[$0..<($1 - 1)]) + text(scalars[(place + 1)...]))
                }
            case "," where depth == 1: starts.append(place + 1)
            default: break
            }
            place += 1
        }
        return [text]
    }

    /// Whether a name matches a pattern without braces.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        matches(Array(name.unicodeScalars)[...], Array(pattern.unicodeScalars)[...])
    }

    private static func matches(_ name: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
        var (name, pattern) = (name, pattern)
        var retry: (name: ArraySlice<Unicode.Scalar>, pattern: ArraySlice<Unicode.Scalar>)?
        while true {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (name, pattern)
            } else if let rest = one(name.first, pattern) {
                (name, pattern) = (name.dropFirst(), rest)
            } else if name.isEmpty && pattern.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                (name, pattern) = (last.name.dropFirst(), last.pattern)
                retry = (name, pattern)
            } else {
                return false
            }
        }
    }

    /// The rest of the pattern behind one scalar; nil if the scalar does not match.
    private static func one(_ scalar: Unicode.Scalar?, _ pattern: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar>? {
        guard let scalar, let first = pattern.first else { return nil }
        switch first {
        case "?": return pattern.dropFirst()
        case "\\": return pattern.dropFirst().first == scalar ? pattern.dropFirst(2) : nil
        case "[":
            guard let end = pattern.dropFirst(2).firstIndex(of: "]") else { return first == scalar ? pattern.dropFirst() : nil }
            var set = pattern[(pattern.startIndex + 1)..<end]
            let isNegated = set.first == "^" || set.first == "!"
            if isNegated { set = set.dropFirst() }
            return contains(set, scalar) != isNegated ? pattern[(end + 1)...] : nil
        default: return first == scalar ? pattern.dropFirst() : nil
        }
    }

    private static func contains(_ set: ArraySlice<Unicode.Scalar>, _ scalar: Unicode.Scalar) -> Bool {
        var rest = set
        while let first = rest.first {
            if rest.count >= 3, rest[rest.startIndex + 1] == "-" {
                let last = rest[rest.startIndex + 2]
                if first <= last, (first...last).contains(scalar) { return true }
                rest = rest.dropFirst(3)
            } else {
                if first == scalar { return true }
                rest = rest.dropFirst()
            }
        }
        return false
    }

    /// A name without the backslashes of its escapes.
    static func plain(_ text: String) -> String {
        var (result, isEscaped) = (String.UnicodeScalarView(), false)
        for scalar in text.unicodeScalars {
            if scalar == "\\", !isEscaped {
                isEscaped = true
            } else {
                result.append(scalar)
                isEscaped = false
            }
        }
        return String(result)
    }
}

extension ShellPath {
    /// The matches of a pattern, in order; the path itself, existing or not, if it is no pattern. Empty if a pattern has no match.
    func expanded() async throws -> [ShellPath] {
        guard GlobPattern.isPattern(shown) else { return [try await looked()] }
        var found: [ShellPath] = []
        for (path, shown) in zip(GlobPattern.alternatives(path), GlobPattern.alternatives(shown)) {
            // The given text in front of the path, for display.
            let lead =
                shown.unicodeScalars.count >= path.unicodeScalars.count
                ? String(shown.unicodeScalars.dropLast(path.unicodeScalars.count)) : nil
            let matches = try await Self.matches(access, path.pieces(at: "/").filter { !$0.isEmpty }.map(String.init))
            for var match in matches {
                match.shown = lead.map { $0 + match.path } ?? Self.relative(match.path, access.user)
                found.append(match)
            }
        }
        return found
    }

    private static func relative(_ path: String, _ user: String) -> String {
        let home = "/user/\(user)/"
        return path.beginsWithBytes(of: home) ? String(path.droppingBytes(first: home.utf8.count)) : path
    }

    private static func matches(_ access: any DFSAccess, _ parts: [String]) async throws -> [ShellPath] {
        var found = [ShellPath(access: access, path: "/", shown: "/", status: nil)]
        for (place, part) in parts.enumerated() {
            var next: [ShellPath] = []
            for directory in found {
                guard GlobPattern.isPattern(part) else {
                    next.append(directory.child(GlobPattern.plain(part), nil))
                    continue
                }
                guard let status = try await access.status(directory.path), status.kind == .directory else { continue }
                next += try await directory.children().filter {
                    GlobPattern.matches($0.name, part) && (place == parts.count - 1 || $0.status?.kind == .directory)
                }
            }
            found = next
        }
        var there: [ShellPath] = []
        for match in found {
            let looked = match.status == nil ? try await match.looked() : match
            if looked.status != nil { there.append(looked) }
        }
        return there
    }
}
