// The docs say what the program does: generated tables are compared with the program's own, and every block of commands is run. A block that
// cannot run says why in a comment on the line before it: `<!-- not run: reason -->`.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct DocsTests {
        @Test func generatedTablesAreUpToDate() throws {
            let ran = try Ran.platform(["docs", PlatformProcess.packageRoot + "/docs", "--check"])
            #expect(ran.status == 0, "\(ran.errors)")
        }

        @Test(arguments: CommandPage.all) func everyCommandBlockRuns(_ page: CommandPage) throws {
            let blocks = try page.blocks()
            guard !blocks.isEmpty else { return }
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            try FileManager.default.createDirectory(atPath: directory + "/bin", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: directory + "/bin/platform", withDestinationPath: PlatformProcess.program)
            let platform = try PlatformProcess(["up", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            for block in blocks {
                let ran = try Ran.run(
                    "/bin/bash", ["-euo", "pipefail", "-c", "cd \(directory); " + CommandPage.redirected(block.text, platform.endpoints)],
                    // What a block starts without a data directory must not meet what another run left.
                    environment: CommandPage.environment(platform.endpoints, directory + "/bin").merging([
                        "XDG_DATA_HOME": directory + "/data"
                    ]) { $1 },
                    timeout: .seconds(120))
                #expect(ran.status == 0, "\(page.path):\(block.line):\n\(block.text)\(ran.output)\(ran.errors)")
            }
        }
    }
}

/// A page with blocks of commands.
struct CommandPage: Sendable, CustomTestStringConvertible {
    var path: String
    var testDescription: String { path }

    static var all: [CommandPage] {
        let pages = (FileManager.default.subpaths(atPath: PlatformProcess.packageRoot + "/docs") ?? []).filter { $0.hasSuffix(".md") }
            .sorted()
        return (["README.md"] + pages.map { "docs/" + $0 }).map { CommandPage(path: $0) }
    }

    struct Block: Sendable {
        var line: Int
        var text: String
    }

    /// The blocks that are to be run, in order.
    func blocks() throws -> [Block] {
        let lines = try String(contentsOfFile: PlatformProcess.packageRoot + "/" + path, encoding: .utf8).components(separatedBy: "\n")
        var blocks: [Block] = []
        var place = 0
        var before = ""
        while place < lines.count {
            if lines[place] == "```sh" {
                let end = lines[(place + 1)...].firstIndex(of: "```") ?? lines.endIndex
                if before.wholeMatch(of: /<!-- not run: .+ -->/) == nil {
                    blocks.append(Block(line: place + 1, text: lines[(place + 1)..<end].joined(separator: "\n") + "\n"))
                }
                place = end
            }
            if place < lines.count, !lines[place].isEmpty { before = lines[place] }
            place += 1
        }
        return blocks
    }

    /// By the names of the READY line; what does not run is left as it is.
    private static let defaults = [
        ("coord", 2181), ("coord-admin", 8080), ("broker", 9092), ("namenode", 8020), ("webhdfs", 9870), ("connect", 15002),
        ("console", 7080),
    ]

    /// The default addresses in a block, replaced by those of the running platform.
    static func redirected(_ text: String, _ endpoints: [String: String]) -> String {
        var text = text
        for (name, port) in defaults {
            guard let address = endpoints[name] else { continue }
            for host in ["127.0.0.1", "localhost"] { text = text.replacing("\(host):\(port)", with: address) }
            text = text.replacing("/dev/tcp/127.0.0.1/\(port)", with: "/dev/tcp/" + address.replacing(":", with: "/"))
        }
        return text
    }

    /// Where verbs without --server find the running platform.
    static func environment(_ endpoints: [String: String], _ programs: String) -> [String: String] {
        var environment = ["PATH": programs + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")]
        for (name, service) in [
            ("coord", "COORD"), ("broker", "BROKER"), ("webhdfs", "DFS"), ("connect", "COMPUTE"), ("console", "CONSOLE"),
        ] {
            environment["PLATFORM_\(service)_SERVER"] = endpoints[name]
            environment["PLATFORM_DFS_FS"] = endpoints["namenode"].map { "hdfs://" + $0 }
        }
        return environment
    }
}
