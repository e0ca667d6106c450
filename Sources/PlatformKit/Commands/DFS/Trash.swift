// The trash, as Hadoop's clients keep it: rm moves a path below /user/NAME/.Trash/Current if the namenode keeps a trash, expunge makes a
// checkpoint and deletes those that are too old. Source: Hadoop's TrashPolicyDefault.
import Base
import HadoopNet
import HadoopWire
import NetKit

extension DFSVerb {
    static let trash: [DFSVerb] = [
        DFSVerb(
            "expunge", "[-immediate]", "Make a checkpoint of the own trash, and delete those that are too old; or all.",
            flags: ["immediate"], operands: 0...0, Trash.expunge)
    ]
}

/// The trash of a file system, if it keeps one.
enum Trash {
    private static let minute: Int64 = 60_000
    /// Only its user sees into a trash.
    private static let permission: UInt32 = 0o700

    private static func interval(_ access: any DFSAccess) async throws -> Int64 {
        guard let access = access as? RPCAccess else { return 0 }
        return Int64(clamping: try await access.files.namenode.serverDefaults().trashInterval).multipliedClamped(by: minute)
    }

    /// Moves a path into its user's trash. False if there is no trash, or the path is already in it.
    static func take(_ path: ShellPath) async throws -> Bool {
        guard try await interval(path.access) > 0 else { return false }
        let namenode = try path.access.rpc("rm").namenode
        let trash = TrashCheckpoint.root(of: path.access.user)
        guard !path.path.beginsWithBytes(of: trash) else { return false }
        if ShellPath.join(ShellPath.parent(trash), "").beginsWithBytes(of: ShellPath.join(path.path, "")) {
            throw ShellComplaint("Cannot move \"\(path.qualified)\" to the trash, as it contains the trash")
        }
        let target = ShellPath.join("\(trash)/\(TrashCheckpoint.current)", String(path.path.droppingBytes(first: 1)))
        guard try await namenode.makeDirectories(ShellPath.parent(target), permission: permission) else {
            throw ShellComplaint(path.shown, "cannot be moved to the trash; -skipTrash deletes it at once")
        }
        var goal = target
        if try await path.access.status(goal) != nil { goal = target + "\(SystemTime().wallTime().milliseconds)" }
        guard try await path.access.rename(path.path, to: goal) else {
            throw ShellComplaint(path.shown, "cannot be moved to the trash; -skipTrash deletes it at once")
        }
        Output.line("Moved: '\(path.qualified)' to trash at: \(path.access.address)\(goal)")
        return true
    }

    @Sendable static func expunge(_ call: VerbCall) async throws {
        let access = try call.shell.path("/").access
        let (root, now) = (TrashCheckpoint.root(of: access.user), SystemTime().wallTime())
        guard try await access.status(root) != nil else { return }
        let isImmediate = call.has("immediate")
        if try await access.status("\(root)/\(TrashCheckpoint.current)") != nil {
            let names = try await access.list(root).map(\.path.text)
            let checkpoint = "\(root)/\(TrashCheckpoint.fresh(now, among: names))"
            guard try await access.rename("\(root)/\(TrashCheckpoint.current)", to: checkpoint) else {
                throw ShellComplaint(root, "another client makes a checkpoint of it; try again")
            }
            Output.line("Created trash checkpoint: \(checkpoint)")
        }
        let names = try await access.list(root).map(\.path.text)
        let doomed =
            isImmediate
            ? names.filter { TrashCheckpoint.time($0) != nil }
            : TrashCheckpoint.expired(names, now: now, interval: try await interval(access))
        for name in doomed {
            _ = try await access.delete("\(root)/\(name)", recursive: true)
            Output.line("Deleted trash checkpoint: \(root)/\(name)")
        }
    }
}
