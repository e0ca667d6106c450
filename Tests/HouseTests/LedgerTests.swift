// Rules that older code breaks still: each has a ledger of what is left, which only shrinks. Who mends something lowers the number; new code keeps the rule.
import Testing

@Suite struct LedgerTests {
    private func report(_ problems: [String], _ rule: String) {
        #expect(problems.isEmpty, "\(rule):\n\(problems.joined(separator: "\n"))")
    }

    /// The targets with more findings than their ledger allows, with all places, so that the new one can be found.
    private func compare(_ found: [String: [String]], _ ledger: [String: Int], _ instead: String) -> [String] {
        found.sorted { $0.key < $1.key }.flatMap { target, places in
            let allowed = ledger[target] ?? 0
            return places.count > allowed ? ["\(target): \(places.count), \(allowed) are allowed; \(instead)"] + places : []
        }
    }

    @Test func linesFitTheirWidth() {
        var found: [String: [String]] = [:]
        for file in SourceTree.files where !file.isGenerated {
            for (number, line) in file.lines.enumerated() where line.utf8.count > 140 && line.count > 140 {
                found[file.target, default: []].append("\(file.path):\(number + 1)")
            }
        }
        report(compare(found, Ledgers.longLines, "break lines at 140 columns, with `make fmt` or by hand"), "line length")
    }

    @Test func commentsUsePlainWords() {
        var found: [String: [String]] = [:]
        for file in SourceTree.sources where !file.isGenerated {
            for (number, line) in file.lines.enumerated() {
                guard let comment = line.utf8.firstRange(of: "//".utf8).map({ line[$0.lowerBound...] }) else { continue }
                for (words, instead) in Ledgers.hardWords where comment.firstMatch(of: words) != nil {
                    found[file.target, default: []].append("\(file.path):\(number + 1): take \(instead)")
                    break
                }
            }
        }
        report(compare(found, Ledgers.hardComments, "subject first, the field's noun instead of a relative clause"), "plain words")
    }

    @Test func typesHoldFewThings() {
        var problems: [String] = []
        for file in SourceTree.sources where !file.isGenerated {
            for (type, count) in StoredProperties.over(Ledgers.propertiesMax, in: file)
            where count > Ledgers.manyProperties["\(file.target).\(type)"] ?? 0 {
                problems.append(
                    "\(file.path): \(type) has \(count) stored properties; \(Ledgers.propertiesMax) is the limit: give a part of them an owner"
                )
            }
        }
        report(problems, "stored properties")
    }

    @Test func hotCodeNamesItsBenchmark() {
        var problems: [String] = []
        for file in SourceTree.sources where !file.isGenerated {
            for (number, line) in file.lines.enumerated() {
                // Most lines have no such mark, and an expression is slow.
                guard line.utf8.firstRange(of: "hot: ".utf8) != nil, let mark = line.firstRange(of: /\/\/.*\bhot:/) else { continue }
                // The name may stand on the next line.
                let text =
                    String(line[mark.upperBound...])
                    + (number + 1 < file.lines.count ? " " + file.lines[number + 1].drop { $0 == " " || $0 == "/" } : "")
                let named = text.firstMatch(of: /`platform-bench (\w+)`/).map { String($0.1) }
                if !Ledgers.benchmarks.contains(named ?? "") {
                    problems.append(
                        "\(file.path):\(number + 1): name the benchmark that would show it: `platform-bench \(Ledgers.benchmarks.joined(separator: "|"))`"
                    )
                }
            }
        }
        report(problems, "hot code")
    }

    @Test func theChecksThemselvesFindWhatTheyAreFor() {
        let lines = [
            "struct Wide {", "    var a = 1", "    private(set) var b: Int", "    static let c = 2", "    var d: Int { 3 }",
            "    let e: [Int]", "    func f() {", "        let g = 1", "    }", "}",
        ]
        let file = SourceFile(path: "Sources/A/B.swift", target: "A", lines: lines)
        #expect(StoredProperties.over(2, in: file).map(\.type) == ["Wide"])
        #expect(StoredProperties.over(2, in: file).map(\.count) == [3])
        #expect("/// Who watches a path.".firstMatch(of: Ledgers.hardWords[0].words) != nil)
        #expect(FunctionLengths.over(2, in: file).count == 1)
    }
}
