// Containers and nodes with a time to live: the server that leads looks for those whose time is up, in slices so that nobody waits, and
// has them deleted through the log, where the rules are checked once more.
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
        if !paths.isEmpty {
            propose(.reap(paths: paths, unusedMilliseconds: unused)) { result in
                guard case .success(let outcome) = result else { return }
                for event in outcome.events where event.kind == .deleted { self.counters.reapedNodes.add() }
            }
        }
        guard place + Self.slice < total else { return scheduleReaping() }
        loop.schedule(after: Self.sliceTick) { self.reap(from: place + Self.slice) }
    }
}
