// Verbs on owners, permissions, access lists, extended attributes and copies. Source: Hadoop's "FileSystem Shell" and "HDFS Permissions
// Guide".
import Base
import Clients
import HadoopWire
import NetKit

extension DFSVerb {
    static let attributes: [DFSVerb] = [
        DFSVerb(
            "chmod", "[-R] <mode> <path> ...", "Change permissions; modes in octal or letters.", flags: ["R"], operands: 2...Int.max,
            Owners.changeMode),
        DFSVerb(
            "chown", "[-R] [owner][:[group]] <path> ...", "Change the owner and the group.", flags: ["R"], operands: 2...Int.max,
            Owners.changeOwner),
        DFSVerb("chgrp", "[-R] <group> <path> ...", "Change the group.", flags: ["R"], operands: 2...Int.max, Owners.changeGroup),
        DFSVerb(
            "setrep", "[-R] [-w] <rep> <path> ...", "Change the number of copies of files.", flags: ["R", "w"], operands: 2...Int.max,
            Owners.setReplication),
        DFSVerb("getfacl", "[-R] <path>", "Show access lists.", flags: ["R"], AccessLists.show),
        DFSVerb(
            "setfacl", "[-R] [{-b|-k} {-m|-x <acl_spec>} <path>]|[--set <acl_spec> <path>]", "Change access lists.",
            flags: ["R", "b", "k", "m:", "x:", "set:"], AccessLists.change),
        DFSVerb(
            "getfattr", "[-R] {-n name | -d} [-e en] <path>", "Show extended attributes.", flags: ["R", "d", "n:", "e:"],
            ExtendedAttributes.show),
        DFSVerb(
            "setfattr", "{-n name [-v value] | -x name} <path>", "Set or remove an extended attribute.", flags: ["n:", "v:", "x:"],
            ExtendedAttributes.change),
    ]
}

private enum Owners {
    private static func each(_ call: VerbCall, _ body: (ShellPath, NamenodeProxy) async throws -> Void) async throws {
        try await call.eachPath(Array(call.operands.dropFirst())) { path in
            let namenode = try path.access.rpc(call.word).namenode
            guard call.has("R") else { return try await body(path, namenode) }
            try await call.eachBelow(path) { try await body($0, namenode) }
        }
    }

    @Sendable static func changeMode(_ call: VerbCall) async throws {
        let change = try ModeChange(call.operands[0], umask: try call.shell.umask())
        try await each(call) { path, namenode in
            guard let status = path.status else { return }
            let bits = change.applied(to: status.permission.bits, isDirectory: status.kind == .directory)
            if bits != status.permission.bits { try await namenode.setPermission(path.path, bits) }
        }
    }

    @Sendable static func changeOwner(_ call: VerbCall) async throws {
        let parts = call.operands[0].pieces(at: ":", maxSplits: 1).map(String.init)
        let (owner, group) = (parts[0], parts.count > 1 ? parts[1] : "")
        guard !(owner.isEmpty && group.isEmpty) else {
            throw ShellMisuse("'\(call.operands[0])' does not match expected pattern for [owner][:group].")
        }
        try await each(call) { path, namenode in
            try await namenode.setOwner(path.path, owner: owner.isEmpty ? nil : owner, group: group.isEmpty ? nil : group)
        }
    }

    @Sendable static func changeGroup(_ call: VerbCall) async throws {
        try await each(call) { path, namenode in try await namenode.setOwner(path.path, owner: nil, group: call.operands[0]) }
    }

    @Sendable static func setReplication(_ call: VerbCall) async throws {
        guard let copies = Int(call.operands[0]), copies >= 1 else { throw ShellMisuse("replication must be >= 1") }
        try await call.eachPath(Array(call.operands.dropFirst())) { path in
            let files = try path.access.rpc("setrep")
            try await call.eachBelow(path) { found in
                guard found.status?.kind == .file else { return }
                guard try await files.namenode.setReplication(found.path, copies) else {
                    throw ShellComplaint("Could not set replication for: \(found.shown)")
                }
                Output.line("Replication \(copies) set: \(found.shown)")
                if call.has("w") { try await wait(found, copies, files.namenode) }
            }
        }
    }

