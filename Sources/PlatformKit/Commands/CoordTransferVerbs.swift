// `platform coord export` and `import`: a subtree as JSON, to and from any ZooKeeper. One node a line, parents first, paths relative to the
// exported root; data as text, or base64 where it is not UTF-8. Ephemeral nodes stay behind.
import ArgumentParser
import Base
import Clients
import Foundation
import ZooKeeperWire

/// A node on its way from one tree to another.
struct ExportedNode: Codable, Equatable {
    struct Right: Codable, Equatable {
        var scheme: String
        var id: String
        var permissions: String
    }
    /// Below the exported root; empty for the root itself.
    var path: String
    /// The data if it is UTF-8.
    var data: String?
    /// The data in base64 if it is not.
    var data64: String?
    var acl: [Right]

    init(path: String, data: Bytes?, acl: [ACLRecord]) {
        self.path = path
        self.acl = acl.map { Right(scheme: $0.scheme, id: $0.id, permissions: AccessText.permissions($0.permissions)) }
        guard let data else { return }
        if let text = String(validating: data.readableBytesView, as: UTF8.self) {
            self.data = text
        } else {
            data64 = Data(data.readableBytesView).base64EncodedString()
        }
    }

    /// Nil without either field: the null that a node may hold.
    var bytes: Bytes? {
        if let data { return Bytes(string: data) }
        return data64.flatMap { Data(base64Encoded: $0) }.map { Bytes(bytes: $0) }
    }

    var rights: [ACLRecord]? {
        let list = acl.compactMap { right in
            AccessText.permissions(right.permissions).map { ACLRecord(permissions: $0, scheme: right.scheme, id: right.id) }
        }
        return list.count == acl.count ? list : nil
    }

    /// Whether the list hides a password's digest, which would lock out every user.
    var hidesDigests: Bool { acl.contains { $0.scheme == "digest" && $0.id.hasSuffix(":x") } }
}

/// The whole document.
struct ExportedTree: Codable {
    static let format = "platform-coord-export"
    var format = Self.format
    var version = 1
    var root: String
    var nodes: [ExportedNode]
}

/// Limit of the requests of a transfer under way.
private let transfersAtATime = 100

/// Runs `body` for every element, some at a time; results keep their order.
private func spread<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Result
) async throws -> [Result] {
    var results: [Result] = []
    var place = 0
    while place < elements.count {
        let slice = Array(elements[place..<min(elements.count, place + transfersAtATime)])
        results += try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            for (number, element) in slice.enumerated() { group.addTask { (number, try await body(element)) } }
            var some: [(Int, Result)] = []
            for try await result in group { some.append(result) }
            return some.sorted { $0.0 < $1.0 }.map(\.1)
        }
        place += slice.count
    }
    return results
}

struct CoordExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print a subtree as JSON.",
        discussion: """
            Ephemeral nodes belong to their sessions and are left out. ZooKeeper's protocol does not tell containers and times to live, so such nodes
            are exported as ordinary ones.

            EXAMPLES
              platform coord export /app > app.json
              platform coord export / --server zookeeper.example:2181 | platform coord import - --at /copy
            """)
    @Argument(help: "The root of the subtree.") var path = "/"
    @OptionGroup var server: CoordServerOptions

    private struct Visit: Sendable {
        var node: ExportedNode?
        var isEphemeral = false
        var children: [String] = []
    }

    func run() async throws {
        let root = path
        let (nodes, ephemerals) = try await server.withClient("cannot export \(root)") { try await Self.collect(root, $0) }
        Output.line("{\"format\":\(JSONText.quoted(ExportedTree.format)),\"version\":1,\"root\":\(JSONText.quoted(root)),\"nodes\":[")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for (place, node) in nodes.enumerated() {
            Output.line(String(decoding: try encoder.encode(node), as: UTF8.self) + (place == nodes.count - 1 ? "" : ","))
        }
        Output.line("]}")
        Output.note("\(nodes.count) nodes exported" + (ephemerals > 0 ? ", \(ephemerals) ephemeral ones left out" : ""))
        let hidden = nodes.filter(\.hidesDigests).count
        if hidden > 0 {
            Output.note(
                "warning: \(hidden) access lists hide their digests from this session; log in as their owner or as the super user (--auth-file), or import with --open"
            )
        }
    }

    private static func collect(_ root: String, _ client: ZooKeeperClient) async throws -> (nodes: [ExportedNode], ephemerals: Int) {
        var nodes: [ExportedNode] = []
        var ephemerals = 0
        var level = [root]
        while !level.isEmpty {
            let visits = try await spread(level) { try await visit($0, root, client) }
            var next: [String] = []
            for (path, visit) in zip(level, visits) {
                if visit.isEphemeral { ephemerals += 1 }
                guard let node = visit.node else { continue }
                nodes.append(node)
                next += visit.children.map { childPath(path, $0) }
            }
            level = next
        }
        return (nodes, ephemerals)
    }

    /// Reads one node; leaves out nodes that go meanwhile, ephemeral ones and the server's own.
    private static func visit(_ path: String, _ root: String, _ client: ZooKeeperClient) async throws -> Visit {
        guard path != "/zookeeper" || root == path else { return Visit() }
        do {
            async let content = client.get(path)
            async let list = client.acl(path)
            async let names = client.children(path)
            let (data, stat) = try await content
            guard stat.ephemeralOwner == 0 else {
                _ = try await (list, names)
                return Visit(isEphemeral: true)
            }
            let relative = path == root ? "" : String(path.dropFirst(root == "/" ? 0 : root.count))
            return Visit(node: ExportedNode(path: relative, data: data, acl: try await list.acl), children: try await names.sorted())
        } catch let failure as ZooKeeperFailure where failure.code == .noNode && path != root { return Visit() }
    }
}

