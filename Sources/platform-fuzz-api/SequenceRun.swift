// One sequence against the real program: requests of several sessions, an end by signal or by kill, a start, and the laws. The process
// lives and starts, state is the same before and after and on every server, memory stays below a bound, no turn of a loop exceeds its
// limit.
import Base
import Foundation
import TestKit

struct SequenceRun {
    private let subject: any Subject.Type
    private let seed: UInt64
    private let servers: Int
    private let directory: String

    private static let sessions = 3
    private static let requestsMax = 60
    /// Lives of the program per run.
    private static let lives = 3
    /// Memory limit, far above the need of such a run, in bytes.
    private static let memoryMax = 1 << 30
    /// The longest turn of a loop, in seconds, as a bucket of the histogram; for a debug build on a busy machine.
    private static let turnMax = "5.0"

    init(_ subject: any Subject.Type, seed: UInt64, servers: Int) throws {
        self.subject = subject
        self.seed = seed
        self.servers = servers
        directory = try PlatformProcess.temporaryDirectory()
    }

    /// Returns the number of requests sent.
    func run() throws -> Int {
        defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
        var random = Prng(seed: seed)
        var sent = 0
        var expected: [String]?
        let (data, work) = (directory + "/data", directory + "/files/work")
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        for life in 0..<Self.lives {
            let platform = try PlatformProcess(
                ["up", "--data-dir", data, "--ports", "auto"] + subject.arguments(servers: servers), in: work, timeout: .seconds(120))
            do {
                if let expected { try compare(try state(platform), expected, "after start \(life)") }
                sent += try converse(platform, &random)
                expected = try state(platform)
                try check(platform)
            } catch {
                let log = Self.excerpt(platform.log)
                platform.kill()
                throw Finding("\(error)\n\(log)")
            }
            if random.chance(1, in: 2) {
                platform.kill()
            } else {
                let (status, _) = platform.stop()
                guard status == 0 else { throw Finding("a stop ended with \(status)") }
            }
        }
        return sent
    }

    /// The crash in a log with its backtrace; without one, the last lines.
    private static func excerpt(_ log: String) -> String {
        let lines = log.split(separator: "\n")
        let thread = lines.firstIndex { $0.hasPrefix("Thread ") && $0.hasSuffix("crashed:") }
        guard let thread else { return lines.suffix(20).joined(separator: "\n") }
        return (lines[..<thread].filter { $0.contains("Fatal error") } + lines[thread...].prefix(40)).joined(separator: "\n")
    }

    /// Sessions over all servers, ordered only within each session; every request is answered or its connection closed.
    private func converse(_ platform: PlatformProcess, _ random: inout Prng) throws -> Int {
        let addresses = try subject.endpoints(servers: servers).map(platform.endpoint)
        var sessions: [(session: any SubjectSession, waiting: [String])] = []
        for place in 0..<Self.sessions { sessions.append((try subject.connect(addresses[place % addresses.count]), [])) }
        let count = 10 + random.below(Self.requestsMax)
        for _ in 0..<count {
            let place = random.below(sessions.count)
            let request = subject.draw(&random)
            do { try sessions[place].session.send(request) } catch { throw Finding("\(request.name) could not be sent: \(error)") }
            sessions[place].waiting.append(request.name)
            if random.chance(1, in: 4) { try settle(&sessions[place], addresses[place % addresses.count]) }
        }
        for place in sessions.indices {
            try settle(&sessions[place], addresses[place % addresses.count])
            try sessions[place].session.endWork()
        }
        return count
    }

    private func settle(_ entry: inout (session: any SubjectSession, waiting: [String]), _ address: String) throws {
        for name in entry.waiting {
            do {
                if try entry.session.answer() != nil { continue }
                // Later requests of the connection get no answer either.
                entry.session = try subject.connect(address)
                break
            } catch { throw Finding("\(name): \(error)") }
        }
        entry.waiting = []
    }

    /// Abandoned work ends within this time, on a busy machine.
    private static let quietMax = Duration.seconds(90)