    private static func wait(_ path: ShellPath, _ copies: Int, _ namenode: NamenodeProxy) async throws {
        Output.raw(Bytes(string: "Waiting for \(path.shown) ..."))
        while try await !namenode.locations(path.path).blocks.allSatisfy({ $0.locations.count == copies }) {
            Output.raw(Bytes(string: "."))
            try await Task.sleep(for: .seconds(1))
        }
        Output.line(" done")
    }
}

/// A change of permission bits, in octal or in letters (`u+x,go-w`).
struct ModeChange: Equatable, Sendable {
    private enum Part: Equatable {
        case set(UInt32)
        case letters(who: UInt32, operation: Unicode.Scalar, bits: UInt32, executeIfAny: Bool, sticky: Bool)
    }
    private var parts: [Part] = []

    /// `umask` holds for letters without a subject.
    init(_ text: String, umask: UInt32) throws(ShellMisuse) {
        if let bits = UInt32(text, radix: 8), text.utf8.count <= 4, bits <= 0o1777 {
            parts = [.set(bits)]
            return
        }
        for word in text.pieces(at: ",") {
            guard let part = Self.part(word, umask) else {
                throw ShellMisuse("chmod : mode '\(text)' does not match the expected pattern.")
            }
            parts.append(part)
        }
    }

    private static func part(_ word: Substring, _ umask: UInt32) -> Part? {
        let scalars = Array(word.unicodeScalars)
        guard let place = scalars.firstIndex(where: { "+-=".unicodeScalars.contains($0) }) else { return nil }
        var who: UInt32 = 0
        for scalar in scalars[..<place] {
            switch scalar {
            case "u": who |= 0o700
            case "g": who |= 0o070
            case "o": who |= 0o007
            case "a": who |= 0o777
            default: return nil
            }
        }
        if place == 0 { who = 0o777 & ~umask }
        var (bits, isConditional, isSticky) = (UInt32(0), false, false)
        for scalar in scalars[(place + 1)...] {
            switch scalar {
            case "r": bits |= 0o444
            case "w": bits |= 0o222
            case "x": bits |= 0o111
            case "X": isConditional = true
            case "t": isSticky = true
            default: return nil
            }
        }
        return .letters(who: who, operation: scalars[place], bits: bits, executeIfAny: isConditional, sticky: isSticky)
    }

    func applied(to old: UInt32, isDirectory: Bool) -> UInt32 {
        parts.reduce(old) { now, part in
            switch part {
            case .set(let bits): return bits
            case .letters(let who, let operation, var bits, let isConditional, let isSticky):
                if isConditional, isDirectory || now & 0o111 != 0 { bits |= 0o111 }
                let (chosen, sticky) = (bits & who, isSticky ? UInt32(0o1000) : 0)
                switch operation {
                case "+": return now | chosen | sticky
                case "-": return now & ~(chosen | sticky)
                default: return now & ~who & 0o777 | chosen | (isSticky ? sticky : now & 0o1000)
                }
            }
        }
    }
}

private enum AccessLists {
    private static func letters(_ bits: UInt32) -> String {
        (bits & 4 != 0 ? "r" : "-") + (bits & 2 != 0 ? "w" : "-") + (bits & 1 != 0 ? "x" : "-")
    }

    private static let kinds: [(kind: ACLEntryMessage.Kind, name: String)] = [
        (.user, "user"), (.group, "group"), (.mask, "mask"), (.other, "other"),
    ]

    private static func text(_ entry: ACLEntryMessage) -> String {
        let kind = kinds.first { $0.kind == entry.kind }?.name ?? ""
        return (entry.scope == .defaults ? "default:" : "") + "\(kind):\(entry.name ?? ""):\(letters(entry.permissions))"
    }

    @Sendable static func show(_ call: VerbCall) async throws {
        try await call.eachPath { path in
            let namenode = try path.access.rpc("getfacl").namenode
            func one(_ path: ShellPath) async throws { try await show(path, namenode) }
            if call.has("R") { try await call.eachBelow(path, one) } else { try await one(path) }
        }
    }

