// Operations on access lists and extended attributes. Texts as Hadoop's shell writes them: `default:user:ann:rwx`, values quoted, 0x or 0s.
import Base
import DFSCore
import Foundation
import HadoopNet
import HadoopWire
import NetKit

enum WebHDFSAccess {
    // MARK: access lists

    private static func letters(_ bits: Int16) -> String {
        (bits & 4 != 0 ? "r" : "-") + (bits & 2 != 0 ? "w" : "-") + (bits & 1 != 0 ? "x" : "-")
    }

    private static func text(_ entry: AccessEntry) -> String {
        let kind =
            switch entry.kind {
            case .user: "user"
            case .group: "group"
            case .mask: "mask"
            case .other: "other"
            }
        return (entry.isDefault ? "default:" : "") + "\(kind):\(entry.name):\(letters(entry.bits))"
    }

    /// `needsBits`: whether entries carry a permission.
    private static func entry(_ text: Substring, needsBits: Bool) throws -> AccessEntry {
        var parts = text.pieces(at: ":")
        var entry = AccessEntry()
        if parts.first == "default" {
            entry.isDefault = true
            parts.removeFirst()
        }
        switch parts.first {
        case "user": entry.kind = .user
        case "group": entry.kind = .group
        case "mask": entry.kind = .mask
        case "other": entry.kind = .other
        default: throw WebHDFSCall.invalid("aclspec", "\"\(text)\" begins with no kind of entry")
        }
        entry.name = parts.count > 1 ? String(parts[1]) : ""
        guard needsBits else { return entry }
        guard parts.count == 3, parts[2].utf8.count == 3, parts[2].allSatisfy({ "rwx-".contains($0) }) else {
            throw WebHDFSCall.invalid("aclspec", "\"\(text)\" has no permission like r-x")
        }
        for (letter, bit) in [("r", Int16(4)), ("w", 2), ("x", 1)] where parts[2].contains(letter) { entry.bits |= bit }
        return entry
    }

    static func change(_ change: AccessListChange) -> @Sendable (WebHDFSCall, Namenode) async throws -> HTTPReply {
        { call, namenode in
            var entries: [AccessEntry] = []
            if change != .removeDefaults, change != .removeAll {
                entries = try call.text("aclspec").pieces(at: ",", keepsEmpty: false).map { try entry($0, needsBits: change != .remove) }
            }
            try await namenode.execute(.name(.changeACL(path: call.path, change, entries, namenode.caller(call.user))))
            return HTTPReply(200)
        }
    }

