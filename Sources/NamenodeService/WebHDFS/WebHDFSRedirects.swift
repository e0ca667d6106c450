// Operations on data: the namenode checks the request and sends the client to a datanode, by 307 or as a Location in JSON.
import Base
import DFSCore
import HadoopNet
import HadoopWire
import NetKit

enum WebHDFSRedirects {
    @Sendable static func open(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller) = (call.path, namenode.caller(call.user))
        let offset = try call.integer("offset", in: 0...Int64.max) ?? 0
        let holders = try await namenode.look { machine, soft in
            let inode = try Namenode.find(path, caller, in: machine)
            guard let file = inode.file else { throw DFSRefusal.isDirectory(path) }
            try machine.namespace.check(caller, .read, inode)
            guard offset <= file.lengthBytes else {
                throw DFSRefusal.notPossible("Offset=\(offset) out of the range [0, \(file.lengthBytes)]; OPEN, path=\(path)")
            }
            var start: Int64 = 0
            for block in file.blocks {
                if offset < start + block.lengthBytes { return soft.board.locations(block).nodes.map(\.uuid) }
                start += block.lengthBytes
            }
            return []
        }
        return try await redirect(call, namenode, preferring: holders)
    }

    @Sendable static func create(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, overwrite) = (call.path, try call.flag("overwrite") ?? false)
        _ = try call.permission(0o644)
        _ = try call.integer("blocksize", in: 1 << 20...1 << 40)
        _ = try call.integer("replication", in: 1...512)
        let caller = namenode.caller(call.user)
        try await namenode.look { machine, _ in
            guard let parts = FilePath.components(path) else { throw DFSRefusal.invalidPath(path) }
            try machine.namespace.checkTraverse(caller, parts)
            if let there = machine.namespace.lookup(parts), there.isDirectory || !overwrite {
                // A caller without write access learns nothing of the directory's content.
                if let parent = machine.namespace.inode(there.parent) { try machine.namespace.check(caller, .write, parent) }
                throw DFSRefusal.exists(path)
            }
        }
        return try await redirect(call, namenode)
    }

    @Sendable static func append(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller) = (call.path, namenode.caller(call.user))
        try await namenode.look { machine, _ in
            let inode = try Namenode.find(path, caller, in: machine)
            guard inode.file != nil else { throw DFSRefusal.isDirectory(path) }
            try machine.namespace.check(caller, .write, inode)
        }
        return try await redirect(call, namenode)
    }

    private static func redirect(_ call: WebHDFSCall, _ namenode: Namenode, preferring holders: [String] = []) async throws -> HTTPReply {
        let found = try await namenode.look { _, soft in
            let alive = soft.board.datanodes.filter(\.isAlive).map(\.record)
            let chosen = alive.first { holders.contains($0.uuid) } ?? soft.board.targets(1, excluding: [], near: "", bytes: 0).first
            return chosen.map { HostPort($0.address, Int($0.infoPort)) }
        }
        guard let datanode = found else {
            throw JavaException(JavaException.io, "Failed to find datanode, suggest to check cluster health. excludeDatanodes=null")
        }
        let query = call.http.query.filter { $0.name.lowercased() != "noredirect" }
            .map { "\($0.name.percentEncoded())=\($0.value.percentEncoded())" }.joined(separator: "&")
        let location =
            "\(namenode.settings.tls == nil ? "http" : "https")://\(datanode)\(WebHDFSCall.prefix)\(call.path.percentEncoded(keeping: "/"))?\(query)"
        if call.http.parameter("noredirect")?.lowercased() == "true" { return .json(200, "{\"Location\":\(JSONText.quoted(location))}") }
        return HTTPReply(307, headers: [("Location", location)])
    }
}
