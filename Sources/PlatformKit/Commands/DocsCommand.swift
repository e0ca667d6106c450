// Writes the generated parts of the docs from the program's own tables: settings, exit codes, and the requests that each service answers. A
// test compares, so that the pages cannot drift.
import ArgumentParser
import Base
import ComputeService
import CoordCore
import CoordService
import Foundation
import KafkaWire
import NamenodeService

struct DocsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "docs", abstract: "Write the generated parts of the documentation.", shouldDisplay: false)
    @Argument(help: "The folder of the pages.") var folder: String
    @Flag(help: "Only compare; exit 1 if a page is out of date.") var check = false

    func run() throws {
        var stale: [String] = []
        for page in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where page.hasSuffix(".md") {
            let path = folder + "/" + page
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let fresh = GeneratedDocs.fill(text)
            guard fresh != text else { continue }
            stale.append(page)
            if !check { try fresh.write(toFile: path, atomically: true, encoding: .utf8) }
        }
        if check, !stale.isEmpty {
            throw CommandFailure(
                .failed, "generated docs are out of date", why: stale.joined(separator: ", "), next: "`make docs` writes them anew")
        }
    }
}

/// The generated parts, by the name in their marker.
enum GeneratedDocs {
    static let parts: [(name: String, text: @Sendable () -> String)] = [
        ("settings", settings), ("limits", limits), ("exit-codes", exitCodes), ("coord-operations", coordOperations),
        ("dfs-operations", dfsOperations), ("dfs-methods", dfsMethods), ("dfs-verbs", dfsVerbs),
        ("broker-operations", brokerOperations), ("compute-operations", computeOperations),
    ]

    /// Replaces the text between `<!-- generated: NAME -->` and `<!-- end -->`.
    static func fill(_ page: String) -> String {
        var page = page
        for (name, text) in parts {
            guard let start = page.range(of: "<!-- generated: \(name) -->\n"),
                let end = page.range(of: "<!-- end -->", range: start.upperBound..<page.endIndex)
            else { continue }
            page.replaceSubrange(start.upperBound..<end.lowerBound, with: text())
        }
        return page
    }

    private static func table(_ header: [String], _ rows: [[String]]) -> String {
        ([header, header.map { _ in "---" }] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    }

    private static func settings() -> String {
        table(
            ["setting", "environment", "default", "values", "meaning"],
            SettingsTable.all.map {
                ["`\($0.name)`", "`\($0.environmentName)`", $0.defaultText.isEmpty ? "" : "`\($0.defaultText)`", $0.domain, $0.summary]
            })
    }

    /// Limits by their names, which end in `.max`.
    private static func limits() -> String {
        table(
            ["setting", "default", "meaning"],
            SettingsTable.all.filter { $0.name.hasSuffix(".max") }.map { ["`\($0.name)`", "`\($0.defaultText)`", $0.summary] })
    }

    private static func exitCodes() -> String { table(["code", "meaning"], ExitCode.allCases.map { ["\($0.rawValue)", $0.meaning] }) }

    private static func coordOperations() -> String {
        table(
            ["operation", "number", "permission", "remark"],
            CoordAPI.table.map { ["\($0.code)", "\($0.code.rawValue)", $0.permission.map(permissionName) ?? "", $0.remark] })
    }

    private static func permissionName(_ permission: Permissions) -> String {
        switch permission {
        case .read: "READ"
        case .write: "WRITE"
        case .create: "CREATE"
        case .delete: "DELETE"
        case .admin: "ADMIN"
        default: "\(permission.rawValue)"
        }
    }

    private static func brokerOperations() -> String {
        table(
            ["API", "key", "versions"],
            ApiTable.rows.map { [$0.name, "\($0.key.rawValue)", "\($0.versions.lowerBound) to \($0.versions.upperBound)"] })
    }

    private static func computeOperations() -> String { table(["RPC of SparkConnectService"], ComputeDoor.methods.map { [$0] }) }

    private static func dfsMethods() -> String {
        table(["method", "needs", "remark"], RPCMethod.client.map { [$0.name, $0.permission, $0.remark] })
    }

    private static func dfsVerbs() -> String {
        table(
            ["verb", "what may follow", "what it does"],
            DFSVerb.all.map { ["`\($0.name)`", $0.usage.isEmpty ? "" : "`\($0.usage.replacing("|", with: "\\|"))`", $0.summary] })
    }

    private static func dfsOperations() -> String {
        table(["method", "operation", "remark"], WebHDFSAPI.table.map { [$0.method, $0.operation, $0.remark] })
    }
}
