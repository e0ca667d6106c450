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
            right.permissions.isSuperset(of: needed)
                && (right.identity == AccessRight.open.identity || identities.contains { matches(right.identity, $0) })
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
                let own = identities.filter { authenticating.contains($0.scheme) }
                guard !own.isEmpty else { return nil }
                result += own.map { AccessRight(right.permissions, scheme: $0.scheme, id: $0.id) }
            case "digest":
                guard right.identity.id.split(separator: ":", omittingEmptySubsequences: false).count == 2 else { return nil }
                result.append(right)
            case "ip":
                guard IPNetwork(right.identity.id) != nil else { return nil }
                result.append(right)
            case "sasl": result.append(right)
            case "x509":
                guard right.identity.id.contains("=") else { return nil }
                result.append(right)
            default: return nil
            }
        }
        var unique: [AccessRight] = []
        for right in result where !unique.contains(right) { unique.append(right) }
        return unique.isEmpty ? nil : unique
    }

    /// Schemes under which somebody proves who they are; an address proves nothing.
    private static let authenticating: Set<String> = ["digest", "sasl", "x509"]

    private static func addressMatches(_ wanted: String, _ own: String) -> Bool {
        guard let network = IPNetwork(wanted), let address = IPNetwork.bytes(own[...]) else { return wanted == own }
        return network.contains(address)
    }
}

/// `address` or `address/bits`, of IPv4 or IPv6.
struct IPNetwork {
    private var address: [UInt8]
    private var bits: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = Self.bytes(parts[0]) else { return nil }
        self.address = address
        bits = address.count * 8
        guard parts.count == 2 else { return }
        guard let bits = Int(parts[1]), (0...address.count * 8).contains(bits) else { return nil }
        self.bits = bits
    }

    func contains(_ other: [UInt8]) -> Bool {
        guard other.count == address.count else { return false }
        for (place, (mine, theirs)) in zip(address, other).enumerated() {
            let kept = min(8, max(0, bits - place * 8))
            if (mine ^ theirs) >> (8 - kept) != 0 { return false }
        }
        return true
    }

    static func bytes(_ text: Substring) -> [UInt8]? { text.contains(":") ? six(text) : four(text) }

    private static func four(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { UInt8($0) }
        return parts.count == 4 && bytes.count == 4 ? bytes : nil
    }

    /// Eight groups of hex digits, of which one run of zeros may be left out as `::`.
    private static func six(_ text: Substring) -> [UInt8]? {
        func groups(_ part: Substring) -> [UInt8]? {
            if part.isEmpty { return [] }
            let words = part.split(separator: ":", omittingEmptySubsequences: false)
            let numbers = words.compactMap { $0.count <= 4 ? UInt16($0, radix: 16) : nil }
            return numbers.count == words.count ? numbers.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] } : nil
        }
        guard let gap = text.firstRange(of: "::") else { return groups(text).flatMap { $0.count == 16 ? $0 : nil } }
        guard let head = groups(text[..<gap.lowerBound]), let tail = groups(text[gap.upperBound...]), head.count + tail.count <= 14 else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }
}
