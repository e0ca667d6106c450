// `platform coord 4lw`, `sessions` and `members`: a server's report of itself by four-letter words and its configuration node. They work
// against any ZooKeeper that answers these words.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit
import ZooKeeperWire

struct CoordWord: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "4lw", abstract: "Send a four-letter word.",
        discussion: "EXAMPLES\n  platform coord 4lw ruok\n  platform coord 4lw mntr --server 127.0.0.1:2182")
    @Argument(help: "ruok, srvr, stat, mntr, conf, cons, ...") var word: String
    @Option(name: .long, help: ArgumentHelp("The ZooKeeper server.", valueName: "host:port")) var server = DefaultServer.coord

    func run() async throws {
        let answer = try FourLetterConversation.ask(word, try serverAddress(server, defaultPort: 2181))
        Output.data(answer.hasSuffix("\n") ? answer : answer + "\n")
    }
}

/// One word, one answer, on a connection of its own.
enum FourLetterConversation {
    /// Size limit of an answer, in bytes.
    private static let answerBytesMax = 64 << 20
    private static let secondsMax = 10

    static func ask(_ word: String, _ server: HostPort) throws(CommandFailure) -> String {
        guard word.utf8.count == 4 else {
            throw CommandFailure(
                .usage, "'\(word)' is no four-letter word", why: "it has \(word.utf8.count) letters",
                next: "for example `platform coord 4lw ruok`")
        }
        let answer = try exchange(word, server)
        guard !answer.contains("is not executed because it is not in the whitelist") else {
            throw CommandFailure(
                .denied, "\(server) does not answer '\(word)'", why: "the word is not on its list",
                next: "add it to coord.four-letter-words (4lw.commands.whitelist of a ZooKeeper)")
        }
        guard !answer.isEmpty else {
            throw CommandFailure(
                .failed, "\(server) has no answer to '\(word)'", why: "it closed the connection: the word is unknown to it",
                next: "try ruok, srvr, stat, mntr, conf or cons")
        }
        return answer
    }

    private static func exchange(_ word: String, _ server: HostPort) throws(CommandFailure) -> String {
        func unreachable(_ why: String) -> CommandFailure {
            CommandFailure(
                .unreachable, "cannot ask \(server)", why: why, next: "start the service with `platform up`, or name another with --server")
        }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(server.host, "\(server.port)", &hints, &found) == 0, let address = found else {
            throw unreachable("the name is unknown")
        }
        defer { freeaddrinfo(found) }
        let socket = socket(address.pointee.ai_family, address.pointee.ai_socktype, 0)
        guard socket >= 0 else { throw unreachable(String(cString: strerror(errno))) }
        defer { close(socket) }
        var patience = timeval(tv_sec: secondsMax, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard connect(socket, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else { throw unreachable("nobody answers there") }
        guard send(socket, word, 4, Int32(MSG_NOSIGNAL)) == 4 else { throw unreachable(String(cString: strerror(errno))) }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while answer.count < answerBytesMax {
            let count = recv(socket, &piece, piece.count, 0)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw unreachable(errno == EAGAIN ? "no answer within \(secondsMax) s" : String(cString: strerror(errno))) }
            if count == 0 { break }
            answer += piece[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}

struct CoordSessions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List the clients of a server.",
        discussion: "Asks by the four-letter word `cons`.\n\nEXAMPLES\n  platform coord sessions\n  platform coord sessions -o json")
    @Option(name: .long, help: ArgumentHelp("The ZooKeeper server.", valueName: "host:port")) var server = DefaultServer.coord
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try FourLetterConversation.ask("cons", try serverAddress(server, defaultPort: 2181))
        let rows = answer.split(separator: "\n").compactMap(Self.row)
        Output.rows(
            ["session", "client", "timeout_ms", "queued", "received", "sent", "last_operation", "latency_max_ms"], rows, output.output)
    }

    /// ` /127.0.0.1:50000[1](queued=0,recved=3,sent=3,sid=0x1,lop=PING,...)`; connections without a session are left out.
    static func row(_ line: Substring) -> [OutputValue]? {
        guard let bracket = line.firstIndex(of: "["), let open = line.firstIndex(of: "("), line.hasSuffix(")") else { return nil }
        var fields: [String: String] = [:]
        for pair in line[line.index(after: open)...].dropLast().split(separator: ",") {
            let words = pair.split(separator: "=", maxSplits: 1)
            if words.count == 2 { fields[String(words[0])] = String(words[1]) }
        }
        guard let session = fields["sid"] else { return nil }
        func number(_ name: String) -> OutputValue { fields[name].flatMap { Int64($0) }.map { .number($0) } ?? .null }
        let client = line[..<bracket].drop { $0 == " " || $0 == "/" }
        return [
            .text(session), .text(String(client)), number("to"), number("queued"), number("recved"), number("sent"),
            .text(fields["lop"] ?? "-"), number("maxlat"),
        ]
    }
}

struct CoordMembers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members", abstract: "List the servers of an ensemble.",
        discussion:
            "Reads /zookeeper/config; a server that stands alone has none and is asked by `srvr`.\n\nEXAMPLES\n  platform coord members\n  platform coord members -o json"
    )
    @OptionGroup var server: CoordServerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (data, _) = try await server.withClient("cannot read the members") { try await $0.get("/zookeeper/config") }
        var rows = (data?.text ?? "").split(separator: "\n").compactMap(Self.row)
        if rows.isEmpty {
            let overview = try FourLetterConversation.ask("srvr", try serverAddress(server.server, defaultPort: 2181))
            let mode = overview.split(separator: "\n").first { $0.hasPrefix("Mode: ") }.map { String($0.dropFirst(6)) } ?? "unknown"
            rows = [[.null, .null, .text(mode), .text(server.server)]]
        }
        Output.rows(["id", "peers", "role", "clients"], rows, output.output)
    }

    /// `server.1=host:2888:3888:participant;0.0.0.0:2181`.
    static func row(_ line: Substring) -> [OutputValue]? {
        guard line.hasPrefix("server."), let equals = line.firstIndex(of: "="),
            let id = Int64(line[line.index(line.startIndex, offsetBy: 7)..<equals])
        else { return nil }
        let halves = line[line.index(after: equals)...].split(separator: ";", maxSplits: 1)
        var words = (halves.first ?? "").split(separator: ":").map(String.init)
        let role = words.last.flatMap { ["participant", "observer"].contains($0) ? $0 : nil }
        if role != nil { words.removeLast() }
        return [
            .number(id), .text(words.joined(separator: ":")), .text(role ?? "participant"),
            halves.count > 1 ? .text(String(halves[1])) : .null,
        ]
    }
}
