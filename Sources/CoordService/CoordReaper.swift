// Containers and nodes with a time to live: the leader searches for expired ones, in slices, and proposes their deletion. The log checks
// the rules once more.
import Base
import CoordCore

extension CoordDoor {
    /// Nodes looked at in one go, and the pause between two slices of a round.
    private static var slice: Int { 10_000 }
    private static var sliceTick: Duration { .milliseconds(50) }

    func scheduleReaping() {
        loop.schedule(after: settings.reapInterval) { self.reap(from: 0) }
    }

    private func reap(from place: Int) {
        guard !isStopped else { return }
        guard replica.isLeading else { return scheduleReaping() }
        let unused = settings.unusedContainerLife.inMilliseconds
        let (paths, total) = machine.tree.due(from: place, count: Self.slice, now: time.wallTime(), unusedMilliseconds: unused)
        for part in Self.fitting(paths) { proposeReaping(part, unused) }
        guard place + Self.slice < total else { return scheduleReaping() }
        loop.schedule(after: Self.sliceTick) { self.reap(from: place + Self.slice) }
    }

    private func proposeReaping(_ paths: [String], _ unused: Int64) {
        propose(.reap(paths: paths, unusedMilliseconds: unused)) { result in
            switch result {
            case .success(let outcome): for event in outcome.events where event.kind == .deleted { self.counters.reapedNodes.add() }
            // Nodes that are still due are found again in the next round.
            case .failure(let refusal):
                self.counters.reapingRefusals.add()
                self.log.warning(
                    "nodes whose time is up could not be deleted", metadata: ["nodes": "\(paths.count)", "refusal": "\(refusal)"])
            }
        }
    }

    /// The paths in parts that are commands of a moderate size: names may have a megabyte.
    static func fitting(_ paths: [String], bytesMax: Int = 1 << 20, pathsMax: Int = 2000) -> [[String]] {
        var parts: [[String]] = []
        var bytes = 0
        for path in paths {
            bytes += path.utf8.count + 8
            if parts.isEmpty || bytes > bytesMax || parts[parts.count - 1].count >= pathsMax {
                parts.append([])
                bytes = path.utf8.count + 8
            }
            parts[parts.count - 1].append(path)
        }
        return parts
    }
}
