// The places of replicas, and the work on missing, stale and surplus ones. A value beside DFSMachine: datanodes report into it, heartbeats
// take orders out of it. Nothing of it is in the log.
import Base

/// The namespace's wish for a block; nil where no file has it.
package struct WantedBlock: Sendable, Hashable {
    package var block: Block
    package var replication: Int
    package init(block: Block, replication: Int) { (self.block, self.replication) = (block, replication) }
}

/// The places of blocks.
package struct ReplicaBoard: Sendable {
    /// A replica on a datanode.
    private struct Place: Sendable {
        var node: Int
        var generation: Generation
        /// Whether the datanode has reported it as finished.
        var isFinal: Bool
        var isCorrupt = false
        /// Whether its datanode has the order to delete it.
        var isLeaving = false
        /// The datanode's full report that last named it, or under which it came.
        var report: Int
    }
    private struct Copying: Sendable {
        var since: Instant
        var targets: [String]
    }
    private struct Node: Sendable {
        var record: DatanodeRecord
        var heard: Instant
        var isAlive = true
        /// Whether a writer has left the datanode out of a pipeline since its last heartbeat.
        var isSuspect = false
        var deletions: [DoomedReplica] = []
        var recoveries: [BlockID: (block: Block, known: Int64)] = [:]
        var copies: [(block: Block, to: [DatanodeRecord])] = []
        var blockCount = 0
        /// The number of its last full report.
        var report = 0
        /// Whether this namenode awaits a full report before it trusts the known replicas.
        var isStale = false
        var mustRegister = false
        /// `isFreed`: every block of a datanode that leaves or rests has its copies elsewhere.
        var service = (duty: DatanodeDuty.inService, isFreed: false)
        var duty: DatanodeDuty { service.duty }
        /// Whether its replicas are there, or come back.
        var counts: Bool { isAlive || duty.isResting }
    }
    private var nodes: [Node] = []
    private var byUUID = LookupTable<String, Int>()
    private var places = LookupTable<BlockID, [Place]>()
    /// Blocks whose number of replicas may be wrong, each once, oldest note first.
    private var doubtful: [BlockID] = []
    private var isDoubtful = LookupTable<BlockID, Bool>()
    /// Copies ordered and not yet reported.
    private var underWay = LookupTable<BlockID, Copying>()
    /// Blocks with too few replicas and no datanode for another, each once.
    private var starved: [BlockID] = []
    private var isStarved = LookupTable<BlockID, Bool>()
    /// Whether a datanode came that may take more replicas of these, and whether one that is here already might: it lacks room, or a writer
    /// has left it out of a pipeline.
    private var feedsStarved = (now: false, later: false)
    private var turn = 0
    package private(set) var pendingDeletions = 0

    private let silenceMax: Duration

    /// `silenceMax`: a datanode silent for this long counts as gone.
    package init(silenceMax: Duration = .seconds(30)) { self.silenceMax = silenceMax }

    /// Blocks per deletion order.
    static let deletionsPerOrder = 10_000
    static let copiesPerOrder = 4
    static let checksPerStep = 250
    /// The time after which an unreported copy is ordered again.
    static let copyPatience = Duration.seconds(60)

    // MARK: datanodes

    package mutating func register(_ record: DatanodeRecord, duty: DatanodeDuty = .inService, now: Instant) {
        if let index = byUUID[record.uuid] {
            let figures = nodes[index].record.figures
            nodes[index].record = record
            nodes[index].record.figures = figures
            nodes[index].heard = now
            nodes[index].isAlive = true
            nodes[index].mustRegister = false
        } else {
            byUUID[record.uuid] = nodes.count
            nodes.append(Node(record: record, heard: now, service: (duty, false)))
        }
        // Blocks that had no datanode for another replica may have one now.
        feedsStarved.now = !starved.isEmpty
    }

    /// Orders for a datanode; nil if it must register first. `givesOrders`: not on a namenode that stands by.
    package mutating func heartbeat(
        _ uuid: String, _ figures: DatanodeRecord.Figures, now: Instant, wall: WallTime, givesOrders: Bool = true
    ) -> [DatanodeOrder]? {
        guard let index = byUUID[uuid], nodes[index].isAlive, !nodes[index].mustRegister else { return nil }
        if feedsStarved.later, nodes[index].isSuspect || figures.remainingBytes > nodes[index].record.figures.remainingBytes {
            feedsStarved = (!starved.isEmpty, false)
        }
        nodes[index].heard = now
        nodes[index].isSuspect = false
        nodes[index].record.figures = figures
        nodes[index].record.lastHeard = wall
        guard givesOrders else { return [] }
        var orders: [DatanodeOrder] = []
        let deletions = Array(nodes[index].deletions.prefix(Self.deletionsPerOrder))
        if !deletions.isEmpty {
            nodes[index].deletions.removeFirst(deletions.count)
            pendingDeletions -= deletions.count
            orders.append(.delete(deletions))
        }
        for (_, recovery) in nodes[index].recoveries.sorted(by: { $0.key < $1.key }) {
            orders.append(.recover(recovery.block, knownLengthBytes: recovery.known))
        }
        nodes[index].recoveries = [:]
        for copy in nodes[index].copies.prefix(Self.copiesPerOrder) { orders.append(.copy(copy.block, to: copy.to)) }
        nodes[index].copies.removeFirst(min(Self.copiesPerOrder, nodes[index].copies.count))
        return orders
    }

    /// A datanode with its state.
    package struct Standing: Sendable {
        package var record: DatanodeRecord
        package var isAlive: Bool
        package var blockCount: Int
        package var duty: DatanodeDuty
        /// Whether a datanode that leaves or rests may be switched off.
        package var isFreed: Bool
    }
    package var datanodes: [Standing] {
        nodes.map {
            Standing(record: $0.record, isAlive: $0.isAlive, blockCount: $0.blockCount, duty: $0.duty, isFreed: $0.service.isFreed)
        }
    }
    /// Copies that are ordered and not reported yet.
    package var underWayCount: Int { underWay.count }
    package var aliveCount: Int { nodes.count(where: \.isAlive) }
    package func isAlive(_ uuid: String) -> Bool { byUUID[uuid].map { nodes[$0].isAlive } ?? false }

    // MARK: duties

    /// Gives every datanode its duty. Returns those for which it has changed; their blocks go to `doubtBlocks`.
    package mutating func assign(_ duty: (DatanodeRecord) -> DatanodeDuty) -> [Int] {
        var changed: [Int] = []
        for index in nodes.indices {
            let next = duty(nodes[index].record)
            guard next != nodes[index].duty else { continue }
            nodes[index].service = (next, false)
            changed.append(index)
        }
        if !changed.isEmpty { feedsStarved.now = !starved.isEmpty }
        return changed
    }

    /// The datanodes that leave or rest and are not freed yet.
    package var unfreed: [Int] { nodes.indices.filter { !nodes[$0].duty.isInService && !nodes[$0].service.isFreed } }

    /// Those of the unfreed datanodes on which one of the given blocks is that lacks copies elsewhere. `enough` copies always suffice.
    package func holding(_ blocks: [WantedBlock], enough: Int) -> Set<Int> {
        var found: Set<Int> = []
        for wanted in blocks {
            let all = places[wanted.block.id] ?? []
            let here = all.filter { !nodes[$0.node].duty.isInService && !nodes[$0.node].service.isFreed }
            guard !here.isEmpty else { continue }
            let sound = all.filter { nodes[$0.node].counts && isSound($0, wanted.block) }
            let staying = sound.count { nodes[$0.node].duty.isInService }
            let resting = sound.count { nodes[$0.node].duty.isResting }
            let isSettled = staying >= wanted.needed(besides: resting) || staying >= enough
            if wanted.block.isOpen || !isSettled { found.formUnion(here.map(\.node)) }
        }
        return found
    }

    /// A look at all blocks has ended: those of the `asked` datanodes that hold no block back are freed.
    package mutating func free(_ asked: [Int], except holding: Set<Int>) {
        for index in asked where !nodes[index].duty.isInService && !nodes[index].isStale && !holding.contains(index) {
            nodes[index].service.isFreed = true
        }
    }

    private func isSound(_ place: Place, _ block: Block) -> Bool {
        !place.isCorrupt && place.isFinal && place.generation >= block.generation
    }

    // MARK: reports

    private mutating func put(_ id: BlockID, _ node: Int, _ generation: Generation, isFinal: Bool) {
        let new = Place(node: node, generation: generation, isFinal: isFinal, report: nodes[node].report)
        if let place = places[id]?.firstIndex(where: { $0.node == node }) {
            places[id]?[place] = new
        } else {
            places[id, default: []].append(new)
            nodes[node].blockCount += 1
        }
        underWay.remove(id)
    }

    private mutating func drop(_ id: BlockID, _ node: Int) {
        guard let place = places[id]?.firstIndex(where: { $0.node == node }) else { return }
        places[id]?.remove(at: place)
        nodes[node].blockCount -= 1
        if places[id]?.isEmpty == true { places.remove(id) }
        doubt(id)
    }

    private mutating func doubt(_ id: BlockID) {
        guard isDoubtful[id] == nil else { return }
        isDoubtful[id] = true
        doubtful.append(id)
    }

    private mutating func order(deletionOf id: BlockID, _ generation: Generation, on node: Int) {
        nodes[node].deletions.append(DoomedReplica(id, generation))
        pendingDeletions += 1
    }

    /// A datanode reports a replica. A replica without a file, or of an older generation, is deleted.
    package mutating func received(_ uuid: String, _ id: BlockID, _ generation: Generation, isFinal: Bool, wanted: WantedBlock?) {
        guard let node = byUUID[uuid] else { return }
        guard let wanted else { return order(deletionOf: id, generation, on: node) }
        guard generation >= wanted.block.generation else {
            guard wanted.block.isOpen else {
                drop(id, node)
                return order(deletionOf: id, generation, on: node)
            }
            // It goes once the block is finished elsewhere.
            return put(id, node, generation, isFinal: isFinal)
        }
        put(id, node, generation, isFinal: isFinal)
        // The pipeline of an open block sees to its copies.
        if !wanted.block.isOpen { doubt(id) }
    }

    package mutating func deleted(_ uuid: String, _ id: BlockID) {
        guard let node = byUUID[uuid] else { return }
        drop(id, node)
    }

    /// A replica in a datanode's full report.
    package typealias ReportedReplica = (id: BlockID, generation: Generation, isFinal: Bool)

    /// A full report of a datanode begins; its replicas come by `received`, in as many parts as the caller likes, and `endReport` follows.
    /// Returns the report's number; nil for an unknown datanode.
    package mutating func beginReport(_ uuid: String) -> Int? {
        guard let node = byUUID[uuid] else { return nil }
        nodes[node].report += 1
        return nodes[node].report
    }

    /// Those of the given blocks that the report did not name, and that did not come since, are gone. False if a later report has begun.
    package mutating func endReport(_ uuid: String, _ report: Int, known: [BlockID]) -> Bool {
        guard let node = byUUID[uuid], nodes[node].report == report else { return false }
        for id in known where places[id]?.contains(where: { $0.node == node && $0.report < report }) == true { drop(id, node) }
        return true
    }

    /// The report's end: its datanode's replicas are known again.
    package mutating func closeReport(_ uuid: String, _ report: Int) {
        if let node = byUUID[uuid], nodes[node].report == report { nodes[node].isStale = false }
    }

    /// This namenode begins to serve: orders of an earlier time are void, every datanode registers and reports again.
    package mutating func beginOffice() {
        for index in nodes.indices {
            (nodes[index].deletions, nodes[index].recoveries, nodes[index].copies) = ([], [:], [])
            (nodes[index].mustRegister, nodes[index].isStale) = (true, true)
        }
        pendingDeletions = 0
        underWay.removeAll()
    }

    /// No file has these blocks any more. `givesOrders`: not on a namenode that stands by.
    package mutating func forget(_ blocks: [BlockID], givesOrders: Bool = true) {
        for id in blocks {
            for place in places.remove(id) ?? [] {
                nodes[place.node].blockCount -= 1
                guard givesOrders else { continue }
                order(deletionOf: id, place.generation, on: place.node)
            }
        }
    }

    /// A client or a datanode found a replica damaged. The replica is deleted once there is another one.
    package mutating func corrupt(_ id: BlockID, on uuid: String) {
        guard let node = byUUID[uuid], let place = places[id]?.firstIndex(where: { $0.node == node }) else { return }
        places[id]?[place].isCorrupt = true
        doubt(id)
    }

    // MARK: places

    /// Live datanodes with a block in no older generation; damaged replicas last.
    package func locations(_ block: Block) -> (nodes: [DatanodeRecord], isCorrupt: Bool) {
        let found = (places[block.id] ?? []).filter {
            nodes[$0.node].isAlive && $0.generation >= block.generation && ($0.isFinal || block.isOpen)
        }
        // Datanodes that leave or rest come last.
        let whole = found.filter { !$0.isCorrupt }
        let sound = whole.filter { nodes[$0.node].duty.isInService } + whole.filter { !nodes[$0.node].duty.isInService }
        return (sound.isEmpty ? found.map { nodes[$0.node].record } : sound.map { nodes[$0.node].record }, sound.isEmpty && !found.isEmpty)
    }

    /// Sound replicas of a block on live datanodes in service.
    package func liveCount(_ block: Block) -> Int {
        (places[block.id] ?? []).count { nodes[$0.node].isAlive && nodes[$0.node].duty.isInService && isSound($0, block) }
    }

    /// Whether a datanode has a block finished in the given generation.
    package func isReported(_ id: BlockID, _ generation: Generation) -> Bool {
        places[id]?.contains { $0.isFinal && $0.generation >= generation } ?? false
    }

    /// A pipeline was rebuilt on these datanodes. A datanode left out of it may be gone, and gets no block until its next heartbeat.
    package mutating func rebuilt(_ block: Block, on uuids: [String]) {
        for place in places[block.id] ?? [] where !uuids.contains(where: { $0 == nodes[place.node].record.uuid }) {
            nodes[place.node].isSuspect = true
        }
        expect(block, on: uuids.filter { isAlive($0) })
    }

    /// The targets of a block whose writing begins.
    package mutating func expect(_ block: Block, on uuids: [String]) {
        for uuid in uuids {
            if let node = byUUID[uuid] { put(block.id, node, block.generation, isFinal: false) }
        }
    }

    /// Datanodes for copies of a block: alive, with room, least busy first, others in turn; `near` before all.
    package mutating func targets(_ count: Int, excluding: Set<String>, near: String, bytes: Int64) -> [DatanodeRecord] {
        turn = (turn + 1) % 1_000_000
        let fit = nodes.filter {
            $0.isAlive && $0.duty.isInService && !$0.isSuspect && !excluding.contains($0.record.uuid)
                && $0.record.figures.remainingBytes >= UInt64(max(0, bytes))
        }.map(\.record)
        guard !fit.isEmpty else { return [] }
        let start = turn % fit.count
        let inTurn = Array(fit[start...] + fit[..<start])
        var chosen: [DatanodeRecord] = []
        if let local = inTurn.first(where: { $0.address == near || $0.hostName == near }),
            fit.count(where: { $0.address == near || $0.hostName == near }) == 1
        {
            chosen.append(local)
        }
        // Another rack for the second copy, where there is one.
        for pass in 0..<2 where chosen.count < count {
            for record in inTurn.sorted(by: { $0.figures.transfers / 8 < $1.figures.transfers / 8 })
            where chosen.count < count && !chosen.contains(where: { $0.uuid == record.uuid }) {
                if pass == 0, chosen.count == 1, record.rack == chosen[0].rack, Set(fit.map(\.rack)).count > 1 { continue }
                chosen.append(record)
            }
        }
        return Array(chosen.prefix(count))
    }

    /// Whether any datanode, alive or not, is known to have a replica of a block, or to have been asked to make one.
    package func hasPlaces(_ id: BlockID) -> Bool { places[id] != nil }

    /// Orders a live datanode that holds the block to recover it. False if there is none. `oldest`: the block's generation until now; a
    /// replica of an older one has missed acknowledged bytes.
    package mutating func recover(_ block: Block, oldest: Generation, known: Int64) -> Bool {
        let candidates = (places[block.id] ?? []).filter { nodes[$0.node].isAlive && !$0.isCorrupt && $0.generation >= oldest }
        guard let best = candidates.max(by: { $0.generation < $1.generation }) else { return false }
        nodes[best.node].recoveries[block.id] = (block, known)
        return true
    }

    // MARK: time

    /// Datanodes that are gone since the last call. Their blocks go to `doubtBlocks`.
    package mutating func findSilent(now: Instant) -> [Int] {
        nodes.indices.filter { nodes[$0].isAlive && now - nodes[$0].heard > silenceMax }.map { index in
            nodes[index].isAlive = false
            return index
        }
    }

    /// Those of the given blocks that a lost datanode had need another look.
    package mutating func doubtBlocks(of lost: [Int], among blocks: [BlockID]) {
        for id in blocks where places[id]?.contains(where: { lost.contains($0.node) }) == true { doubt(id) }
    }

    /// Looks for too few and too many replicas of some doubtful blocks. True if more wait that were doubtful before.
    package mutating func mendSome(now: Instant, wanted: (BlockID) -> WantedBlock?) -> Bool {
        feedStarved()
        let batch = Array(doubtful.prefix(Self.checksPerStep))
        doubtful.removeFirst(batch.count)
        for id in batch {
            isDoubtful.remove(id)
            guard let wanted = wanted(id), !wanted.block.isOpen else { continue }
            mend(wanted, now)
        }
        return batch.count == Self.checksPerStep
    }

    private mutating func feedStarved() {
        guard feedsStarved.now else { return }
        for id in starved.suffix(Self.checksPerStep) {
            isStarved.remove(id)
            doubt(id)
        }
        starved.removeLast(min(Self.checksPerStep, starved.count))
        feedsStarved.now = !starved.isEmpty
    }

    private mutating func mend(_ wanted: WantedBlock, _ now: Instant) {
        let id = wanted.block.id
        for place in places[id] ?? [] where place.generation < wanted.block.generation {
            order(deletionOf: id, place.generation, on: place.node)
            removePlace(id, place.node)
        }
        let found = (places[id] ?? []).filter { nodes[$0.node].counts }
        let sound = found.filter { isSound($0, wanted.block) }
        let staying = sound.filter { nodes[$0.node].duty.isInService }
        let needed = wanted.needed(besides: sound.count { nodes[$0.node].duty.isResting })
        if staying.count >= needed {
            // A replica that is only believed to be there must not cost one that is.
            if staying.count > wanted.replication || found.count > sound.count, found.contains(where: { nodes[$0.node].isStale }) {
                return doubt(id)
            }
            for place in found where place.isCorrupt {
                order(deletionOf: id, place.generation, on: place.node)
                removePlace(id, place.node)
            }
            for place in staying.sorted(by: { nodes[$0.node].record.figures.remainingBytes < nodes[$1.node].record.figures.remainingBytes })
                .prefix(max(0, staying.count - wanted.replication))
            {
                order(deletionOf: id, place.generation, on: place.node)
                removePlace(id, place.node)
            }
            return
        }
        let sources = sound.filter { nodes[$0.node].isAlive }
        guard !sources.isEmpty else { return }
        if let copying = underWay[id], now - copying.since < Self.copyPatience, copying.targets.allSatisfy(isAlive) { return doubt(id) }
        let holders = Set(found.map { nodes[$0.node].record.uuid })
        let targets = self.targets(needed - staying.count, excluding: holders, near: "", bytes: wanted.block.lengthBytes)
        guard !targets.isEmpty, let source = sources.min(by: { nodes[$0.node].copies.count < nodes[$1.node].copies.count }) else {
            return starve(id, found)
        }
        nodes[source.node].copies.append((wanted.block, targets))
        underWay[id] = Copying(since: now, targets: targets.map(\.uuid))
        doubt(id)
    }

    /// With fewer datanodes than copies, a block waits for another datanode; only a damaged replica makes room for a sound one.
    private mutating func starve(_ id: BlockID, _ found: [Place]) {
        for place in found where place.isCorrupt && !place.isLeaving {
            order(deletionOf: id, place.generation, on: place.node)
            if let index = places[id]?.firstIndex(where: { $0.node == place.node }) { places[id]?[index].isLeaving = true }
        }
        if nodes.contains(where: { node in
            node.isAlive && node.duty.isInService && !found.contains { nodes[$0.node].record.uuid == node.record.uuid }
        }) {
            feedsStarved.later = true
        }
        guard isStarved[id] == nil else { return }
        isStarved[id] = true
        starved.append(id)
    }

    private mutating func removePlace(_ id: BlockID, _ node: Int) {
        places[id]?.removeAll { $0.node == node }
        nodes[node].blockCount -= 1
    }

    /// The number of replicas of a block may have to change.
    package mutating func reconsider(_ ids: [BlockID]) { ids.forEach { doubt($0) } }

    /// Numbers of the given blocks with too few sound replicas, only damaged ones, none.
    package func health(_ blocks: [WantedBlock]) -> (under: Int, corrupt: Int, missing: Int) {
        var result = (under: 0, corrupt: 0, missing: 0)
        for wanted in blocks where !wanted.block.isOpen {
            let all = (places[wanted.block.id] ?? []).filter { nodes[$0.node].counts && $0.generation >= wanted.block.generation }
            let found = all.filter { nodes[$0.node].isAlive }
            let sound = all.filter { isSound($0, wanted.block) }
            if !sound.contains(where: { nodes[$0.node].isAlive }) {
                if found.isEmpty { result.missing += 1 } else { result.corrupt += 1 }
            }
            let needed = wanted.needed(besides: sound.count { nodes[$0.node].duty.isResting })
            if sound.count(where: { nodes[$0.node].duty.isInService }) < needed { result.under += 1 }
        }
        return result
    }
}
