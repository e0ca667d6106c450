// Connections between the replicas of one service. Each replica dials every other and sends on the connection that it made, so messages
// go one way and keep their order. A broken link is dialled again; messages under way are lost, which the replicas repair. Peers come and
// go: peers in the settings, peers that the owner names later, and guests who introduced themselves. Everything happens on the loop.
import Base
import Logging

/// The addresses of an ensemble's replicas.
package struct PeerLinkSettings: Sendable {
    /// A replica's number in the ensemble, from 1 on, and its address for peers.
    package struct Peer: Sendable, Equatable {
        package var id: Int64
        package var address: HostPort
        package init(id: Int64, address: HostPort) {
            self.id = id
            self.address = address
        }
    }
    package var id: Int64
    /// This replica's bind address; the others dial its entry in `peers`.
    package var listen: HostPort
    package var peers: [Peer]
    /// If set, both sides show certificates.
    package var tls: TLSSettings?
    /// The service's name, so that a broker's replica is never taken for a coord's.
    package var service: String

    package init(id: Int64, listen: HostPort, peers: [Peer], service: String) {
        self.id = id
        self.listen = listen
        self.peers = peers
        self.service = service
    }
}

/// Callbacks to the owner of the links; on the loop.
package struct PeerLinkEvents {
    /// A whole frame, in the peer's order.
    package var onFrame: (Bytes, Int64) -> Void = { _, _ in }
    package var onConnected: (Int64) -> Void = { _ in }
    package var onDisconnected: (Int64) -> Void = { _ in }
    /// Serves a stream that a peer opened; nil refuses it.
    package var onStream: (FrameConnection, Int64) -> (any FrameSession)? = { _, _ in nil }
    package init() {}
}

