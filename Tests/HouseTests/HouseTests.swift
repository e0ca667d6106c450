// Style is a test: rings, single importers, banned words, sizes, headers. Every message says what to do instead.
import Foundation
import Testing

@Suite struct HouseTests {
    private func report(_ problems: [String], _ rule: String) {
        #expect(problems.isEmpty, "\(rule):\n\(problems.joined(separator: "\n"))")
    }

    @Test func targetsImportLowerRingsOnly() {
        var problems: [String] = []
        let ours = Set(Rings.allowed.keys)
        for file in SourceTree.sources {
            guard let allowed = Rings.allowed[file.target] else {
                problems.append("\(file.path): target \(file.target) has no place in Rings.swift; decide its ring there")
                continue
            }
            for module in file.imports where ours.contains(module) && !allowed.contains(module) {
                problems.append("\(file.path): \(file.target) may not import \(module); pass a value or define a port in a lower ring")
            }
        }
        report(problems, "rings")
    }

    @Test func eachPackageHasOneImporter() {
        var problems: [String] = []
        for file in SourceTree.sources where !file.isGenerated {
            for module in file.imports {
                if let owner = Rings.importer[module], owner != file.target {
                    problems.append("\(file.path): only \(owner) imports \(module); use what \(owner) offers")
                }
            }
        }
        report(problems, "single importer")
    }

    @Test func coresAreValues() {
        var problems: [String] = []
        for file in SourceTree.sources
        where (Rings.cores.contains(file.target) || Rings.wires.contains(file.target) || file.target == "Base") && !file.isGenerated {
            for (pattern, instead) in Rings.bannedInCores {
                guard let expression = try? Regex(pattern) else { continue }  // the patterns are constants of ours
                for (number, text) in file.code where text.firstMatch(of: expression) != nil {
                    problems.append("\(file.path):\(number): not in a core; take \(instead)")
                }
            }
        }
        report(problems, "cores")
    }

    /// Names, paths, lists and rows are bytes: what Swift takes for a character depends on what comes behind it.
    @Test func textIsCutByBytes() {
        var problems: [String] = []
        var counts: [String: Int] = [:]
        for file in SourceTree.sources where Rings.targetsOfBytes.contains(file.target) && !file.isGenerated {
            for (number, text) in file.code where text.firstMatch(of: Rings.characterwise) != nil {
                counts[file.target, default: 0] += 1
                if counts[file.target, default: 0] > Rings.characterwiseMax[file.target] ?? 0 {
                    problems.append(
                        "\(file.path):\(number): take pieces(at:), piece(before:), beginsWithBytes(of:), endsWithBytes(of:) or utf8")
                }
            }
        }
        report(problems, "text by bytes")
    }

    @Test func nothingIsSwallowedOrForced() {
        var problems: [String] = []
        for file in SourceTree.files where !file.isGenerated && file.target != "HouseTests" {
            for (number, text) in file.code {
                let line = file.lines[number - 1]
                let before = number > 1 ? file.lines[number - 2] : ""
                if text.contains("try!") {
                    problems.append("\(file.path):\(number): try! hides an error; handle it or use a precondition with a sentence")
                }
                if text.firstMatch(of: /\btry\?/) != nil, !line.contains("//"), !before.contains("//") {
                    problems.append("\(file.path):\(number): try? needs its reason in a comment beside it")
                }
                if text.firstMatch(of: /catch *\{ *\}/) != nil {
                    problems.append("\(file.path):\(number): an empty catch swallows the error")
                }
                if text.contains("fatalError(") { problems.append("\(file.path):\(number): use precondition(Failure) with a sentence") }
            }
            for (number, line) in file.lines.enumerated() where line.firstMatch(of: /\b(TODO|FIXME|XXX)\b/) != nil {
                problems.append("\(file.path):\(number + 1): file an issue instead")
            }
        }
        report(problems, "errors")
    }

    @Test func unsafeThingsAreArgued() {
        var problems: [String] = []
        for file in SourceTree.sources where !file.isGenerated {
            for (number, text) in file.code where text.contains("@unchecked Sendable") || text.contains("nonisolated(unsafe)") {
                let around = file.lines[max(0, number - 3)...min(file.lines.count - 1, number + 1)]
                if !around.contains(where: { $0.contains("//") }) {
                    problems.append("\(file.path):\(number): say in one line why this is safe")
                }
            }
        }
        report(problems, "unsafe")
    }