    private static func show(_ path: ShellPath, _ namenode: NamenodeProxy) async throws {
        guard let status = path.status else { return }
        let list = try await namenode.accessList(path.path)
        Output.line("# file: \(path.shown)\n# owner: \(list.owner)\n# group: \(list.group)")
        let bits = status.permission.bits
        if bits & 0o1000 != 0 { Output.line("# flags: --" + (bits & 1 != 0 ? "t" : "T")) }
        let named = list.entries.filter { $0.scope == .access }
        Output.line("user::\(letters(bits >> 6 & 7))")
        if named.isEmpty {
            Output.line("group::\(letters(bits >> 3 & 7))")
        } else {
            for entry in named { Output.line(withEffect(entry, mask: bits >> 3 & 7)) }
            Output.line("mask::\(letters(bits >> 3 & 7))")
        }
        Output.line("other::\(letters(bits & 7))")
        let defaults = list.entries.filter { $0.scope == .defaults }
        let mask = defaults.first { $0.kind == .mask }?.permissions
        for entry in defaults { Output.line(mask.map { withEffect(entry, mask: $0) } ?? text(entry)) }
        Output.line("")
    }

    /// The effective bits of an entry, shown where the mask removes some.
    private static func withEffect(_ entry: ACLEntryMessage, mask: UInt32) -> String {
        let isMasked = entry.name != nil && entry.name != "" || entry.kind == .group
        let effective = entry.permissions & mask
        return text(entry) + (isMasked && effective != entry.permissions ? "\t#effective:\(letters(effective))" : "")
    }

    @Sendable static func change(_ call: VerbCall) async throws {
        let changes: [(method: String, spec: String?, hasBits: Bool)] = [
            call.has("b") ? ("removeAcl", nil, false) : nil, call.has("k") ? ("removeDefaultAcl", nil, false) : nil,
            call.values["m"].map { ("modifyAclEntries", $0, true) }, call.values["x"].map { ("removeAclEntries", $0, false) },
            call.values["set"].map { ("setAcl", $0, true) },
        ].compactMap { $0 }
        guard !changes.isEmpty else { throw ShellMisuse("Must specify one of -b, -k, -m, -x, --set") }
        let parsed = try changes.map { change in (change.method, try change.spec.map { try entries($0, hasBits: change.hasBits) } ?? []) }
        try await call.eachPath { path in
            let namenode = try path.access.rpc("setfacl").namenode
            func one(_ path: ShellPath) async throws {
                for (method, entries) in parsed {
                    // Files have no default entries.
                    let fitting =
                        path.status?.kind == .directory ? entries : call.has("R") ? entries.filter { $0.scope == .access } : entries
                    try await namenode.changeAccessList(method, path.path, fitting)
                }
            }
            if call.has("R") { try await call.eachBelow(path, one) } else { try await one(path) }
        }
    }

    private static func entries(_ spec: String, hasBits: Bool) throws(ShellMisuse) -> [ACLEntryMessage] {
        var entries: [ACLEntryMessage] = []
        for word in spec.pieces(at: ",") {
            var parts = word.pieces(at: ":").map(String.init)
            var entry = ACLEntryMessage()
            if parts.first == "default" {
                entry.scope = .defaults
                parts.removeFirst()
            }
            guard let kind = kinds.first(where: { $0.name == parts[0] })?.kind else {
                throw ShellMisuse("Invalid type of acl in <aclSpec> :\(word)")
            }
            guard parts.count >= (hasBits ? 3 : 1), parts.count <= 3 else { throw ShellMisuse("Invalid <aclSpec> : \(spec)") }
            entry.kind = kind
            if parts.count > 1, !parts[1].isEmpty { entry.name = parts[1] }
            if hasBits {
                let marks = Array(parts[2].unicodeScalars)
                guard marks.count == 3, zip(marks, "rwx".unicodeScalars).allSatisfy({ $0 == $1 || $0 == "-" }) else {
                    throw ShellMisuse("Invalid permission in <aclSpec> : \(word)")
                }
                entry.permissions = zip(marks, [4, 2, 1] as [UInt32]).reduce(0) { $0 | ($1.0 == "-" ? 0 : $1.1) }
            }
            entries.append(entry)
        }
        return entries
    }
}

