// A simulated cluster of coord replicas under one seed: virtual time, an event queue, working clients, faults. Checks during the run: one
// value for each slot on every replica. Checks at the end, with everything healed: no acknowledged write lost, equal tables everywhere, a
// linearizable history for each znode, and progress within a bound. Clients and faults are in files of their own.
import Base
import Collections
import Consensus
import CoordCore
import Replication
import Storage

/// The settings of a cluster run.
package struct ClusterPlan: Sendable {
    package var seed: UInt64
    package var nodes = 3
    /// Servers beside the first members, for membership changes; with none the members stay as they are.
    package var spares = 0
    package var clients = 4
    /// How long faults happen, in simulated time.
    package var duration = Duration.seconds(600)
    package var flaw = Flaw.none

    package init(seed: UInt64) { self.seed = seed }
}

/// The results of a cluster run.
package struct ClusterSummary: Sendable, Equatable {
    /// A checksum over all executed commands and answers, in order: equal for equal seeds.
    package var trace: UInt64 = 0
    package var acknowledged = 0
    package var unknown = 0
    package var slots: Int64 = 0
    package var elections = 0
    /// Membership changes that a leader accepted.
    package var changes = 0
    /// Rare events seen; over many seeds all of them must occur.
    package var probes: Set<ClusterProbe> = []
}

/// Rare branches that the runs must reach.
package enum ClusterProbe: String, CaseIterable, Sendable {
    case leaderCrashed, leaderStopped, leaderCutOff, oneWayCut, tornTail, canvassDenied, ballotRefused, entriesMissing, tablesTransferred,
        entriesAdopted
    case proposalRepeated, clockJumped, diskFull, everybodyCrashed, damageRefused, damageOfBothRefused, readAnsweredByLeader
    case damagedTablesHealed, healingGoesOn, votedWithoutTables, tablesMadeFromLog
    case memberRemoved, leaderRemoved, observerAdded, changeRefused, leaderFellInChange, rosterAdopted, strangerRefused
}