    private func settle(_ platform: PlatformProcess) throws {
        let end = ContinuousClock.now + Self.quietMax
        while !subject.isQuiet(try metrics(platform)) {
            guard ContinuousClock.now < end else { throw Finding("work of clients that went away goes on after \(Self.quietMax)") }
            usleep(50_000)
        }
    }

    private func state(_ platform: PlatformProcess) throws -> [String] {
        try settle(platform)
        let addresses = try subject.endpoints(servers: servers).map(platform.endpoint)
        let first = try subject.state(addresses[0])
        for address in addresses.dropFirst() { try compare(try subject.state(address), first, "at \(address)") }
        return first
    }

    private func compare(_ found: [String], _ expected: [String], _ whereabouts: String) throws {
        guard found != expected else { return }
        let (missing, added) = (Set(expected).subtracting(found).sorted(), Set(found).subtracting(expected).sorted())
        let lines = missing.prefix(5).map { "- \($0.prefix(300))" } + added.prefix(5).map { "+ \($0.prefix(300))" }
        throw Finding(
            "state differs \(whereabouts): \(missing.count) lines are gone, \(added.count) are new\n\(lines.joined(separator: "\n"))")
    }

    private func check(_ platform: PlatformProcess) throws {
        guard platform.residentBytes < Self.memoryMax else { throw Finding("the process holds \(platform.residentBytes >> 20) MiB") }
        guard let loops = subject.loops else { return }
        let metrics = try metrics(platform)
        let name = "platform_loop_turn_duration_seconds"
        guard let all = metrics["\(name)_count{service=\"\(loops)\"}"],
            let short = metrics["\(name)_bucket{service=\"\(loops)\",le=\"\(Self.turnMax)\"}"]
        else {
            throw Finding("no metric tells how long turns took")
        }
        guard all == short else { throw Finding("\(Int(all - short)) turns of the loop took more than \(Self.turnMax) s") }
    }

    /// By name and labels, as they stand on the page.
    private func metrics(_ platform: PlatformProcess) throws -> [String: Double] {
        var values: [String: Double] = [:]
        for line in try http(try platform.endpoint("console"), "/metrics").utf8.split(separator: UInt8(ascii: "\n")) {
            guard let blank = line.lastIndex(of: UInt8(ascii: " ")), line.first != UInt8(ascii: "#") else { continue }
            values[String(Substring(line[..<blank]))] = Double(Substring(line[line.index(after: blank)...]))
        }
        return values
    }

    private func http(_ address: String, _ path: String) throws -> String {
        let socket = try ByteSocket(address)
        _ = try socket.send(Bytes(string: "GET \(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\r\n"))
        return try socket.rest().text
    }
}

/// The same requests to our server and to another running one, one after the other.
struct DifferentialRun {
    private let subject: any Subject.Type
    private let seed: UInt64
    private let requests: Int
    private let other: String

    init(_ subject: any Subject.Type, seed: UInt64, requests: Int, _ other: String) {
        self.subject = subject
        self.seed = seed
        self.requests = requests
        self.other = other
    }

    func run() throws -> [String] {
        let platform = try PlatformProcess(
            ["up", "--ephemeral", "--ports", "auto"] + subject.arguments(servers: 1), timeout: .seconds(120))
        defer { platform.kill() }
        let addresses = [try platform.endpoint(subject.endpoints(servers: 1)[0]), other]
        var random = Prng(seed: seed)
        var sessions: [any SubjectSession] = []
        for address in addresses { sessions.append(try subject.connect(address)) }
        var differences: [String] = []
        for _ in 0..<requests {
            let request = subject.draw(&random)
            guard subject.isComparable(request) else { continue }
            var answers: [String] = []
            for place in sessions.indices {
                try sessions[place].send(request)
                if let answer = try sessions[place].answer() {
                    answers.append("\(answer.code) \(answer.comparable)")
                } else {
                    answers.append("closed")
                    sessions[place] = try subject.connect(addresses[place])
                }
            }
            if answers[0] != answers[1] {
                differences.append("\(request.name.prefix(300)): ours \(answers[0].prefix(200)), theirs \(answers[1].prefix(200))")
            }
        }
        return differences
    }
}