private enum ExtendedAttributes {
    private static let spaces: [(space: XAttrMessage.Space, name: String)] = [
        (.user, "user"), (.trusted, "trusted"), (.security, "security"), (.system, "system"), (.raw, "raw"),
    ]

    private static func attribute(_ name: String) throws(ShellMisuse) -> XAttrMessage {
        let parts = name.pieces(at: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, let space = spaces.first(where: { $0.name == parts[0].lowercased() })?.space else {
            throw ShellMisuse("An XAttr name must be prefixed with user/trusted/security/system/raw, followed by a '.'")
        }
        var attribute = XAttrMessage()
        (attribute.space, attribute.name) = (space, parts[1])
        return attribute
    }

    @Sendable static func show(_ call: VerbCall) async throws {
        let name = call.values["n"]
        guard (name == nil) == call.has("d") else { throw ShellMisuse("Must specify '-n name' or '-d' option.") }
        let coding = (call.values["e"] ?? "text").lowercased()
        guard ["text", "hex", "base64"].contains(coding) else {
            throw ShellMisuse("Invalid/unsupported encoding option specified: \(coding)")
        }
        let wanted = try name.map { [try attribute($0)] } ?? []
        try await call.eachPath { path in
            let namenode = try path.access.rpc("getfattr").namenode
            func one(_ path: ShellPath) async throws {
                Output.line("# file: \(path.shown)")
                let found = try await namenode.attributes(path.path, wanted)
                for attribute in found { Output.line(text(attribute, coding)) }
            }
            if call.has("R") { try await call.eachBelow(path, one) } else { try await one(path) }
        }
    }

    private static func text(_ attribute: XAttrMessage, _ coding: String) -> String {
        let name = (spaces.first { $0.space == attribute.space }?.name ?? "") + "." + attribute.name
        guard let value = attribute.value, value.readableBytes > 0 else { return name }
        switch coding {
        case "hex": return name + "=0x" + value.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case "base64": return name + "=0s" + Base64.text(value)
        default: return name + "=\"\(value.text)\""
        }
    }

    @Sendable static func change(_ call: VerbCall) async throws {
        guard (call.values["n"] == nil) != (call.values["x"] == nil) else {
            throw ShellMisuse("Must specify one of '-n name' or '-x name' option.")
        }
        var attribute = try attribute(call.values["n"] ?? call.values["x"] ?? "")
        if call.values["n"] != nil { attribute.value = try call.values["v"].map(value) ?? Bytes() }
        let (change, removes) = (attribute, call.values["x"] != nil)
        try await call.eachPath { path in
            let namenode = try path.access.rpc("setfattr").namenode
            if removes { try await namenode.removeAttribute(path.path, change) } else { try await namenode.setAttribute(path.path, change) }
        }
    }

    /// `0x` begins hexadecimal, `0s` base64; quotes enclose text.
    private static func value(_ text: String) throws(ShellMisuse) -> Bytes {
        if text.beginsWithBytes(of: "0x") || text.beginsWithBytes(of: "0X") {
            let digits = Array(text.utf8.dropFirst(2)).compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
            guard digits.count == text.utf8.count - 2, digits.count % 2 == 0 else { throw ShellMisuse("\(text) is no hexadecimal number") }
            return Bytes(bytes: stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
        }
        if text.beginsWithBytes(of: "0s") || text.beginsWithBytes(of: "0S") {
            guard let bytes = Base64.bytes(String(text.droppingBytes(first: 2))) else { throw ShellMisuse("\(text) is no base64") }
            return bytes
        }
        let isQuoted = text.utf8.count >= 2 && text.beginsWithBytes(of: "\"") && text.endsWithBytes(of: "\"")
        return Bytes(string: isQuoted ? String(text.droppingBytes(first: 1, last: 1)) : text)
    }
}
