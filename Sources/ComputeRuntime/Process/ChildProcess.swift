// One child process with pipes on its three standard streams, driven by a single thread: it reads the child's output while it writes to the
// child, so neither side can wait for the other forever. The child gets exactly the given environment and its own process group, which is
// killed as a whole. It never goes through a shell.
import ComputeCore
import Foundation
import Glibc

package enum ChildError: Error, CustomStringConvertible {
    case notStarted(program: String, reason: String)
    case pipe(String)
    case failed(program: String, status: String, errorTail: String)

    package var description: String {
        switch self {
        case .notStarted(let program, let reason): "cannot start '\(program)': \(reason)"
        case .pipe(let reason): "pipe to a child process: \(reason)"
        case .failed(let program, let status, let tail):
            "subprocess '\(program)' failed with \(status)" + (tail.isEmpty ? "" : "; the end of its standard error:\n\(tail)")
        }
    }
}

package final class ChildProcess {
    /// The least input per write to the pipe.
    private static let inputBytes = 64 << 10
    private static let readBytes = 64 << 10
    /// Held from making pipes until the child has started: a child of another thread must not inherit unmarked pipes.
    private static let spawning = NSLock()

    private let program: String
    private let pid: pid_t
    private var input: Int32
    private var output: Int32
    private var errors: Int32
    private var pending: [UInt8] = []
    private var readBuffer = [UInt8](repeating: 0, count: readBytes)
    private let onOutput: (ArraySlice<UInt8>) throws -> Void
    private let onErrors: (ArraySlice<UInt8>) throws -> Void
    private var isReaped = false

    /// Starts `arguments[0]`, found on the PATH of this process. The callbacks run on the thread that calls `write` and `finish`.
    package init(
        arguments: [String], environment: [(String, String)],
        onOutput: @escaping (ArraySlice<UInt8>) throws -> Void, onErrors: @escaping (ArraySlice<UInt8>) throws -> Void
    ) throws {
        guard let program = arguments.first else { throw StreamingRefusal.emptyCommand }
        self.program = program
        self.onOutput = onOutput
        self.onErrors = onErrors
        // A child that closes its input early must not end this process.
        signal(SIGPIPE, SIG_IGN)
        Self.spawning.lock()
        defer { Self.spawning.unlock() }
        let (childInput, input) = try Self.makePipe()
        let (output, childOutput) = try Self.makePipe()
        let (errors, childErrors) = try Self.makePipe()
        (self.input, self.output, self.errors) = (input, output, errors)
        defer { for descriptor in [childInput, childOutput, childErrors] { close(descriptor) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, childInput, 0)
        posix_spawn_file_actions_adddup2(&actions, childOutput, 1)
        posix_spawn_file_actions_adddup2(&actions, childErrors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var environmentPointers = environment.map { strdup("\($0.0)=\($0.1)") } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, program, &actions, &attributes, &argumentPointers, &environmentPointers)
        self.pid = pid
        guard result == 0 else {
            isReaped = true
            for descriptor in [input, output, errors] { close(descriptor) }
            (self.input, self.output, self.errors) = (-1, -1, -1)
            throw ChildError.notStarted(program: program, reason: String(cString: strerror(result)))
        }
        for descriptor in [input, output, errors] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        for descriptor in [input, output, errors] where descriptor >= 0 { close(descriptor) }
        guard !isReaped else { return }
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    /// Ends the child and its children; safe from any thread.
    package var killer: @Sendable () -> Void {
        let pid = pid
        return { kill(-pid, SIGKILL) }
    }

    /// Writes input. Input to a closed pipe is dropped: the child's exit status tells whether that was meant.
    package func write(_ bytes: ArraySlice<UInt8>) throws {
        guard input >= 0 else { return }
        pending.append(contentsOf: bytes)
        if pending.count >= Self.inputBytes { try flush() }
    }

    /// Ends the input, reads the rest of the output, waits for the exit. Returns the wait status.
    package func finish() throws -> Int32 {
        try flush()
        closeInput()
        while output >= 0 || errors >= 0 { try pump() }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        isReaped = true
        return status
    }

    /// Words for a wait status; nil for success.
    package static func failure(_ status: Int32) -> String? {
        if status == 0 { return nil }
        let signal = status & 0x7F
        return signal == 0 ? "exit code \((status >> 8) & 0xFF)" : "signal \(signal)"
    }

    package static func exitCode(_ status: Int32) -> Int32 {
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    private func flush() throws {
        while input >= 0, !pending.isEmpty { try pump() }
        pending.removeAll(keepingCapacity: true)
    }

    /// Waits until any stream is ready and moves bytes once on each that is.
    private func pump() throws {
        var polls = [
            pollfd(fd: pending.isEmpty ? -1 : input, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: output, events: Int16(POLLIN), revents: 0), pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&polls, 3, -1)
        if ready < 0 {
            if errno == EINTR { return }
            throw ChildError.pipe(String(cString: strerror(errno)))
        }
        if polls[0].revents != 0 { writePending() }
        if polls[1].revents != 0, try !read(output, onOutput) {
            close(output)
            output = -1
        }
        if polls[2].revents != 0, try !read(errors, onErrors) {
            close(errors)
            errors = -1
        }
    }

    private func writePending() {
        // The pointer is used inside the closure and within the array's own length.
        let written = pending.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
        if written > 0 {
            pending.removeFirst(written)
        } else if written < 0 && errno != EAGAIN && errno != EINTR {
            pending.removeAll()
            closeInput()
        }
    }

    /// False at the end of the stream.
    private func read(_ descriptor: Int32, _ body: (ArraySlice<UInt8>) throws -> Void) throws -> Bool {
        // The pointer is used inside the closure and within the array's own length.
        let count = readBuffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        if count > 0 { try body(readBuffer[..<count]) }
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }

    private func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    private static func makePipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ChildError.pipe(String(cString: strerror(errno))) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
