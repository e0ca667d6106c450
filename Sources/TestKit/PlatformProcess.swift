// The real program as a child of a test: it starts on free ports with data of its own, is ready at its READY line, and is stopped by pid. A
// finished test leaves no process and no directory behind.
import Foundation

/// A running `platform` process.
package final class PlatformProcess: @unchecked Sendable {
    // Safe to share: the fields are set before the value is handed out; Process is used by one test at a time.
    private let process = Process()
    private let errors: URL
    /// Addresses by the names of the READY line.
    package private(set) var endpoints: [String: String] = [:]
    package private(set) var readyAfter: Duration = .zero

    /// The program built with the tests.
    package static var program: String {
        // The test bundle lies beside it.
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let beside = bundle.appendingPathComponent("platform").path
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        return packageRoot + "/.build/debug/platform"
    }

    package static var packageRoot: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    }

    package static func temporaryDirectory() throws -> String {
        let path = NSTemporaryDirectory() + "/platform-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// Starts and waits for READY, at most `timeout`. Relative paths that a client names are below `folder`, by default below the caller's.
    package init(
        _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil, timeout: Duration = .seconds(30)
    ) throws {
        errors = URL(fileURLWithPath: NSTemporaryDirectory() + "/platform-test-" + UUID().uuidString + ".log")
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder, isDirectory: true) }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        let began = ContinuousClock.now
        try process.run()
        let watchdog = DispatchWorkItem { [process] in process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(timeout.components.seconds * 1000)), execute: watchdog)
        defer { watchdog.cancel() }
        var text = ""
        while let chunk = try output.fileHandleForReading.read(upToCount: 1), !chunk.isEmpty {
            text += String(decoding: chunk, as: UTF8.self)
            if text.last == "\n" { break }
        }
        readyAfter = ContinuousClock.now - began
        guard text.hasPrefix("READY ") else {
            process.waitUntilExit()
            throw Failure("the program did not get ready; it said: \(log)")
        }
        for pair in text.dropFirst(6).split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { endpoints[String(parts[0])] = String(parts[1]) }
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
        package init(_ description: String) { self.description = description }
    }

    package var pid: Int32 { process.processIdentifier }
    package var log: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }  // a log that cannot be read is no log

    package func endpoint(_ name: String) throws -> String {
        guard let address = endpoints[name] else { throw Failure("the READY line has no \(name): \(endpoints)") }
        return address
    }

    /// kill -9, and waits for the end.
    package func kill() {
        Foundation.kill(pid, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: errors)  // a file in the temporary directory may stay
    }

    /// SIGTERM (or another signal), and waits for the end. Returns the exit status and how long it took.
    @discardableResult package func stop(by signal: Int32 = SIGTERM) -> (status: Int32, took: Duration) {
        let began = ContinuousClock.now
        if process.isRunning { Foundation.kill(pid, signal) }
        process.waitUntilExit()
        let took = ContinuousClock.now - began
        try? FileManager.default.removeItem(at: errors)  // a file in the temporary directory may stay
        return (process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus, took)
    }

    /// Resident memory in bytes.
    package var residentBytes: Int {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/statm") else { return 0 }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }

    deinit { if process.isRunning { Foundation.kill(pid, SIGKILL) } }
}

/// The result of a program's run.
package struct Ran: Sendable {
    package var status: Int32
    package var output: String
    package var errors: String

    /// Runs a program to its end, or to `timeout`.
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
        timeout: Duration = .seconds(120)
    ) throws -> Ran {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let directory = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
        let (out, err) = (directory + "/out", directory + "/err")
        for path in [out, err] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: out)
        process.standardError = FileHandle(forWritingAtPath: err)
        if let input {
            let path = directory + "/in"
            _ = FileManager.default.createFile(atPath: path, contents: Data(input.utf8))
            process.standardInput = FileHandle(forReadingAtPath: path)
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
        // The child has the signal mask of a dispatch thread, which blocks SIGTERM.
        let watchdog = DispatchWorkItem { Foundation.kill(process.processIdentifier, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(Int(timeout.components.seconds)), execute: watchdog)
        process.waitUntilExit()
        watchdog.cancel()
        func text(_ path: String) -> String { FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        return Ran(
            status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus, output: text(out),
            errors: text(err))
    }

    /// Runs our own program.
    package static func platform(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, timeout: Duration = .seconds(60)
    ) throws -> Ran {
        try run(PlatformProcess.program, arguments, environment: environment, input: input, timeout: timeout)
    }

    /// Runs a script of Tests/Clients with the Python environment of the tests.
    package static func client(_ script: String, _ arguments: [String], timeout: Duration = .seconds(300)) throws -> Ran {
        let python = ProcessInfo.processInfo.environment["PLATFORM_PYTHON"] ?? PlatformProcess.packageRoot + "/.venv/bin/python"
        return try run(python, ["-B", PlatformProcess.packageRoot + "/Tests/Clients/" + script] + arguments, timeout: timeout)
    }
}
