// Operations on data: the namenode checks what it can and sends the client to the datanode, by 307 or as a Location in JSON.
import Base
import DFSCore
import NetKit

enum WebHDFSRedirects {
    static func open(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let (path, caller) = (call.path, door.namenode.caller(call.user))
        let length = try await door.namenode.read { machine throws(DFSRefusal) in
            let inode = try Namenode.find(path, caller, in: machine)
            guard let file = inode.file else { throw .isDirectory(path) }
            try machine.namespace.check(caller, .read, inode)
            return file.lengthBytes
        }
        if let offset = try call.integer("offset", in: 0...Int64.max), offset > length {
            throw RemoteException.io("Offset=\(offset) out of the range [0, \(length)]; OPEN, path=\(path)")
        }
        return redirect(call, door)
    }

    static func create(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let (path, overwrite) = (call.path, try call.flag("overwrite") ?? false)
        _ = try DatanodeDoor.createOptions(call, door.namenode.settings)
        let caller = door.namenode.caller(call.user)
        try await door.namenode.read { machine throws(DFSRefusal) in
            guard let parts = FilePath.components(path) else { throw .invalidPath(path) }
            try machine.namespace.checkTraverse(caller, parts)
            if let there = machine.namespace.lookup(parts), there.isDirectory || !overwrite { throw .exists(path) }
        }
        return redirect(call, door)
    }

    static func append(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let (path, caller) = (call.path, door.namenode.caller(call.user))
        try await door.namenode.read { machine throws(DFSRefusal) in
            let inode = try Namenode.find(path, caller, in: machine)
            guard inode.file != nil else { throw .isDirectory(path) }
            try machine.namespace.check(caller, .write, inode)
        }
        return redirect(call, door)
    }

    private static func redirect(_ call: WebHDFSCall, _ door: NamenodeDoor) -> HTTPReply {
        let query = call.http.query.filter { $0.name.lowercased() != "noredirect" }
            .map { "\($0.name.percentEncoded())=\($0.value.percentEncoded())" }.joined(separator: "&")
        let location = "\(door.namenode.settings.tls == nil ? "http" : "https")://\(door.datanode)\(WebHDFSCall.prefix)\(call.path.percentEncoded(keeping: "/"))?\(query)"
        if call.http.parameter("noredirect")?.lowercased() == "true" { return .json(200, "{\"Location\":\(JSONText.quoted(location))}") }
        return HTTPReply(307, headers: [("Location", location)])
    }
}
