// Who may do what to a node. One table says which right each operation needs; a right is granted by an entry of the node's list
// that matches one of the session's identities. Source: ZooKeeper's programmer's guide, "Access Control Lists".
import Base

/// Bits of an access right.
package struct Permissions: OptionSet, Sendable, Hashable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }
    package static let read = Permissions(rawValue: 1)
    package static let write = Permissions(rawValue: 2)
    package static let create = Permissions(rawValue: 4)
    package static let delete = Permissions(rawValue: 8)
    package static let admin = Permissions(rawValue: 16)
    package static let all = Permissions(rawValue: 31)
}

/// Who a session is, under one scheme.
package struct Identity: WireLayout, Hashable {
    package var scheme = ""
    package var id = ""
    package init() {}
    package init(scheme: String, id: String) {
        self.scheme = scheme
        self.id = id
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&scheme)
        try io.string(&id)
    }
    /// The scheme of the operator's own account, which passes every check.
    package static let superScheme = "super"
}

/// An entry of an access list.
package struct AccessRight: WireLayout, Hashable {
    package var permissions = Permissions.all
    package var identity = Identity()
    package init() {}
    package init(_ permissions: Permissions, scheme: String, id: String) {
        self.permissions = permissions
        identity = Identity(scheme: scheme, id: id)
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var raw = permissions.rawValue
        try io.int32(&raw)
        permissions = Permissions(rawValue: raw)
        try io.nested(&identity)
    }
    /// Anyone may do anything.
    package static let open = AccessRight(.all, scheme: "world", id: "anyone")
}

package enum AccessControl {
    /// Whether any identity is granted `needed`.
    package static func allows(_ list: [AccessRight], _ needed: Permissions, to identities: [Identity]) -> Bool {
        if identities.contains(where: { $0.scheme == Identity.superScheme }) { return true }
        return list.contains { right in
            right.permissions.isSuperset(of: needed) && (right.identity == AccessRight.open.identity || identities.contains { matches(right.identity, $0) })
        }
    }

    private static func matches(_ wanted: Identity, _ own: Identity) -> Bool {
        guard wanted.scheme == own.scheme else { return false }
        return wanted.scheme == "ip" ? addressMatches(wanted.id, own.id) : wanted.id == own.id
    }

    /// Brings a client's list into the stored form: `auth` becomes the caller's own identities, unknown schemes and empty lists are not accepted.
    package static func normalised(_ list: [AccessRight], by identities: [Identity]) -> [AccessRight]? {
        var result: [AccessRight] = []
        for right in list {
            switch right.identity.scheme {
            case "world":
                guard right.identity.id == "anyone" else { return nil }
                result.append(right)
            case "auth":
                let own = identities.filter { $0.scheme == "digest" }
                guard !own.isEmpty else { return nil }
                result += own.map { AccessRight(right.permissions, scheme: $0.scheme, id: $0.id) }
            case "digest":
                guard right.identity.id.split(separator: ":", omittingEmptySubsequences: false).count == 2 else { return nil }
                result.append(right)
            case "ip":
                guard network(right.identity.id) != nil else { return nil }
                result.append(right)
            default: return nil
            }
        }
        var unique: [AccessRight] = []
        for right in result where !unique.contains(right) { unique.append(right) }
        return unique.isEmpty ? nil : unique
    }

    /// `a.b.c.d` or `a.b.c.d/bits`, IPv4.
    private static func network(_ text: String) -> (address: UInt32, bits: UInt32)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = address(parts[0]) else { return nil }
        guard parts.count == 2 else { return (address, 32) }
        guard let bits = UInt32(parts[1]), bits <= 32 else { return nil }
        return (address, bits)
    }

    private static func address(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part) else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    private static func addressMatches(_ wanted: String, _ own: String) -> Bool {
        guard let (network, bits) = network(wanted), let address = address(own[...]) else { return wanted == own }
        return bits == 0 || (address ^ network) >> (32 - bits) == 0
    }
}
