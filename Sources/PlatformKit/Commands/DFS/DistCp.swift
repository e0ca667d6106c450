// distcp: copies trees between any two of hdfs://, webhdfs:// and the local disk, and makes one tree like another. Directories are compared
// entry by entry, so that no tree is ever listed whole. Source: Hadoop's "DistCp Guide" for options, targets and exit codes.
import Base
import Clients
import Foundation
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// One run of distcp.
struct DistCp: Sendable {
    static let verb = DFSVerb(
        "distcp",
        "[-update|-overwrite] [-delete] [-useTrash] [-skipcrccheck] [-p[rbugpct]] [-i] [-m <files at once>] [-f <list>] [<src> ...] <dst>",
        "Copy trees between file systems (hdfs://, webhdfs://, file://), or make one like another.",
        flags: ["update", "overwrite", "delete", "useTrash", "skipcrccheck", "i", "m:", "f:", "direct", "p*"], run)

    /// Hadoop's exit codes, which are -1, -2 and -999 there.
    private static let invalid: Int32 = 255, duplicate: Int32 = 254, failed: Int32 = 25

    /// Words that name no possible copy.
    private struct Invalid: Error { var text: String }
    /// Two sources for one file.
    private struct Duplicate: Error { var text: String }

    private let call: VerbCall
    private let kept: KeptAttributes
    private let tally = Tally()

    private var syncs: Bool { call.has("update") || call.has("overwrite") }

    /// The counts of a run.
    final class Tally: Sendable {
        struct Counts {
            var copied = 0, skipped = 0, failed = 0, directories = 0, deleted = 0
            var copiedBytes: Int64 = 0, skippedBytes: Int64 = 0
            /// Entries of the target without a source.
            var surplus: [ShellPath] = []
            /// Directories whose attributes are given when their entries are done.
            var made: [(source: ShellPath, target: ShellPath)] = []
        }
        private let counts = Mutex(Counts())
        func note(_ change: (inout sending Counts) -> Void) { counts.withLock { change(&$0) } }
        var now: Counts { counts.withLock { $0 } }
    }

    @Sendable private static func run(_ call: VerbCall) async throws {
        do {
            let copy = try DistCp(call)
            try await copy.run(try await copy.plan())
        } catch let invalid as Invalid {
            call.complain("Invalid input: \(invalid.text)")
            call.end(Self.invalid)
        } catch let duplicate as Duplicate {
            call.complain("Duplicate files in input path: \(duplicate.text)")
            call.end(Self.duplicate)
        }
    }

    private init(_ call: VerbCall) throws {
        self.call = call
        if call.has("update"), call.has("overwrite") { throw ShellMisuse("-update and -overwrite exclude each other") }
        if call.has("delete"), !(call.has("update") || call.has("overwrite")) {
            throw ShellMisuse("-delete is for -update and -overwrite only")
        }
        if call.has("skipcrccheck"), !call.has("update") { throw ShellMisuse("-skipcrccheck is for -update only") }
        guard call.has("p") else {
            kept = []
            return
        }
        guard let kept = KeptAttributes(letters: call.values["p"] ?? "") else {
            throw ShellMisuse("-p\(call.values["p"] ?? "") has a letter that is not of rbugpct")
        }
        self.kept = kept
    }

    // MARK: sources and targets

    /// The sources of the entries of a target directory, or of a target file.
    private struct Plan: Sendable {
        var target: ShellPath
        /// Directories whose entries go into the target.
        var merged: [ShellPath] = []
        /// Files and directories that go into the target under their names.
        var named: [ShellPath] = []
        /// The one file that is copied to the target's own name.
        var single: ShellPath?
    }