/// The links of one replica.
package final class PeerLinks: @unchecked Sendable {
    // Safe to share: everything but `settings` is touched on the loop only; `listener` is set before the links are handed out.
    private let settings: PeerLinkSettings
    private let loop: NIOServiceLoop
    private let log: Logger
    private var listener: FrameListener?
    private var outbound: [Int64: FrameConnection] = [:]
    private var inbound: [Int64: PeerInbound] = [:]
    private var failures: [Int64: Int] = [:]
    /// Possible addresses of each peer: from the owner, from the settings at the start, and from the peer itself.
    private var members: [Int64: HostPort] = [:]
    private var guests: [Int64: HostPort] = [:]
    /// Peers that are being dialled, or connected.
    private var dialled: Set<Int64> = []
    private var group: Int64 = 0
    private var isConnecting = false
    private var stopped = false
    package var events = PeerLinkEvents()

    /// The largest frame between replicas, in bytes: a part of a promise, with one command beyond its limit.
    private static let frameBytesMax = 48 << 20
    /// Unsent bytes above which frames to a peer are dropped: the peer, or its line, has stopped.
    private static let unsentBytesMax = 64 << 20
    private static let helloMagic: UInt32 = 0x504c_5432
    private static let helloBytesMax = 512
    /// Limit of guests: peers named only by themselves.
    private static let guestsMax = 16
    /// Limit of dials to a guest that does not answer.
    private static let guestFailuresMax = 20
    /// The suffix of the service's name in the introduction of a stream.
    private static let streamMark = "/stream"
    /// The largest answer on a stream, in bytes.
    private static let streamFrameBytesMax = 160 << 20

    private init(_ settings: PeerLinkSettings, _ loop: NIOServiceLoop, _ log: Logger) {
        self.settings = settings
        self.loop = loop
        self.log = log
    }

    /// A peer is trusted if the authority of client certificates signed its certificate as well.
    private var trust: TLSTrust? {
        settings.tls.map { tls in
            TLSTrust(
                roots: tls.authorityFile.map { .authorities(file: $0) } ?? .exactly(certificateFile: tls.certificateFile),
                certificateFile: tls.certificateFile, keyFile: tls.keyFile)
        }
    }

    private static var limits: FrameLimits {
        var limits = FrameLimits(frameBytesMax: frameBytesMax, firstFrameBytesMax: helloBytesMax)
        limits.outboundBytesMax = unsentBytesMax
        limits.connectionsMax = 64
        return limits
    }

    /// Listens for peers; `connect` begins to dial them. Throws `ListenError`.
    package static func listen(_ settings: PeerLinkSettings, loop: NIOServiceLoop, log: Logger) async throws -> PeerLinks {
        let links = PeerLinks(settings, loop, log)
        links.listener = try await FrameListener.bind(settings.listen, loop: loop, limits: limits, tls: settings.tls, log: log) { frames in
            PeerInbound(frames, links)
        }
        return links
    }

    package var address: HostPort { listener?.address ?? settings.listen }

    /// Dials every peer, on the loop, and again when a link breaks.
    package func connect() {
        isConnecting = true
        for id in wanted { begin(id) }
    }

    /// Takes the members of the owner's group, and the group's number: peers of another group are refused. On the loop.
    package func follow(_ peers: [PeerLinkSettings.Peer], group: Int64) {
        self.group = group
        members = Dictionary(peers.map { ($0.id, $0.address) }, uniquingKeysWith: { $1 })
        guard isConnecting else { return }
        for id in wanted { begin(id) }
    }

    private var wanted: [Int64] { Set(settings.peers.map(\.id)).union(members.keys).union(guests.keys).subtracting([settings.id]).sorted() }

    /// An address of a peer, a different one each time.
    private func address(of id: Int64) -> HostPort? {
        var places: [HostPort] = []
        for place in [members[id], settings.peers.first { $0.id == id }?.address, guests[id]] {
            if let place, !places.contains(place) { places.append(place) }
        }
        return places.isEmpty ? nil : places[failures[id, default: 0] % places.count]
    }

    private func begin(_ id: Int64) {
        guard dialled.insert(id).inserted else { return }
        dial(id)
    }

    private func dial(_ id: Int64) {
        let isGuest = members[id] == nil && !settings.peers.contains { $0.id == id }
        if isGuest, failures[id, default: 0] >= Self.guestFailuresMax { guests[id] = nil }
        guard !stopped, let address = address(of: id) else {
            dialled.remove(id)
            failures[id] = nil
            return
        }
        let peer = PeerLinkSettings.Peer(id: id, address: address)
        Task {
            do {
                try await FrameClient.connect(peer.address, loop: loop, limits: Self.limits, timeout: .seconds(2), tls: trust) { frames in
                    PeerOutbound(frames, self, peer)
                }
            } catch { loop.execute { self.redial(peer) } }
        }
    }

    /// Dials again after a delay, longer each time, up to half a second.
    private func redial(_ peer: PeerLinkSettings.Peer) {
        let count = failures[peer.id, default: 0]
        failures[peer.id] = count + 1
        if count == 20 {
            log.warning("a peer has not been reached for some seconds", metadata: ["peer": "\(peer.id)", "address": "\(peer.address)"])
        }
        loop.schedule(after: .milliseconds(min(500, 25 << min(count, 5)))) { self.dial(peer.id) }
    }

    /// Sends a frame, or drops it if there is no link or the peer does not read the earlier ones.
    package func send(_ frame: Bytes, to peer: Int64) {
        guard let link = outbound[peer], link.isPeerTaking else { return }
        link.send(frame)
    }

    /// Opens a separate connection to a peer, for requests and answers beside the log, so that bulk data does not delay decisions.
    /// `session`, which serves the connection, and `failed` run on the loop, as this call must.
    package func openStream(
        to peer: Int64, session: @escaping @Sendable (FrameConnection) -> any FrameSession, failed: @escaping @Sendable () -> Void
    ) {
        guard let address = address(of: peer) else { return loop.execute { failed() } }
        var limits = FrameLimits(frameBytesMax: Self.streamFrameBytesMax)
        limits.outboundBytesMax = Self.unsentBytesMax
        Task { [limits] in
            do {
                try await FrameClient.connect(address, loop: loop, limits: limits, timeout: .seconds(2), tls: trust) { frames in
                    frames.send(self.hello(to: peer, Self.streamMark))
                    return session(frames)
                }
            } catch { loop.execute { failed() } }
        }
    }

    private func hello(to peer: Int64, _ mark: String = "") -> Bytes {
        var hello = Bytes()
        hello.writeInteger(Self.helloMagic)
        hello.writeInteger(settings.id)
        hello.writeInteger(peer)
        hello.writeInteger(group)
        let own = "\(settings.peers.first { $0.id == settings.id }?.address ?? settings.listen)"
        hello.writeInteger(UInt8(clamping: own.utf8.count))
        hello.writeString(own)
        hello.writeString(settings.service + mark)
        return hello
    }

    fileprivate func opened(_ frames: FrameConnection, _ peer: PeerLinkSettings.Peer) {
        frames.send(hello(to: peer.id))
        failures[peer.id] = 0
        outbound[peer.id] = frames
        events.onConnected(peer.id)
    }

    fileprivate func lost(_ frames: FrameConnection, _ peer: PeerLinkSettings.Peer) {
        guard outbound[peer.id] === frames else { return }
        outbound[peer.id] = nil
        events.onDisconnected(peer.id)
        redial(peer)
    }

    /// The purpose of a peer's connection, by its introduction; nil if it is not one of our peers.
    fileprivate func introduced(_ hello: Bytes, _ session: PeerInbound, _ frames: FrameConnection) -> PeerInbound.Purpose? {
        var hello = hello
        guard hello.readInteger(as: UInt32.self) == Self.helloMagic, let from = hello.readInteger(as: Int64.self),
            let to = hello.readInteger(as: Int64.self), let theirs = hello.readInteger(as: Int64.self),
            let length = hello.readInteger(as: UInt8.self),
            let place = hello.readString(length: Int(length)), let name = hello.readString(length: hello.readableBytes),
            name == settings.service || name == settings.service + Self.streamMark,
            to == settings.id, from != to, from > 0, theirs == 0 || group == 0 || theirs == group, admits(from, place, frames.remote)
        else {
            log.warning(
                "a connection to the peer port was refused: it is no replica of this ensemble, or one that knows other numbers for it")
            return nil
        }
        if name != settings.service { return events.onStream(frames, from).map { .stream($0) } }
        inbound[from]?.end()
        inbound[from] = session
        return .link(from)
    }

    /// Admits a peer that was not named before as a guest; it states its own address. Without certificates the statement is not trusted:
    /// then only the port is taken from it, and the host is the remote one.
    private func admits(_ id: Int64, _ place: String, _ remote: HostPort?) -> Bool {
        if var address = HostPort(parsing: place, defaultPort: -1), guests[id] != nil || guests.count < Self.guestsMax {
            if settings.tls == nil, let remote { address = HostPort(remote.host, address.port) }
            guests[id] = address
            begin(id)
        }
        return wanted.contains(id)
    }

    fileprivate func received(_ frame: Bytes, _ peer: Int64, _ session: PeerInbound) {
        if inbound[peer] === session { events.onFrame(frame, peer) }
    }

    fileprivate func left(_ peer: Int64, _ session: PeerInbound) {
        guard inbound[peer] === session else { return }
        inbound[peer] = nil
        events.onDisconnected(peer)
    }

    package func stop() async {
        await listener?.stopAccepting()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                self.stopped = true
                for link in self.outbound.values { link.close() }
                continuation.resume()
            }
        }
        await listener?.closeConnections()
    }
}

