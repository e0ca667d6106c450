// The sources as the house tests see them: files with their target, lines and imports. Read once, from the files themselves.
import Foundation
import TestKit

struct SourceFile: Sendable {
    /// Path below the package.
    var path: String
    var target: String
    var lines: [String]
    var isGenerated: Bool { path.contains("/Generated/") || path.hasSuffix(".pb.swift") }

    /// The modules that the file imports.
    var imports: [String] {
        lines.compactMap { line in
            // Most lines begin with neither of these, and an expression is slow.
            guard let initial = line.utf8.first,
                initial == UInt8(ascii: "i") || initial == UInt8(ascii: "@") || initial == UInt8(ascii: "p")
            else { return nil }
            guard let range = line.firstRange(of: #/^(@\w+ |public |package |internal |private )*import /#) else { return nil }
            let words = line[range.upperBound...].split(separator: " ")
            let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias", "let", "var"]
            guard let first = words.first else { return nil }
            let module = kinds.contains(first) ? words.dropFirst().first ?? first : first
            return String(module.split(separator: ".")[0])
        }
    }

    /// The lines without comments and the content of one-line string literals; of generated files none.
    let code: [(number: Int, text: String)]

    init(path: String, target: String, lines: [String]) {
        self.path = path
        self.target = target
        self.lines = lines
        let isGenerated = path.contains("/Generated/") || path.hasSuffix(".pb.swift")
        code = isGenerated ? [] : lines.enumerated().map { ($0 + 1, Self.withoutTextAndComments($1)) }
    }

    private static func withoutTextAndComments(_ line: String) -> String {
        var kept: [UInt8] = []
        var isText = false
        var isEscaped = false
        var previous: UInt8 = 0
        for byte in line.utf8 {
            defer { previous = byte }
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                    kept.append(byte)
                }
                continue
            }
            if byte == UInt8(ascii: "\"") { isText = true }
            if byte == UInt8(ascii: "/"), previous == byte {
                kept.removeLast()
                break
            }
            kept.append(byte)
        }
        return String(decoding: kept, as: UTF8.self)
    }
}

enum SourceTree {
    static let root = PlatformProcess.packageRoot

    static let files: [SourceFile] = list("Sources") + list("Tests")
    static var sources: [SourceFile] { files.filter { $0.path.hasPrefix("Sources/") } }

    private static func list(_ folder: String) -> [SourceFile] {
        guard let paths = FileManager.default.subpaths(atPath: root + "/" + folder) else { return [] }
        return paths.filter { $0.hasSuffix(".swift") }.sorted().map { path in
            let text = (try? String(contentsOfFile: root + "/" + folder + "/" + path, encoding: .utf8)) ?? ""  // an unreadable file shows as an empty one, which fails
            return SourceFile(
                path: folder + "/" + path, target: String(path.split(separator: "/")[0]), lines: text.components(separatedBy: "\n"))
        }
    }
}
