// Empties the trashes of all users: at the end of each interval it deletes the checkpoints that are too old and makes one of the files that
// came since. The namenode that leads does it, as the superuser. Source: Hadoop's TrashPolicyDefault.Emptier.
import Base
import DFSCore
import HadoopNet

/// The times of the emptier. Milliseconds.
struct TrashSchedule: Sendable, Equatable {
    /// How long a checkpoint is kept; 0 keeps nothing in a trash.
    var interval: Int64
    /// How often checkpoints are made.
    var every: Int64
    private var due: Int64?

    init(interval: Int64, every: Int64) {
        self.interval = interval
        self.every = every > 0 && every <= interval ? every : interval
    }

    /// Whether the end of an interval has passed since the last call.
    mutating func isDue(_ now: WallTime) -> Bool {
        guard every > 0 else { return false }
        defer { due = (now.milliseconds / every + 1).multipliedClamped(by: every) }
        guard let due else { return false }
        if now.milliseconds >= due { return true }
        // A clock that was set back must not stop the emptier for long.
        return due - now.milliseconds > every
    }
}

extension Namenode {
    private var superCaller: Caller { Caller(user: settings.superUser, isSuper: true) }

    /// Goes through all trashes, if it is time.
    func emptyTrashes() async throws {
        let now = wallTime()
        guard try await look({ _, soft in soft.trash.isDue(now) }) else { return }
        var last = FileName("")
        while true {
            let after = last
            let (users, isEnd) = try await look { machine, _ -> ([FileName], Bool) in
                let found = machine.namespace.lookup(["user"])?.entries?.page(after: after, count: NamenodeSettings.listingMax)
                let names = (found?.ids ?? []).compactMap { machine.namespace.inode($0)?.name }
                return (names, (found?.remaining ?? 0) == 0)
            }
            for user in users { try await emptyTrash(of: user, now) }
            guard !isEnd, let end = users.last else { return }
            last = end
        }
    }

    private func emptyTrash(of user: FileName, _ now: WallTime) async throws {
        let root = TrashCheckpoint.root(of: user.text)
        let (names, isFull) = try await look { machine, _ -> ([String], Bool) in
            guard let trash = FilePath.components(root).flatMap({ machine.namespace.lookup($0) }) else { return ([], false) }
            let ids = trash.entries?.page(after: "", count: NamenodeSettings.listingMax).ids ?? []
            let current = trash.entries?[FileName(TrashCheckpoint.current)].flatMap { machine.namespace.inode($0) }
            return (ids.compactMap { machine.namespace.inode($0)?.name.text }, current?.isDirectory == true)
        }
        do {
            for name in TrashCheckpoint.expired(names, now: now, interval: settings.operation.trash.interval) {
                try await execute(.delete(path: "\(root)/\(name)", recursive: true, superCaller))
                log.info("a trash's checkpoint has been deleted", metadata: ["path": "\(root)/\(name)"])
            }
            guard isFull else { return }
            let checkpoint = TrashCheckpoint.fresh(now, among: names)
            try await execute(
                .name(
                    .renameOver(
                        source: "\(root)/\(TrashCheckpoint.current)", target: "\(root)/\(checkpoint)", overwrite: false, superCaller)))
            log.info("a trash's checkpoint has been made", metadata: ["path": "\(root)/\(checkpoint)"])
        } catch let refusal as DFSRefusal {
            // Its user changed it meanwhile; the next interval sees to the rest.
            log.notice("a trash could not be emptied", metadata: ["path": "\(root)", "why": "\(refusal)"])
        }
    }
}