struct CoordImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Create a subtree from JSON.",
        discussion: """
            EXAMPLES
              platform coord import app.json
              platform coord import app.json --at /copy --overwrite
              platform coord export /app | platform coord import - --server zookeeper.example:2181
            """)
    @Argument(help: "The file that `export` wrote; - reads stdin.") var file: String
    @Option(name: .long, help: ArgumentHelp("Where to put the root; where it was exported from if not given.", valueName: "path")) var at:
        String?
    @Flag(name: .long, help: "Replace data and lists of nodes that exist; otherwise they end the import before anything is changed.")
    var overwrite = false
    @Flag(name: .long, help: "Let anybody do anything with the nodes, whatever lists were exported.") var open = false
    @OptionGroup var server: CoordServerOptions

    func run() async throws {
        let tree = try read()
        let root = at ?? tree.root
        let targets = try tree.nodes.map { node throws(CommandFailure) -> (path: String, data: Bytes?, acl: [ACLRecord]) in
            guard let rights = open ? ZooKeeperClient.openACL : node.rights else {
                throw damaged("the access list of '\(node.path)' cannot be read")
            }
            return (Self.join(root, node.path), node.bytes, rights)
        }
        let hidden = tree.nodes.filter(\.hidesDigests).count
        if hidden > 0, !open {
            throw CommandFailure(
                .failed, "nothing was imported", why: "\(hidden) access lists hide their digests: nobody could log in to these nodes",
                next: "export again as their owner (--auth-file), or import with --open")
        }
        let (overwrite, levels) = (overwrite, Self.levels(targets))
        try await server.withClient("cannot import to \(root)") { client in
            try await Self.makeParents(of: root, client)
            if !overwrite { try await Self.refuseExisting(targets.map(\.path), client) }
            for level in levels { _ = try await spread(level) { try await Self.put($0, client) } }
        }
        Output.note("\(targets.count) nodes imported to \(root)")
    }

    private func damaged(_ why: String) -> CommandFailure {
        CommandFailure(.corrupt, "\(file) cannot be imported", why: why, next: "make the file anew with `platform coord export`")
    }

    private func read() throws(CommandFailure) -> ExportedTree {
        let data: Data
        if file == "-" {
            data = Foundation.FileHandle.standardInput.readDataToEndOfFile()
        } else {
            do { data = try Data(contentsOf: URL(fileURLWithPath: file)) } catch {
                throw CommandFailure(
                    .usage, "cannot read \(file)", why: error.localizedDescription, next: "name a file that `platform coord export` wrote")
            }
        }
        let tree: ExportedTree
        do { tree = try JSONDecoder().decode(ExportedTree.self, from: data) } catch {
            throw damaged(Self.reason(error))
        }
        guard tree.format == ExportedTree.format, tree.version == 1 else {
            throw damaged("its format is \(tree.format), version \(tree.version); this program reads \(ExportedTree.format), version 1")
        }
        return tree
    }

    /// The place where the JSON is not that of an export, as far as known.
    private static func reason(_ error: any Error) -> String {
        func at(_ context: DecodingError.Context) -> String {
            context.codingPath.isEmpty
                ? "" : " at " + context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        return switch error {
        case DecodingError.keyNotFound(let key, let context): "it is not an export: '\(key.stringValue)' is missing\(at(context))"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "it is not an export: a value of another kind was expected\(at(context))"
        default: "it is not JSON"
        }
    }

    private static func join(_ root: String, _ path: String) -> String {
        path.isEmpty || path == "/" ? root : root == "/" ? path : root + path
    }

    private typealias Target = (path: String, data: Bytes?, acl: [ACLRecord])

    /// Nodes of one depth can be created side by side; their parents come first.
    private static func levels(_ targets: [Target]) -> [[Target]] {
        var levels: [Int: [Target]] = [:]
        for target in targets { levels[target.path == "/" ? 0 : target.path.split(separator: "/").count, default: []].append(target) }
        return levels.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func makeParents(of root: String, _ client: ZooKeeperClient) async throws {
        var path = ""
        for part in root.split(separator: "/").dropLast() {
            path += "/" + part
            if try await client.exists(path) == nil { _ = try await client.create(path, Bytes()) }
        }
    }

    private static func refuseExisting(_ paths: [String], _ client: ZooKeeperClient) async throws {
        // The root of every tree exists; the exported root's content goes into it.
        let found = try await spread(paths.filter { $0 != "/" }) { try await client.exists($0) == nil ? nil : $0 }.compactMap { $0 }
        guard let first = found.first else { return }
        throw CommandFailure(
            .failed, "nothing was imported", why: "\(found.count) of the nodes exist already, \(first) first",
            next: "choose another place with --at, or replace them with --overwrite")
    }

    /// Creates a node, or replaces the existing one.
    private static func put(_ target: Target, _ client: ZooKeeperClient) async throws {
        if target.path == "/" { return }
        do { _ = try await client.create(target.path, target.data, acl: target.acl) } catch let failure as ZooKeeperFailure
            where failure.code == .nodeExists
        {
            _ = try await client.set(target.path, target.data)
            _ = try await client.setACL(target.path, target.acl)
        }
    }
}
