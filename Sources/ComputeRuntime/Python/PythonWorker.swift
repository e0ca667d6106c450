// One process that calls Python functions: started with a folder of its own, few descriptors and a small environment; frames over one
// socket, its life tied to a second one, whatever it prints kept for the message of its end. Every wait looks at the caller's cancellation,
// and a worker that breaks the protocol is killed. One thread at a time uses it.
import ComputeCore
import Foundation
import Glibc

/// Why a worker is of no more use.
package enum PythonWorkerFailure: Error, CustomStringConvertible {
    case notStarted(String)
    /// What its Python lacks.
    case missing(String, program: String)
    /// It ended, or was ended for breaking the protocol.
    case ended(String, printed: String)
    /// Rows that no frame can hold, in bytes.
    case tooLarge(Int)

    package var description: String {
        switch self {
        case .notStarted(let reason): "A Python worker cannot be started: \(reason)"
        case .missing(let what, let program):
            "The Python of the server (\(program)) cannot run functions: \(what). Install pyspark-client, pandas and pyarrow for it, "
                + "or name another Python with the setting compute.python."
        case .tooLarge(let bytes):
            "\(bytes) bytes of rows for one call of a Python function are more than \(PythonWorker.frameBytesMax); make smaller groups."
        case .ended(let reason, let printed):
            "Python worker exited unexpectedly (crashed): \(reason)" + (printed.isEmpty ? "" : "\n\(printed)")
        }
    }
}

package struct PythonWorkerSettings: Sendable {
    /// Found on the PATH of this process.
    package var program = "python3"
    /// Address space of one worker, in bytes.
    package var memoryBytesMax = 2 << 30
    /// A file that a worker writes, in bytes.
    package var fileBytesMax = 1 << 30
    /// Of all sessions together.
    package var workersMax = 64
    /// Holds the workers' folders; nil: the system's folder for temporary files.
    package var folder: String?
    /// The time to import what functions need.
    package var startMax = Duration.seconds(60)
    /// Without work a worker is kept for this long.
    package var idleMax = Duration.seconds(60)

    package init() {}
}

