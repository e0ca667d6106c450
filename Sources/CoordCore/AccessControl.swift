// Rights on nodes. One table names the right of each operation; an entry of the node's list grants it to sessions with a matching
// identity. Source: ZooKeeper's programmer's guide, "Access Control Lists".
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

    /// By their bytes: names that look alike are two.
    package static func == (left: Identity, right: Identity) -> Bool {
        left.scheme.hasSameBytes(as: right.scheme) && left.id.hasSameBytes(as: right.id)
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(scheme))
        hasher.combine(ExactText(id))
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&scheme)
        try io.string(&id)
    }
    /// A client's address; one of IPv4 is the same whatever socket it came over.
    package static func address(_ host: String) -> Identity {
        guard let address = IPNetwork.bytes(host[...]).map(IPNetwork.plain), address.count == 4 else {
            return Identity(scheme: "ip", id: host)
        }
        return Identity(scheme: "ip", id: address.map { "\($0)" }.joined(separator: "."))
    }

    /// The bytes of its texts.
    package var byteCount: Int { scheme.utf8.count + id.utf8.count }
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
        guard wanted.scheme.hasSameBytes(as: own.scheme) else { return false }
        return wanted.scheme == "ip" ? addressMatches(wanted.id, own.id) : wanted.id.hasSameBytes(as: own.id)
    }

    /// Brings a client's list into the stored form: `auth` becomes the caller's own identities, unknown schemes and empty lists are not
    /// accepted.
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
                guard right.identity.id.pieces(at: ":").count == 2 else { return nil }
                result.append(right)
            case "ip":
                guard IPNetwork(right.identity.id) != nil else { return nil }
                result.append(right)
            case "sasl": result.append(right)
            case "x509":
                guard right.identity.id.utf8.contains(UInt8(ascii: "=")) else { return nil }
                result.append(right)
            default: return nil
            }
        }
        guard result.count > 1 else { return result.isEmpty ? nil : result }
        // Asked for each entry, never walked.
        var seen = Set<AccessRight>(minimumCapacity: result.count)
        return result.filter { seen.insert($0).inserted }
    }

    /// Whether the list that `normalised` makes is one that a server takes: each `auth` stands for all that the caller has proved to be.
    package static func isBounded(_ list: [AccessRight], by identities: [Identity]) -> Bool {
        let own = identities.filter { authenticating.contains($0.scheme) }
        let ownBytes = own.reduce(0) { $0 + $1.byteCount }
        var (entries, bytes) = (0, 0)
        for right in list {
            let isAuth = right.identity.scheme.hasSameBytes(as: "auth")
            entries += isAuth ? own.count : 1
            bytes += isAuth ? ownBytes : right.identity.byteCount
        }
        return list.count <= entriesMax && entries <= entriesMax && bytes <= bytesMax
    }

    /// Entries of a node's list, and bytes of their texts: a list is looked through at each access, and stands in the node's row.
    package static let entriesMax = 1000
    package static let bytesMax = 256 << 10

    /// Schemes with proof of identity; an address proves nothing.
    private static let authenticating: Set<String> = ["digest", "sasl", "x509"]

    private static func addressMatches(_ wanted: String, _ own: String) -> Bool {
        guard let network = IPNetwork(wanted), let address = IPNetwork.bytes(own[...]) else { return wanted.hasSameBytes(as: own) }
        return network.contains(IPNetwork.plain(address))
    }
}

/// `address` or `address/bits`, of IPv4 or IPv6.
struct IPNetwork {
    private var address: [UInt8]
    private var bits: Int

    init?(_ text: String) {
        let parts = text.pieces(at: "/")
        guard (1...2).contains(parts.count), let address = Self.bytes(parts[0]) else { return nil }
        self.address = address
        bits = address.count * 8
        if parts.count == 2 {
            guard let told = Int(parts[1]), (0...bits).contains(told) else { return nil }
            bits = told
        }
        let plain = Self.plain(address)
        let dropped = (address.count - plain.count) * 8
        if bits >= dropped { (self.address, bits) = (plain, bits - dropped) }
    }

    func contains(_ other: [UInt8]) -> Bool {
        guard other.count == address.count else { return false }
        for (place, (mine, theirs)) in zip(address, other).enumerated() {
            let kept = min(8, max(0, bits - place * 8))
            if (mine ^ theirs) >> (8 - kept) != 0 { return false }
        }
        return true
    }

    static func bytes(_ text: Substring) -> [UInt8]? { text.utf8.contains(UInt8(ascii: ":")) ? six(text) : four(text) }

    /// The IPv4 address that IPv6 writes as `::ffff:10.0.0.1`; any other one as it is. A socket that listens for both shows clients in that
    /// form.
    static func plain(_ address: [UInt8]) -> [UInt8] { address.starts(with: mappedPrefix) ? Array(address.suffix(4)) : address }
    private static let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    private static func four(_ text: Substring) -> [UInt8]? {
        let parts = text.pieces(at: ".")
        let bytes = parts.compactMap { UInt8($0) }
        return parts.count == 4 && bytes.count == 4 ? bytes : nil
    }

    /// Eight groups of hex digits, of which one run of zeros may be left out as `::`; the last two may be an IPv4 address.
    private static func six(_ text: Substring) -> [UInt8]? {
        func groups(_ part: Substring) -> [UInt8]? {
            if part.isEmpty { return [] }
            var words = part.pieces(at: ":")
            let tail = words.last.flatMap { $0.utf8.contains(UInt8(ascii: ".")) ? four($0) : nil } ?? []
            if !tail.isEmpty { words.removeLast() }
            let numbers = words.compactMap { $0.utf8.count <= 4 ? UInt16($0, radix: 16) : nil }
            return numbers.count == words.count ? numbers.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] } + tail : nil
        }
        let bytes = Array(text.utf8)
        guard let place = bytes.indices.dropLast().first(where: { bytes[$0] == UInt8(ascii: ":") && bytes[$0 + 1] == UInt8(ascii: ":") })
        else { return groups(text).flatMap { $0.count == 16 ? $0 : nil } }
        let (front, back) = (text.droppingBytes(last: bytes.count - place), text.droppingBytes(first: place + 2))
        guard let head = groups(front), let tail = groups(back), head.count + tail.count <= 14 else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }
}