package struct ClusterRun {
    indirect enum Happening {
        case message(to: Int, from: Int, PeerMessage)
        case persisted(Int, life: Int)
        /// `due` tells the tick that a machine waits for from one replaced by a later deadline.
        case tick(Int, life: Int, due: Int64)
        case save(Int, life: Int, checkpoint: Bool)
        case transfer(Int, life: Int, from: Int)
        case start(Int)
        case client(Int)
        case clientTimeout(Int, operation: Int)
        case fault
        case undo(Fault)
        case fall(Int)
    }
    struct Event: Comparable {
        var time: Int64
        var number: Int64
        var what: Happening
        static func < (left: Event, right: Event) -> Bool { (left.time, left.number) < (right.time, right.number) }
        static func == (left: Event, right: Event) -> Bool { left.number == right.number }
    }

    let plan: ClusterPlan
    var random: Prng
    /// For flipped bits alone, so that they leave the other faults as they are.
    var damageRandom: Prng
    var time: Int64 = 0
    private var queue = Heap<Event>()
    private var nextNumber: Int64 = 0
    var servers: [SimServer]
    var network: SimNetwork
    var clients: [SimClient] = []
    var work = ClientWork()
    var summary = ClusterSummary()
    var healed = false
    /// A checksum of the entry in each slot, from 1 on, as first executed.
    private var decided: [UInt64] = []
    var trace = Fingerprint()

    package init(_ plan: ClusterPlan) {
        self.plan = plan
        random = Prng(seed: plan.seed)
        damageRandom = Prng(seed: plan.seed ^ 0xDA3A_6ED0)
        servers = (0..<plan.nodes + plan.spares).map { SimServer(index: $0) }
        network = SimNetwork(nodes: servers.count)
    }

    /// The founders of the group.
    var founders: [NodeID] { servers.prefix(plan.nodes).map(\.id) }

    /// Runs the plan and checks. Throws `LawBroken`.
    package mutating func run() throws -> ClusterSummary {
        for index in servers.indices {
            servers[index].driftPPM = Int64(random.below(400)) - 200
            schedule(.start(index), after: index < plan.nodes ? 0 : Int64(random.below(5_000_000_000)))
        }
        clients = (0..<plan.clients).map { SimClient(index: $0, server: $0 % plan.nodes) }
        for client in clients.indices { schedule(.client(client), after: Int64(1_000_000_000 + random.below(500_000_000))) }
        schedule(.fault, after: 3_000_000_000)
        let end = plan.duration.inNanoseconds
        try advance(to: end)
        heal()
        try advance(to: end + Self.recoveryNanoseconds)
        let before = summary.acknowledged
        try advance(to: end + Self.recoveryNanoseconds + 3_000_000_000)
        guard summary.acknowledged > before else {
            throw broken(
                "no write was acknowledged within 3 s although everything had been healed for \(Self.recoveryNanoseconds / 1_000_000_000) s"
            )
        }
        work.isOver = true
        try advance(to: end + 2 * Self.recoveryNanoseconds)
        try checkEnd()
        summary.slots = Int64(decided.count)
        summary.trace = trace.value
        return summary
    }

    /// The time limit, after the last fault, for a leader to be elected and all replicas to catch up.
    private static var recoveryNanoseconds: Int64 { 8_000_000_000 }

    func broken(_ text: String) -> LawBroken { LawBroken(plan.seed, "at \(time / 1_000_000) ms: \(text)") }

    mutating func schedule(_ what: Happening, after delay: Int64) {
        nextNumber += 1
        queue.insert(Event(time: time + max(0, delay), number: nextNumber, what: what))
    }

    private mutating func advance(to end: Int64) throws {
        while let next = queue.min, next.time <= end {
            queue.removeMin()
            time = next.time
            try handle(next.what)
        }
        time = end
    }

    private mutating func handle(_ what: Happening) throws {
        if let server = server(of: what), servers[server].pausedUntil > time {
            return schedule(what, after: servers[server].pausedUntil - time)
        }
        switch what {
        case .message(let to, let from, let message): deliver(message, to: to, from: from)
        case .persisted(let index, let life): try persisted(index, life)
        case .tick(let index, let life, let due): tick(index, life, due)
        case .save(let index, let life, let checkpoint): try save(index, life, checkpoint)
        case .transfer(let index, let life, let from): try transfer(index, life, from)
        case .start(let index): try start(index)
        case .client(let index): clientTurn(index)
        case .clientTimeout(let index, let operation): giveUp(index, operation)
        case .fault: causeFault()
        case .undo(let fault): undo(fault)
        case .fall(let index): fall(index)
        }
        if let server = server(of: what), servers[server].replica != nil { try settle(server) }
    }

    private func server(of what: Happening) -> Int? {
        switch what {
        case .message(let to, _, _): to
        case .persisted(let index, _), .tick(let index, _, _), .save(let index, _, _), .transfer(let index, _, _), .start(let index): index
        case .client(let index): clients[index].server
        case .clientTimeout, .fault, .undo, .fall: nil
        }
    }

    // MARK: machines

    private mutating func start(_ index: Int) throws {
        guard servers[index].replica == nil else { return }
        try checkDamageIsRefused(index)
        if servers[index].lacksTables { summary.probes.insert(.healingGoesOn) }
        damageTables(index)
        let (everybody, seed) = (founders, random.next())
        do { try servers[index].start(everybody, seed: seed, time: time) } catch let error as StorageError {
            // A start on a full disk fails and is retried.
            guard error.cause == .noSpace else { throw broken("replica \(index + 1) does not start: \(error)") }
            return schedule(.start(index), after: 300_000_000)
        }
        try checkTablesWereGivenUp(index)
        if (servers[index].replica?.log.recovery.cutBytes ?? 0) > 0 { summary.probes.insert(.tornTail) }
        schedule(.save(index, life: servers[index].life, checkpoint: false), after: 300_000_000)
    }

    private mutating func deliver(_ message: PeerMessage, to: Int, from: Int) {
        guard servers[to].replica != nil else { return }
        let now = servers[to].monotonic(time)
        let sender = servers[from].id
        servers[to].replica?.pump.receive(message, from: sender, now: now)
    }

    private mutating func tick(_ index: Int, _ life: Int, _ due: Int64) {
        guard servers[index].life == life, servers[index].tickScheduledAt == due, servers[index].replica != nil else { return }
        servers[index].tickScheduledAt = .max
        let now = servers[index].monotonic(time)
        servers[index].replica?.pump.tick(now: now)
    }

    private mutating func persisted(_ index: Int, _ life: Int) throws {
        guard servers[index].life == life, let log = servers[index].replica?.log else { return }
        if plan.flaw == .acknowledgesBeforeSync {
            return try persistLate(index, log)
        }
        guard let batch = servers[index].inFlight else { return }
        if servers[index].crashesInWrite, !healed {
            servers[index].crashesInWrite = false
            return takeDown(index, for: 500_000_000)
        }
        let now = servers[index].monotonic(time)
        do {
            try log.persist(batch)
            servers[index].inFlight = nil
            servers[index].replica?.pump.persisted(now: now)
        } catch {
            guard error.cause == .noSpace else { throw broken("the disk failed: \(error)") }
            summary.probes.insert(.diskFull)
            if let stalled = servers[index].replica?.pump.persistStalled(error, now: now) {
                servers[index].inFlight = stalled.batch
                for id in stalled.refused { if let operation = servers[index].proposals.remove(id) { lose(operation) } }
            }
            schedule(.persisted(index, life: life), after: 300_000_000)
        }
    }

    /// Syncs writes that already counted as durable; a full disk delays them.
    private mutating func persistLate(_ index: Int, _ log: AcceptorLog) throws {
        guard let batch = servers[index].unsynced.first else { return }
        do { try log.persist(batch) } catch {
            guard error.cause == .noSpace else { throw error }
            return schedule(.persisted(index, life: servers[index].life), after: 300_000_000)
        }
        servers[index].unsynced.removeFirst()
    }

    private mutating func save(_ index: Int, _ life: Int, _ checkpoint: Bool) throws {
        guard servers[index].life == life else { return }
        let now = servers[index].monotonic(time)
        do { try servers[index].replica?.save(checkpoint: checkpoint, now: now) } catch {
            guard error.cause == .noSpace else { throw broken("the disk failed: \(error)") }
        }
        schedule(.save(index, life: life, checkpoint: random.chance(1, in: 4)), after: Int64(200_000_000 + random.below(400_000_000)))
    }

    private mutating func transfer(_ index: Int, _ life: Int, _ from: Int) throws {
        guard servers[index].life == life else { return }
        servers[index].transferUnderWay = false
        guard servers[from].replica != nil, servers[index].replica?.pump.wantsTablesOf != nil, !network[from, index].isCut else { return }
        guard servers[from].replica?.pump.awaitsTables == false,
            servers[index].replica?.pump.isServed(byTablesThrough: servers[from].tables.appliedSlot()) == true
        else { return }
        servers[index].tables.install(servers[from].tables.state)
        let (machine, ledger) = try SimReplica<CoordMachine>.load(servers[index].tables)
        let now = servers[index].monotonic(time)
        let slot = servers[index].tables.appliedSlot()
        let lost = servers[index].replica?.pump.install(machine, ledger, through: slot, now: now) ?? []
        for id in lost { if let operation = servers[index].proposals.remove(id) { lose(operation) } }
        summary.probes.insert(servers[index].lacksTables ? .damagedTablesHealed : .tablesTransferred)
        servers[index].lacksTables = false
    }

    // MARK: a machine's turn

    /// Handles the results of a machine's last event: batches to the disk, messages to the peers, commands to the tree.
    mutating func settle(_ index: Int) throws {
        guard servers[index].pausedUntil <= time else { return }
        let now = servers[index].monotonic(time)
        pumpOut(index, now)
        for outgoing in servers[index].replica?.pump.takeMessages(now: now) ?? [] { post(outgoing, from: index) }
        while let executed = servers[index].replica?.pump.executeNext(now: now) {
            try checkSlot(index, executed)
            if let proposal = executed.proposal, let operation = servers[index].proposals.remove(proposal) {
                complete(operation, executed.outcome, index)
            }
        }
        noteStanding(index)
        for token in servers[index].replica?.pump.takeReadable() ?? [] {
            if let operation = servers[index].reads.remove(token) { completeRead(operation, index) }
        }
        if let peer = servers[index].replica?.pump.wantsTablesOf, !servers[index].transferUnderWay {
            servers[index].transferUnderWay = true
            schedule(
                .transfer(index, life: servers[index].life, from: Int(peer.rawValue) - 1),
                after: Int64(20_000_000 + random.below(200_000_000)))
        }
        scheduleTick(index)
    }

    private mutating func pumpOut(_ index: Int, _ now: Instant) {
        let wall = servers[index].wall(time)
        while servers[index].inFlight == nil, let batch = servers[index].replica?.pump.pump(time: wall, now: now) {
            let late = plan.flaw == .acknowledgesBeforeSync
            schedule(
                .persisted(index, life: servers[index].life),
                after: late ? Self.lateSync : Int64(100_000 + random.below(Int(servers[index].diskDelay))))
            if late {
                servers[index].unsynced.append(batch)
                servers[index].replica?.pump.persisted(now: now)
            } else {
                servers[index].inFlight = batch
            }
        }
    }

    /// The delay of a sync that nothing waits for, in nanoseconds.
    private static var lateSync: Int64 { 1_000_000_000 }

    /// The longest time between ticks, in nanoseconds: ticks resend lost messages.
    private static var tickEvery: Int64 { 100_000_000 }

    private mutating func scheduleTick(_ index: Int) {
        guard let replica = servers[index].replica else { return }
        let due = replica.pump.nextDeadline.map { servers[index].simulated($0) + 1000 } ?? .max
        let at = max(time + 1_000_000, min(due, time + Self.tickEvery))
        guard at < servers[index].tickScheduledAt else { return }
        servers[index].tickScheduledAt = at
        schedule(.tick(index, life: servers[index].life, due: at), after: at - time)
    }

    private mutating func post(_ outgoing: Outgoing, from: Int) {
        let to = Int(outgoing.to.rawValue) - 1
        observe(outgoing.message)
        if servers[from].lacksTables, case .paxos(.promise) = outgoing.message { summary.probes.insert(.votedWithoutTables) }
        for delay in network.arrivals(from: from, to: to, &random) {
            schedule(.message(to: to, from: from, outgoing.message), after: delay)
        }
    }

    private mutating func observe(_ message: PeerMessage) {
        switch message {
        case .paxos(.canvassed(_, granted: false, _)): summary.probes.insert(.canvassDenied)
        case .paxos(.prepare): summary.elections += 1
        case .paxos(.refuse): summary.probes.insert(.ballotRefused)
        case .paxos(.missing): summary.probes.insert(.entriesMissing)
        case .paxos(.promise(_, _, let accepted, _)):
            if !accepted.isEmpty { summary.probes.insert(.entriesAdopted) }
            if accepted.contains(where: { $0.isRoster }) { summary.probes.insert(.rosterAdopted) }
        case .paxos(.readAnswer): summary.probes.insert(.readAnsweredByLeader)
        case .forward(_, restart: true): summary.probes.insert(.proposalRepeated)
        default: break
        }
    }

    // MARK: laws

    private mutating func checkSlot(_ index: Int, _ executed: Executed<CoordOutcome>) throws {
        let slot = Int(executed.slot.rawValue)
        guard let entry = servers[index].replica?.pump.node.acceptor.entry(at: executed.slot) else { return }
        var sum = Fingerprint()
        sum.add(entry.command)
        sum.add(entry.origin.sequence)
        sum.add(entry.time.milliseconds)
        sum.add(executed.outcome)
        while decided.count < slot { decided.append(0) }
        if decided[slot - 1] == 0 {
            decided[slot - 1] = sum.value
        } else if decided[slot - 1] != sum.value {
            throw broken("replica \(index + 1) executed another command in slot \(slot), or it came to something else")
        }
        trace.add(index)
        trace.add(Int64(bitPattern: sum.value))
    }

    private mutating func checkEnd() throws {
        let first = servers.firstIndex { $0.standing != .stranger } ?? 0
        for index in servers.indices {
            guard let applied = servers[index].replica?.pump.applied else { throw broken("replica \(index + 1) is not running") }
            // A server that came back without its disk takes no part.
            if servers[index].standing == .stranger { continue }
            guard applied == servers[first].replica?.pump.applied else {
                throw broken(
                    "replica \(index + 1) stands at slot \(applied), another one at \(servers[first].replica?.pump.applied ?? .zero)")
            }
            guard applied.rawValue >= work.acknowledgedThrough else {
                throw broken("slot \(work.acknowledgedThrough) was acknowledged, replica \(index + 1) ends at \(applied)")
            }
            let now = servers[index].monotonic(time)
            try servers[index].replica?.save(checkpoint: true, now: now)
            guard servers[index].tables.state == servers[first].tables.state else {
                throw broken("the tables of replica \(index + 1) differ from another one's")
            }
        }
        for (path, history) in work.histories() where !Linearizability.holds(history) {
            throw broken("the history of \(path) is not linearizable (\(history.count) operations)")
        }
    }
}