    @Test func namesSayWhatThingsAre() {
        var problems: [String] = []
        let pattern =
            /\b(class|struct|enum|actor|protocol) (\w*(Manager|Helper|Util|Utils|Impl)\w*|New\w+|Old\w+|Mock\w*|Fake\w*|Stub\w*)\b/
        for file in SourceTree.files where !file.isGenerated && file.target != "HouseTests" {
            for (number, text) in file.code {
                if let match = text.firstMatch(of: pattern) {
                    problems.append("\(file.path):\(number): '\(match.2)' says nothing; name what it owns or does")
                }
            }
        }
        report(problems, "names")
    }

    @Test func verbsSayTheirNames() {
        var problems: [String] = []
        for file in SourceTree.sources where !file.isGenerated {
            for (number, text) in file.code where text.contains("CommandConfiguration(") && !text.contains("-> CommandConfiguration(") {
                let both = text + (number < file.lines.count ? file.lines[number] : "")
                if !both.contains("commandName:") {
                    problems.append(
                        "\(file.path):\(number): name the command; to find a name for it takes every start of the program half a millisecond"
                    )
                }
            }
        }
        report(problems, "verbs")
    }

    @Test func filesBeginWithWhatTheyOwn() {
        let problems = SourceTree.files.filter { !$0.isGenerated && !($0.lines.first?.hasPrefix("// ") ?? false) }.map {
            "\($0.path): begin with two to five sentences on what this file owns"
        }
        report(problems, "headers")
    }

    @Test func filesStayReadable() {
        let problems = SourceTree.files.filter { !$0.isGenerated && $0.lines.count > 501 }.map {
            "\($0.path): \($0.lines.count) lines; split it by role at 500"
        }
        report(problems, "file length")
    }

    @Test func functionsFitOnAScreen() {
        var problems: [String] = []
        for file in SourceTree.sources where !file.isGenerated { problems += FunctionLengths.over(70, in: file) }
        report(problems, "function length")
    }

    @Test func nothingNamesTheMachineItWasWrittenOn() {
        let words = ["/" + "work/", "/" + "wt/", "/tmp/" + "venv", "farm-" + "studio", "farm-" + "bench"]
        var problems: [String] = []
        for file in SourceTree.files {
            for (number, line) in file.lines.enumerated() where !file.isGenerated && words.contains(where: line.contains) {
                problems.append("\(file.path):\(number + 1): a path or tool of one machine")
            }
        }
        report(problems, "machine")
    }

    @Test func linksInDocsAreAlive() throws {
        var problems: [String] = []
        let root = SourceTree.root
        let pages =
            ["README.md", "CHANGELOG.md"]
            + (FileManager.default.subpaths(atPath: root + "/docs") ?? []).filter { $0.hasSuffix(".md") }.map { "docs/" + $0 }
        for page in pages where FileManager.default.fileExists(atPath: root + "/" + page) {
            let text = try String(contentsOfFile: root + "/" + page, encoding: .utf8)
            for match in text.matches(of: /\]\(([^)#:\s]+)(#[^)]*)?\)/) {
                let target = URL(fileURLWithPath: root + "/" + page).deletingLastPathComponent().appendingPathComponent(String(match.1))
                    .path
                if !FileManager.default.fileExists(atPath: target) { problems.append("\(page): \(match.1) does not exist") }
            }
        }
        report(problems, "links")
    }
}

/// Lengths of functions by counting braces; approximate, and strict enough.
enum FunctionLengths {
    static func over(_ limit: Int, in file: SourceFile) -> [String] {
        var problems: [String] = []
        var open: (name: String, line: Int, depth: Int)?
        var waiting: (name: String, line: Int)?
        var depth = 0
        for (number, text) in file.code {
            if open == nil, waiting == nil, let match = text.firstMatch(of: /\b(func +[^\s(<]+|init[?(<])/), !text.contains("= {") {
                waiting = (String(match.0), number)
            }
            for character in text {
                if character == "{" {
                    if let start = waiting {
                        open = (start.name, start.line, depth)
                        waiting = nil
                    }
                    depth += 1
                } else if character == "}" {
                    depth -= 1
                    if let function = open, depth == function.depth {
                        let lines = number - function.line + 1
                        if lines > limit {
                            problems.append("\(file.path):\(function.line): \(function.name) has \(lines) lines; \(limit) is the limit")
                        }
                        open = nil
                    }
                }
            }
            if let start = waiting, number - start.line > 12 { waiting = nil }
        }
        return problems
    }
}