    private func plan() async throws -> Plan {
        guard let last = call.operands.last else { throw ShellMisuse("Not enough arguments: the target is missing") }
        var words = Array(call.operands.dropLast())
        if let list = call.values["f"] {
            guard words.isEmpty else { throw ShellMisuse("sources are given by -f or by name, not both") }
            let file = try await call.shell.path(list).looked()
            guard file.status?.kind == .file else { throw Invalid(text: "\(list) doesn't exist") }
            var text = Bytes()
            try await file.access.read(file.path, offset: 0, lengthBytes: 16 << 20) { text.writeImmutableBuffer($0) }
            words = text.text.pieces(at: "\n").map(String.init).filter { !$0.isEmpty }
        }
        guard !words.isEmpty else { throw ShellMisuse("Not enough arguments: no source is named") }
        let target = try await call.shell.path(last).looked()
        var sources: [ShellPath] = []
        for word in words {
            let found = try await call.shell.path(word).expanded().filter { $0.status != nil }
            if found.isEmpty { throw Invalid(text: "\(word) doesn't exist") }
            sources += found
        }
        for source in sources where source.status?.kind == .directory && Copying.isBelow(target, source) {
            throw Invalid(text: "\(target.qualified) is \(source.qualified) or below it")
        }
        var plan = Plan(target: target)
        if sources.count == 1, sources[0].status?.kind != .directory {
            if target.status?.kind == .directory { plan.named = sources } else { plan.single = sources[0] }
            return plan
        }
        if target.status?.kind == .file {
            throw Invalid(
                text: sources.count > 1
                    ? "Multiple source being copied to a file: \(target.qualified)"
                    : "Cannot copy \(sources[0].qualified), which is not a file to \(target.qualified)")
        }
        let isMerged = syncs || sources.count == 1 && target.status == nil
        for source in sources {
            if source.status?.kind == .directory, isMerged || source.path == "/" {
                plan.merged.append(source)
            } else {
                plan.named.append(source)
            }
        }
        return plan
    }

    private func run(_ plan: Plan) async throws {
        let began = SystemTime().now()
        try await Flights.run(try call.shell.inFlight(call.values["m"])) { add in
            if let single = plan.single {
                if plan.target.status == nil { try await plan.target.access.makeDirectories(plan.target.parent) }
                try await add { await file(single, to: plan.target) }
            } else {
                try await directory(plan.merged, plan.named, to: plan.target, add)
            }
        }
        if tally.now.failed == 0 {
            for surplus in tally.now.surplus { await delete(surplus) }
            // Entries change a directory's time; the deepest come last.
            for (source, target) in tally.now.made.reversed() { await attempt(target) { try await kept.give(source, target) } }
        }
        call.progress.clear()
        let done = tally.now
        Output.fields(
            [
                ("copied", .number(Int64(done.copied))), ("copied_bytes", .number(done.copiedBytes)),
                ("skipped", .number(Int64(done.skipped))), ("skipped_bytes", .number(done.skippedBytes)),
                ("failed", .number(Int64(done.failed))), ("directories", .number(Int64(done.directories))),
                ("deleted", .number(Int64(done.deleted))), ("milliseconds", .number((SystemTime().now() - began).inMilliseconds)),
            ], call.shell.choices.output)
        call.end(done.failed == 0 || call.has("i") ? 0 : Self.failed)
    }

    /// Runs work on one path, and counts its failure.
    private func attempt(_ path: ShellPath, _ body: () async throws -> Void) async {
        do { try await body() } catch {
            tally.note { $0.failed += 1 }
            let text = (error as? ShellComplaint)?.text ?? (error as? JavaException)?.message ?? "\(error)"
            call.complain("\(path.qualified): \(text.piece(before: "\n"))")
        }
    }

    // MARK: trees

    /// Copies the entries of `merged` and the paths of `named` into a target directory, which is made if it is missing.
    private func directory(
        _ merged: [ShellPath], _ named: [ShellPath], to target: ShellPath, _ add: (@escaping Flights.Work) async throws -> Void
    ) async throws {
        var there: [Bytes: ShellPath] = [:]
        if target.status == nil {
            try await target.access.makeDirectories(target.path)
            tally.note { $0.directories += 1 }
        } else {
            for child in try await target.children() { there[child.status?.path ?? Bytes()] = child }
        }
        if !kept.isEmpty, let source = merged.first { tally.note { $0.made.append((source, target)) } }
        var sources: [Bytes: [ShellPath]] = [:]
        var order: [Bytes] = []
        for child in try await merged.asyncFlatMap({ try await $0.children() }) + named {
            let key = Bytes(string: child.name)
            if sources[key] == nil { order.append(key) }
            sources[key, default: []].append(child)
        }
        for key in order {
            guard let all = sources[key], let first = all.first else { continue }
            let goal = there.removeValue(forKey: key) ?? target.child(first.name, nil)
            guard all.count == 1 || all.allSatisfy({ $0.status?.kind == .directory }) else {
                throw Duplicate(text: "File \(all[0].qualified) and \(all[1].qualified) would cause duplicates. Aborting")
            }
            if first.status?.kind == .directory {
                if let file = goal.status, file.kind != .directory {
                    await attempt(goal) { throw ShellComplaint("Can't replace \(goal.qualified). Target is file, Source is directory") }
                } else {
                    try await directory(all, [], to: goal, add)
                }
            } else {
                try await add { await self.file(first, to: goal) }
            }
        }
        if call.has("delete") {
            let surplus = there.values.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
            tally.note { $0.surplus += surplus }
        }
    }