package final class PythonWorker {
    /// Bytes of one frame; the worker has the same limit.
    package static let frameBytesMax = 1 << 30
    /// Bytes that are kept of what a worker prints.
    private static let printedBytesMax = 8 << 10
    private static let readBytes = 256 << 10
    /// The longest wait without a look at the caller's cancellation, in milliseconds.
    private static let lookMilliseconds: Int32 = 50
    /// The time for a closed call to end.
    private static let closeMax = Duration.seconds(2)

    /// Throws to end a wait.
    package typealias Check = () throws -> Void

    let child: PythonChild
    /// Such as `3.11`.
    package private(set) var version = ""
    private var received: [UInt8] = []
    private var printed: [UInt8] = []

    /// Starts a worker and waits until it is ready.
    package init(_ settings: PythonWorkerSettings, _ check: Check) throws {
        child = try PythonChild(settings)
        let deadline = ContinuousClock.now + settings.startMax
        let (kind, payload) = try receive { () throws in
            try check()
            if ContinuousClock.now > deadline { throw self.ended("it was not ready after \(settings.startMax)") }
        }
        struct Ready: Decodable {
            var version: String
            var missing: String?
        }
        guard kind == PythonFrame.ready else { throw ended("it did not say that it is ready") }
        let ready: Ready
        do { ready = try JSONDecoder().decode(Ready.self, from: Data(payload)) } catch { throw ended("it is ready in no known form") }
        if let missing = ready.missing { throw PythonWorkerFailure.missing(missing, program: settings.program) }
        version = ready.version
    }

    package func send(_ kind: UInt8, _ parts: [[UInt8]] = [], _ check: Check) throws {
        let size = parts.reduce(1) { $0 + $1.count }
        guard size <= Self.frameBytesMax else { throw PythonWorkerFailure.tooLarge(size) }
        try write((0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } + [kind], check)
        for part in parts { try write(part, check) }
    }

    /// The next frame. `reserve` gets its size before memory is taken for it.
    package func receive(reserve: (Int) throws -> Void = { _ in }, _ check: Check) throws -> (kind: UInt8, payload: [UInt8]) {
        try fill(5, check)
        let size = (0..<4).reduce(0) { $0 | Int(received[$1]) << (8 * $1) }
        guard size >= 1, size <= Self.frameBytesMax else { throw ended("it wrote bytes that are no message") }
        let kind = received[4]
        try reserve(size)
        received.removeFirst(5)
        try fill(size - 1, check)
        let rest = Array(received.dropFirst(size - 1))
        received.removeLast(rest.count)
        defer { received = rest }
        return (kind, received)
    }

    /// Ends a call of which no more is wanted. Returns whether the worker can take another.
    package func close() -> Bool {
        let deadline = ContinuousClock.now + Self.closeMax
        let check: Check = { if ContinuousClock.now > deadline { throw JobCancelled() } }
        do {
            try send(PythonFrame.close, [], check)
            while true {
                let (kind, _) = try receive(check)
                if kind == PythonFrame.done || kind == PythonFrame.failed { return true }
                if kind != PythonFrame.want && kind != PythonFrame.result { return false }
            }
        } catch {
            // It does not listen, and ends with its release.
            return false
        }
    }

    /// Kills it, with all that it printed as the reason.
    package func ended(_ reason: String) -> PythonWorkerFailure {
        let status = child.end()
        readPrinted()
        let text = String(decoding: printed.suffix(Self.printedBytesMax), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return .ended(status.map { "\(reason): \($0)" } ?? reason, printed: text)
    }

    // MARK: Bytes

    private func write(_ bytes: [UInt8], _ check: Check) throws {
        var at = 0
        while at < bytes.count {
            // The pointer is used inside the closure and within the array's own length.
            let count = bytes.withUnsafeBytes { Glibc.send(child.socket, $0.baseAddress! + at, $0.count - at, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                at += count
            } else if errno == EAGAIN || errno == EINTR {
                try wait(Int16(POLLOUT), check)
            } else {
                throw ended("it closed its socket")
            }
        }
    }

    /// Until `received` holds that many bytes.
    private func fill(_ count: Int, _ check: Check) throws {
        var buffer: [UInt8] = []
        while received.count < count {
            if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: max(4096, min(Self.readBytes, count - received.count))) }
            // The pointer is used inside the closure and within the array's own length.
            let got = buffer.withUnsafeMutableBytes { recv(child.socket, $0.baseAddress, $0.count, 0) }
            if got > 0 {
                received.append(contentsOf: buffer[..<got])
            } else if got < 0, errno == EAGAIN || errno == EINTR {
                try wait(Int16(POLLIN), check)
            } else {
                throw ended("it ended")
            }
        }
    }

    /// Until the socket is ready, or a moment has passed; reads what the worker prints meanwhile.
    private func wait(_ events: Int16, _ check: Check) throws {
        try check()
        var polls = [pollfd(fd: child.socket, events: events, revents: 0), pollfd(fd: child.printed, events: Int16(POLLIN), revents: 0)]
        if poll(&polls, 2, Self.lookMilliseconds) > 0, polls[1].revents != 0 { readPrinted() }
    }

    private func readPrinted() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while child.printed >= 0 {
            // The pointer is used inside the closure and within the array's own length.
            let got = buffer.withUnsafeMutableBytes { read(child.printed, $0.baseAddress, $0.count) }
            if got > 0 {
                printed.append(contentsOf: buffer[..<got])
                if printed.count > 2 * Self.printedBytesMax { printed.removeFirst(printed.count - Self.printedBytesMax) }
                continue
            }
            if got < 0, errno == EAGAIN || errno == EINTR { return }
            child.closePrinted()
        }
    }
}

/// Kinds of frames; `platform_worker.py` has the same.
package enum PythonFrame {
    package static let open = UInt8(ascii: "O")
    package static let input = UInt8(ascii: "I")
    package static let groups = UInt8(ascii: "G")
    package static let end = UInt8(ascii: "E")
    package static let close = UInt8(ascii: "C")
    package static let ready = UInt8(ascii: "R")
    package static let want = UInt8(ascii: "W")
    package static let result = UInt8(ascii: "B")
    package static let done = UInt8(ascii: "D")
    package static let failed = UInt8(ascii: "X")
}