/// A connection made by a peer: it introduces itself, then it sends, or asks if it is a stream.
private final class PeerInbound: FrameSession {
    enum Purpose {
        case link(Int64)
        case stream(any FrameSession)
    }
    private let frames: FrameConnection
    private unowned let links: PeerLinks
    private var purpose: Purpose?

    init(_ frames: FrameConnection, _ links: PeerLinks) {
        self.frames = frames
        self.links = links
    }

    func received(_ frame: Bytes) {
        switch purpose {
        case .link(let peer): links.received(frame, peer, self)
        case .stream(let session): session.received(frame)
        case nil:
            purpose = links.introduced(frame, self, frames)
            if purpose == nil { frames.close() }
        }
    }

    func burstEnded() { if case .stream(let session) = purpose { session.burstEnded() } }

    func closed() {
        switch purpose {
        case .link(let peer): links.left(peer, self)
        case .stream(let session): session.closed()
        case nil: break
        }
    }
    func end() { frames.close() }
}

/// A connection made to a peer: it only sends.
private final class PeerOutbound: FrameSession {
    private let frames: FrameConnection
    private let links: PeerLinks
    private let peer: PeerLinkSettings.Peer

    init(_ frames: FrameConnection, _ links: PeerLinks, _ peer: PeerLinkSettings.Peer) {
        self.frames = frames
        self.links = links
        self.peer = peer
        links.opened(frames, peer)
    }

    func received(_ frame: Bytes) { frames.close() }
    func closed() { links.lost(frames, peer) }
}
