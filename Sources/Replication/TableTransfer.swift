// The takeover of a peer's tables by a replica that lags behind every available log: a consistent copy, sent in parts, resumed after a
// broken connection at the missing part, checked, and put in the place of its own. One transfer at a time in each direction.
import Base
import Consensus
import Storage

/// The state of both directions.
struct TableTransfer {
    /// The incoming copy.
    struct Incoming {
        var from: NodeID
        var slot = Slot.zero
        var offset: Int64 = 0
        var lastHeard: Instant
        /// Whether the last part is here and the copy is on its way into place.
        var isAdopting = false
    }
    /// The outgoing copy.
    struct Sending {
        var slot: Slot
        var bytes: Int64
        var madeAt: Instant
    }
    var incoming: Incoming?
    var sending: Sending?
    var isCopying = false
}

extension ReplicaHost {
    /// Bytes of one part of a copy.
    private static var chunkBytes: Int { 1 << 20 }
    /// How long to wait for a part before asking again.
    private static var patience: Duration { .seconds(2) }
    /// The age limit of a copy for another transfer.
    private static var copyAgeMax: Duration { .seconds(30) }

    /// Begins the transfer that the pump wants, and repeats requests for missing parts.
    func driveTransfer(_ now: Instant) {
        guard !damageIsSeen else { return }
        guard let peer = pump.wantsTablesOf else {
            if transfer.incoming?.isAdopting == false { transfer.incoming = nil }
            return
        }
        if var incoming = transfer.incoming {
            guard !incoming.isAdopting, now - incoming.lastHeard > Self.patience else { return }
            if incoming.from != peer { incoming = TableTransfer.Incoming(from: peer, lastHeard: now) }
            incoming.lastHeard = now
            transfer.incoming = incoming
        } else {
            let why = pump.awaitsTables ? "has no tables" : "lags behind the log of its peers"
            log.notice("this replica \(why) and takes over the tables of one", metadata: ["peer": "\(peer)"])
            transfer.incoming = TableTransfer.Incoming(from: peer, lastHeard: now)
        }
        requestNext()
    }

    private func requestNext() {
        guard let incoming = transfer.incoming else { return }
        send(.tablesRequest(slot: incoming.slot, offset: incoming.offset), to: incoming.from)
    }

    func takeChunk(_ slot: Slot, _ offset: Int64, _ total: Int64, _ bytes: Bytes, from peer: NodeID) {
        guard var incoming = transfer.incoming, incoming.from == peer, !incoming.isAdopting,
            offset == 0 || (slot == incoming.slot && offset == incoming.offset)
        else { return }
        // An old copy is of no use: a later one is requested if it is still wanted.
        guard pump.isServed(byTablesThrough: slot) else { return pump.dropTransfer() }
        incoming.slot = slot
        incoming.offset = offset + Int64(bytes.readableBytes)
        incoming.lastHeard = time.now()
        incoming.isAdopting = incoming.offset >= total
        let isLast = incoming.isAdopting
        transfer.incoming = incoming
        tableFile.writeIncoming(at: offset, bytes) { result in
            self.loop.execute {
                if case .failure(let error) = result { return self.abandonTransfer("the copy could not be written", error) }
                if isLast { self.adoptCopy() } else { self.requestNext() }
            }
        }
    }

    private func abandonTransfer(_ what: String, _ error: any Error) {
        log.error("\(what); the transfer begins anew", metadata: ["error": "\(error)"])
        transfer.incoming = nil
    }

    /// Waits for a save under way: rows of the old state must not be stored behind the new one.
    private func adoptCopy() {
        guard !isStopping, transfer.incoming?.isAdopting == true else { return }
        guard !saving.underWay else { return loop.schedule(after: .milliseconds(5)) { self.adoptCopy() } }
        saving.underWay = true
        // Execution stops until the copy is in place: the copy must not fall behind the state here.
        tableFile.adoptIncoming(from: pump.awaitsTables ? pump.applied : pump.applied.next) { result in
            self.loop.execute {
                self.saving.underWay = false
                switch result {
                case .failure(let error): self.abandonTransfer("the copy is not sound", error)
                case .success(nil):
                    self.transfer.incoming = nil
                    self.pump.dropTransfer()
                case .success(let loaded?):
                    self.transfer.incoming = nil
                    self.fail(self.pump.install(loaded.machine, loaded.ledger, through: loaded.applied, now: self.time.now()), .notLeading)
                    self.log.notice("the tables were taken over", metadata: ["slot": "\(loaded.applied)"])
                    self.tableDamage = nil
                    self.events.onInstalled()
                    self.scheduleSettle()
                }
            }
        }
    }

    // MARK: the sender's side

    func serveTables(_ slot: Slot, _ offset: Int64, to peer: NodeID) {
        guard !pump.awaitsTables, !damageIsSeen else { return }
        let now = time.now()
        if let sending = transfer.sending,
            sending.slot == slot
                || (slot == .zero && now - sending.madeAt < Self.copyAgeMax && sending.slot >= pump.node.acceptor.trimmedThrough)
        {
            return sendPart(sending, slot == .zero ? 0 : offset, to: peer)
        }
        guard !transfer.isCopying else { return }
        transfer.isCopying = true
        tableFile.makeCopy { result in
            self.loop.execute {
                self.transfer.isCopying = false
                switch result {
                case .failure(let error):
                    self.log.error("no copy of the tables could be made for a peer", metadata: ["peer": "\(peer)", "error": "\(error)"])
                    // An incoming copy about to replace the tables ends the damage.
                    if error.isDamage, self.transfer.incoming?.isAdopting != true { self.tablesAreDamaged(error) }
                case .success(let copy):
                    let sending = TableTransfer.Sending(slot: copy.slot, bytes: copy.bytes, madeAt: self.time.now())
                    self.transfer.sending = sending
                    self.sendPart(sending, 0, to: peer)
                }
            }
        }
    }

    private func sendPart(_ sending: TableTransfer.Sending, _ offset: Int64, to peer: NodeID) {
        // A finished copy may outlast the tables' thread.
        guard !isStopping, offset >= 0, offset < sending.bytes else { return }
        tableFile.readCopy(at: offset, count: Int(min(Int64(Self.chunkBytes), sending.bytes - offset))) { result in
            self.loop.execute {
                switch result {
                case .failure(let error):
                    self.log.error("the copy for a peer cannot be read", metadata: ["peer": "\(peer)", "error": "\(error)"])
                case .success(let bytes):
                    self.send(.tablesChunk(slot: sending.slot, offset: offset, total: sending.bytes, bytes: bytes), to: peer)
                }
            }
        }
    }
}