    @Sendable static func status(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller, superUser) = (call.path, namenode.caller(call.user), namenode.settings.superUser)
        let text = try await namenode.look { machine, _ in
            let inode = try Namenode.find(path, caller, in: machine)
            let entries = (inode.extras?.acl.entries ?? []).map { JSONText.quoted(Self.text($0)) }.joined(separator: ",")
            let owner = JSONText.quoted(inode.owner.isEmpty ? superUser : inode.owner)
            return
                "{\"AclStatus\":{\"entries\":[\(entries)],\"group\":\(JSONText.quoted(inode.group)),\"owner\":\(owner),\"permission\":\"\(String(inode.permission, radix: 8))\",\"stickyBit\":\(inode.isSticky)}}"
        }
        return .json(200, text)
    }

    // MARK: extended attributes

    private static let spaces = ["user", "trusted", "security", "system", "raw"]

    private static func named(_ text: String) throws -> (space: Int8, name: String) {
        let parts = text.pieces(at: ".", maxSplits: 1, keepsEmpty: false)
        guard parts.count == 2, let space = spaces.firstIndex(of: parts[0].lowercased()) else {
            throw WebHDFSCall.invalid("xattr.name", "\"\(text)\" begins with no namespace")
        }
        return (Int8(space), String(parts[1]))
    }

    private static func value(_ text: String) throws -> Bytes {
        if text.utf8.starts(with: "0x".utf8) {
            let digits = Array(text.utf8.dropFirst(2))
            guard digits.count % 2 == 0 else { throw WebHDFSCall.invalid("xattr.value", "an odd number of hexadecimal digits") }
            var bytes = Bytes()
            for place in stride(from: 0, to: digits.count, by: 2) {
                guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else {
                    throw WebHDFSCall.invalid("xattr.value", "no hexadecimal digits")
                }
                bytes.writeInteger(byte)
            }
            return bytes
        }
        if text.utf8.starts(with: "0s".utf8) {
            guard let data = Data(base64Encoded: String(decoding: text.utf8.dropFirst(2), as: UTF8.self)) else {
                throw WebHDFSCall.invalid("xattr.value", "no base64")
            }
            return Bytes(bytes: data)
        }
        let raw = Array(text.utf8)
        let isQuoted = raw.count >= 2 && raw.first == UInt8(ascii: "\"") && raw.last == UInt8(ascii: "\"")
        return Bytes(bytes: isQuoted ? Array(raw[1..<raw.count - 1]) : raw)
    }

    @Sendable static func setAttribute(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (space, name) = try named(try call.text("xattr.name"))
        let flags: Int64
        switch try call.text("flag").uppercased() {
        case "CREATE": flags = 1
        case "REPLACE": flags = 2
        default: flags = 3
        }
        let attribute = ExtendedAttribute(space: space, name: name, value: try value(call.http.parameter("xattr.value") ?? ""))
        try await namenode.execute(.name(.setAttribute(path: call.path, attribute, flags: flags, namenode.caller(call.user))))
        return HTTPReply(200)
    }

    @Sendable static func removeAttribute(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (space, name) = try named(try call.text("xattr.name"))
        try await namenode.execute(
            .name(
                .removeAttribute(path: call.path, ExtendedAttribute(space: space, name: name, value: Bytes()), namenode.caller(call.user))))
        return HTTPReply(200)
    }

    private static func visible(_ call: WebHDFSCall, _ namenode: Namenode, values: Bool) async throws -> [XAttrMessage] {
        var request = XAttrsRequest()
        request.path = call.path
        let rpc = RPCCall(user: RPCCaller(user: call.user, peer: HostPort("", 0)), caller: namenode.caller(call.user), retry: nil)
        if values { return try await AttributeMethods.getXAttrs(request, rpc, namenode).elements }
        var path = PathRequest()
        path.path = call.path
        return try await AttributeMethods.listXAttrs(path, rpc, namenode).elements
    }

    private static func fullName(_ message: XAttrMessage) -> String { "\(spaces[Int(message.space.rawValue)]).\(message.name)" }

    @Sendable static func attributes(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let wanted = try call.http.query.filter { $0.name.lowercased() == "xattr.name" && !$0.value.isEmpty }.map { try named($0.value) }
        let encoding = (call.http.parameter("encoding") ?? "text").lowercased()
        var found = try await visible(call, namenode, values: true)
        if !wanted.isEmpty {
            found = try wanted.map { space, name in
                guard let one = found.first(where: { $0.space.rawValue == UInt32(space) && $0.name.utf8.elementsEqual(name.utf8) }) else {
                    throw DFSRefusal.notPossible("At least one of the attributes provided was not found.")
                }
                return one
            }
        }
        let list = found.map { message in
            let value = message.value ?? Bytes()
            let text: String =
                switch encoding {
                case "hex": "0x" + value.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                case "base64": "0s" + Data(value.readableBytesView).base64EncodedString()
                default: "\"\(value.text)\""
                }
            return "{\"name\":\(JSONText.quoted(fullName(message))),\"value\":\(JSONText.quoted(text))}"
        }
        return .json(200, "{\"XAttrs\":[\(list.joined(separator: ","))]}")
    }

    @Sendable static func attributeNames(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let names = try await visible(call, namenode, values: false).map { JSONText.quoted(fullName($0)) }
        return .json(200, "{\"XAttrNames\":\(JSONText.quoted("[" + names.joined(separator: ",") + "]"))}")
    }
}
