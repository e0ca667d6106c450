// The process of a Python worker: its start with few descriptors and a small environment, and its end. Its standard input is empty. Both
// of its standard outputs are one socket; a second one carries frames; the end of a third one tells the end of this process. It leads a
// process group of its own, which is killed as a whole.
import Foundation
import Glibc

final class PythonChild {
    /// The descriptors of the child.
    private static let socketDescriptor: Int32 = 3
    private static let lifelineDescriptor: Int32 = 4
    /// The ends for the child have at least this number before its start.
    private static let firstFree: Int32 = 10
    /// The wait for the status of a child that was killed.
    private static let reapMax = Duration.seconds(5)

    private let pid: pid_t
    private let folder: String
    let socket: Int32
    private let lifeline: Int32
    private(set) var printed: Int32
    private var isReaped = false

    init(_ settings: PythonWorkerSettings) throws {
        let folder = try Self.makeFolder(settings)
        var opened: [Int32] = []
        var isStarted = false
        defer {
            if !isStarted {
                opened.forEach { _ = Glibc.close($0) }
                Self.remove(folder)
            }
        }
        let (socket, childSocket) = try Self.pair()
        let (lifeline, childLifeline) = try Self.pair()
        let (printed, childPrinted) = try Self.pair()
        opened = [socket, lifeline, printed]
        let ends = [childPrinted, childPrinted, childSocket, childLifeline]
        defer { Set(ends).forEach { _ = Glibc.close($0) } }
        pid = try Self.spawn(settings, folder, ends)
        isStarted = true
        for descriptor in [socket, printed] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        (self.folder, self.socket, self.lifeline, self.printed) = (folder, socket, lifeline, printed)
    }

    deinit {
        _ = end()
        closePrinted()
        _ = Glibc.close(socket)
        _ = Glibc.close(lifeline)
        Self.remove(folder)
    }

    func closePrinted() {
        if printed >= 0 { _ = Glibc.close(printed) }
        printed = -1
    }

    /// Kills the group if it still runs; the words for the status with which the child ended before, nil if it ran.
    func end() -> String? {
        if isReaped { return nil }
        // The status of a child that has just closed its socket may come a moment later.
        let patience = ContinuousClock.now + .milliseconds(100)
        while !hasExited, isClosed, ContinuousClock.now < patience { usleep(1_000) }
        let ended = hasExited
        // Before its status is taken: until then the number is of this child.
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        var found = waitpid(pid, &status, WNOHANG)
        let deadline = ContinuousClock.now + Self.reapMax
        while found == 0, ContinuousClock.now < deadline {
            usleep(1_000)
            found = waitpid(pid, &status, WNOHANG)
        }
        isReaped = found != 0
        return ended ? ChildProcess.failure(status) ?? "exit code 0" : nil
    }

    private var hasExited: Bool {
        var change = siginfo_t()
        return waitid(P_PID, id_t(pid), &change, WEXITED | WNOHANG | WNOWAIT) == 0 && change.si_signo != 0
    }

    /// Whether the child has closed its end of the socket.
    private var isClosed: Bool {
        var polled = pollfd(fd: socket, events: 0, revents: 0)
        return poll(&polled, 1, 0) > 0 && polled.revents & Int16(POLLHUP) != 0
    }

    private static func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw PythonWorkerFailure.notStarted(String(cString: strerror(errno)))
        }
        // Above the descriptors of the child, so that none of them is overwritten before it is copied.
        let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, firstFree) }
        ends.forEach { _ = Glibc.close($0) }
        guard moved.allSatisfy({ $0 >= 0 }) else {
            moved.filter { $0 >= 0 }.forEach { _ = Glibc.close($0) }
            throw PythonWorkerFailure.notStarted(String(cString: strerror(errno)))
        }
        return (moved[0], moved[1])
    }

    private static func makeFolder(_ settings: PythonWorkerSettings) throws -> String {
        let parent = settings.folder ?? NSTemporaryDirectory()
        var template = Array((parent.hasSuffix("/") ? parent : parent + "/").utf8CString.dropLast()) + Array("python-XXXXXX".utf8CString)
        do {
            try FileManager.default.createDirectory(
                atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw PythonWorkerFailure.notStarted("its folder in \(parent) cannot be made: \(error.localizedDescription)")
        }
        guard mkdtemp(&template) != nil else {
            throw PythonWorkerFailure.notStarted("its folder in \(parent) cannot be made: \(String(cString: strerror(errno)))")
        }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for (name, content) in PythonProgram.files {
            let path = folder + "/" + name
            let isMade = FileManager.default.createFile(atPath: path, contents: Data(content), attributes: [.posixPermissions: 0o600])
            guard isMade else { throw PythonWorkerFailure.notStarted("\(path) cannot be written") }
        }
        return folder
    }

    private static func remove(_ folder: String) {
        do { try FileManager.default.removeItem(atPath: folder) } catch {
            // What a function has made unremovable stays until the next start, which empties the folder above.
        }
    }

    /// `ends`: the child's standard output and error, its socket, its lifeline.
    private static func spawn(_ settings: PythonWorkerSettings, _ folder: String, _ ends: [Int32]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, end) in zip([1, 2, socketDescriptor, lifelineDescriptor], ends) {
            posix_spawn_file_actions_adddup2(&actions, end, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let limits =
            "{\"socket\": \(socketDescriptor), \"lifeline\": \(lifelineDescriptor), \"memoryBytes\": \(settings.memoryBytesMax), "
            + "\"fileBytes\": \(settings.fileBytesMax)}"
        let words: [String] = [settings.program, folder + "/" + PythonProgram.main, limits]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment(folder).map { strdup("\($0.0)=\($0.1)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, settings.program, &actions, &attributes, &arguments, &variables)
        guard result == 0 else {
            throw PythonWorkerFailure.notStarted("'\(settings.program)': \(String(cString: strerror(result)))")
        }
        return pid
    }

    /// Nothing of this process's own but where programs and a user's packages are, and the language.
    private static func environment(_ folder: String) -> [(String, String)] {
        let own = ProcessInfo.processInfo.environment
        var made = [
            ("HOME", folder), ("TMPDIR", folder), ("PATH", own["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"),
            ("LANG", own["LANG"] ?? "C.UTF-8"),
            ("PYTHONDONTWRITEBYTECODE", "1"), ("ARROW_DEFAULT_MEMORY_POOL", "system"),
            // One thread for each worker: workers run side by side.
            ("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "2"),
        ]
        if let home = own["HOME"] { made.append(("PYTHONUSERBASE", home + "/.local")) }
        return made
    }
}
