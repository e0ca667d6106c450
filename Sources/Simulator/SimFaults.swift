// The faults of a cluster run and their repair: crashes, stopped processes, cut and slow links, a bad network, slow and full disks, clocks
// that jump. A fault may begin at any time; each ends by itself after a while, and all end when the run heals.
import Base
import Storage

/// A fault that lasts until it is undone.
enum Fault {
    case down(Int)
    case cut(from: Int, to: Int)
    case slow(from: Int, to: Int)
    case badNetwork
    case slowDisk(Int)
    case fullDisk(Int)
}

extension ClusterRun {
    var leaderIndex: Int? { servers.firstIndex { $0.replica?.pump.isLeading == true } }

    /// The victim of a fault: half of the time the leader, since that hurts most.
    private mutating func victim() -> Int {
        if let leader = leaderIndex, random.chance(1, in: 2) { return leader }
        return random.below(servers.count)
    }

    mutating func causeFault() {
        guard !healed else { return }
        let lasting = Int64(300_000_000 + random.below(6_000_000_000))
        if plan.spares > 0, random.chance(1, in: 2) {
            if random.chance(1, in: 40) { loseDisk(victim()) } else { changeMembers() }
            return schedule(.fault, after: Int64(200_000_000 + random.below(3_000_000_000)))
        }
        switch random.below(14) {
        case 0: takeDown(victim(), for: lasting)
        case 1: servers[victim()].crashesInWrite = true
        case 2: for index in servers.indices where random.chance(2, in: 3) { takeDown(index, for: Int64(random.below(2_000_000_000))) }
        case 3, 4: pause(victim(), for: lasting)
        case 5, 6: cutOff(victim(), for: lasting)
        case 7: cutOneWay(for: lasting)
        case 8: slowLinks(for: lasting)
        case 9, 10: spoilNetwork(for: lasting)
        case 11: slowDisk(for: lasting)
        case 12: fillDisk(victim(), for: lasting)
        default:
            servers[victim()].wallOffset += Int64(random.below(7_200_000)) - 3_600_000
            summary.probes.insert(.clockJumped)
        }
        schedule(.fault, after: Int64(500_000_000 + random.below(7_000_000_000)))
    }

    mutating func takeDown(_ index: Int, for lasting: Int64) {
        guard servers[index].replica != nil else { return }
        if index == leaderIndex { summary.probes.insert(.leaderCrashed) }
        servers[index].crash(&random)
        if servers.allSatisfy({ $0.replica == nil }) { summary.probes.insert(.everybodyCrashed) }
        schedule(.start(index), after: lasting)
    }

    mutating func pause(_ index: Int, for lasting: Int64) {
        if index == leaderIndex { summary.probes.insert(.leaderStopped) }
        servers[index].pausedUntil = time + lasting
    }

    mutating func cutOff(_ index: Int, for lasting: Int64) {
        if index == leaderIndex { summary.probes.insert(.leaderCutOff) }
        for other in servers.indices where other != index {
            cut(index, other, lasting)
            cut(other, index, lasting)
        }
    }

    private mutating func cutOneWay(for lasting: Int64) {
        let from = victim()
        for to in servers.indices where to != from && random.chance(2, in: 3) { cut(from, to, lasting) }
        summary.probes.insert(.oneWayCut)
    }

    private mutating func cut(_ from: Int, _ to: Int, _ lasting: Int64) {
        network[from, to].isCut = true
        schedule(.undo(.cut(from: from, to: to)), after: lasting)
    }

    private mutating func slowLinks(for lasting: Int64) {
        let (from, to) = (random.below(servers.count), random.below(servers.count))
        network[from, to].extraDelay = Int64(random.below(1_500_000_000))
        schedule(.undo(.slow(from: from, to: to)), after: lasting)
    }

    private mutating func spoilNetwork(for lasting: Int64) {
        network.lossPermille = random.below(200)
        network.duplicatePermille = random.below(200)
        network.jitter = Int64(1_000_000 + random.below(40_000_000))
        schedule(.undo(.badNetwork), after: lasting)
    }

    private mutating func slowDisk(for lasting: Int64) {
        let index = victim()
        servers[index].diskDelay = Int64(20_000_000 + random.below(1_000_000_000))
        schedule(.undo(.slowDisk(index)), after: lasting)
    }

    private mutating func fillDisk(_ index: Int, for lasting: Int64) {
        servers[index].disk.faults.capacityBytes = servers[index].disk.usedBytes + random.below(400)
        schedule(.undo(.fullDisk(index)), after: lasting)
    }

    mutating func undo(_ fault: Fault) {
        switch fault {
        case .down(let index): schedule(.start(index), after: 0)
        case .cut(let from, let to): network[from, to].isCut = false
        case .slow(let from, let to): network[from, to].extraDelay = 0
        case .badNetwork: (network.lossPermille, network.duplicatePermille, network.jitter) = (0, 0, 500_000)
        case .slowDisk(let index): servers[index].diskDelay = 2_000_000
        case .fullDisk(let index): servers[index].disk.faults.capacityBytes = nil
        }
    }

    /// Ends all faults at once, for the rest of the run.
    mutating func heal() {
        healed = true
        network.heal()
        for index in servers.indices {
            servers[index].pausedUntil = min(servers[index].pausedUntil, time)
            servers[index].diskDelay = 2_000_000
            servers[index].disk.faults.capacityBytes = nil
            undo(.down(index))
        }
    }
}