    private func delete(_ surplus: ShellPath) async {
        await attempt(surplus) {
            if call.has("useTrash"), try await Trash.take(surplus) {
            } else {
                guard try await surplus.access.delete(surplus.path, recursive: true) else { return }
            }
            tally.note { $0.deleted += 1 }
        }
    }

    // MARK: files

    /// The CRC-32C and the length of copied bytes.
    private final class Running: Sendable {
        private let state = Mutex((sum: UInt32(0), bytes: Int64(0)))
        func add(_ bytes: Bytes) {
            state.withLock { $0 = (CRC32C.checksum(bytes, seed: $0.sum), $0.bytes + Int64(bytes.readableBytes)) }
        }
        var now: (sum: UInt32, bytes: Int64) { state.withLock { $0 } }
    }

    private func file(_ source: ShellPath, to target: ShellPath) async {
        await attempt(source) {
            if target.status?.kind == .directory {
                throw ShellComplaint("Can't replace \(target.qualified). Target is directory, Source is file")
            }
            let bytes = Int64(clamping: source.status?.lengthBytes ?? 0)
            if target.status != nil, !call.has("overwrite"), try await isCurrent(source, target) {
                tally.note { ($0.skipped, $0.skippedBytes) = ($0.skipped + 1, $0.skippedBytes.addingClamped(bytes)) }
            } else {
                try await copy(source, to: target)
                tally.note { ($0.copied, $0.copiedBytes) = ($0.copied + 1, $0.copiedBytes.addingClamped(bytes)) }
            }
            if !kept.isEmpty { try await kept.give(source, target) }
            call.progress.noteFile()
        }
    }

    /// Whether the target needs no copy: without -update a file that exists is left alone.
    private func isCurrent(_ source: ShellPath, _ target: ShellPath) async throws -> Bool {
        guard call.has("update"), let one = source.status, let other = target.status else { return true }
        guard one.lengthBytes == other.lengthBytes else { return false }
        if one.lengthBytes == 0 { return true }
        if kept.contains(.blockSize), one.blockSizeBytes != other.blockSizeBytes { return false }
        // Where checksums cannot tell, a target that was written later is taken for a copy.
        let isLater = one.modified < other.modified
        return call.has("skipcrccheck") ? isLater : try await SameContent.compare(source, target) ?? isLater
    }

    private func copy(_ source: ShellPath, to target: ShellPath) async throws {
        var choices = try call.shell.writeChoices(overwrite: true)
        if kept.contains(.replication) { choices.replication = source.status.map { Int($0.replication) } }
        if kept.contains(.blockSize) { choices.blockSizeBytes = source.status.map { Int64(clamping: $0.blockSizeBytes) } }
        let (running, progress) = (Running(), call.progress)
        @Sendable func produce(_ write: (Bytes) async throws -> Void) async throws {
            try await source.access.read(source.path, offset: 0, lengthBytes: .max) { bytes in
                try await write(bytes)
                running.add(bytes)
                progress.note(bytes: bytes.readableBytes)
            }
            let (found, told) = (running.now.bytes, Int64(clamping: source.status?.lengthBytes ?? 0))
            guard found == told else { throw ShellComplaint("Mismatch in length of source: \(told) bytes were told, \(found) read") }
        }
        if call.has("direct") {
            try await target.access.write(target.path, choices, produce)
        } else {
            try await Copying.write(target, choices, produce)
        }
        try await check(target, running.now)
    }

    /// Compares the copy's checksum with that of the bytes read, where its file system tells one.
    private func check(_ target: ShellPath, _ read: (sum: UInt32, bytes: Int64)) async throws {
        guard !call.has("skipcrccheck"), read.bytes > 0, target.access is RPCAccess else { return }
        let told: FileChecksum
        do { told = try await target.access.checksum(target.path, .composite) } catch is TransferFailure { return }
        let wanted = FileChecksum.composite(read.sum, kind: .crc32c)
        guard told.algorithm != wanted.algorithm || told == wanted else {
            throw ShellComplaint("Checksum mismatch: \(told.hex) at \(target.qualified), \(wanted.hex) was read")
        }
    }
}

extension Sequence {
    /// The elements of all results in order, one after another.
    fileprivate func asyncFlatMap<T>(_ transform: (Element) async throws -> [T]) async rethrows -> [T] {
        var all: [T] = []
        for element in self { all += try await transform(element) }
        return all
    }
}
