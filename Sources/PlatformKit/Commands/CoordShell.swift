// `platform coord shell`: an interactive client with zkCli's spellings. On a terminal it prompts; on a pipe it reads one command a line and
// ends with code 1 if one of them failed. Watch events are printed as they come.
import ArgumentParser
import Base
import Clients
import Foundation
import ZooKeeperWire

struct CoordShell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell", abstract: "Type commands to a server; zkCli's spellings work.",
        discussion: "EXAMPLES\n  platform coord shell\n  echo 'ls /' | platform coord shell --server 127.0.0.1:2182")
    @OptionGroup var server: CoordServerOptions

    func run() async throws {
        let interactive = isatty(STDIN_FILENO) == 1
        let address = server.server
        let failures = try await server.withClient("the shell ended") { client -> Int in
            let events = Task {
                for await event in client.events {
                    Output.line("event \(WatchEventType(rawValue: event.type).map { "\($0)" } ?? "\(event.type)") \(event.path)")
                }
            }
            defer { events.cancel() }
            if interactive {
                Output.note("connected to \(address), session 0x\(String(client.sessionID, radix: 16)); `help` lists the commands")
            }
            var failures = 0
            for await line in Self.lines(prompt: interactive ? "\(address)> " : nil) {
                do { if try await !ShellCommands.run(ShellWords.split(line), client) { break } } catch {
                    failures += 1
                    let failure = CommandFailure(error, doing: "'\(line)' failed")
                    Output.note(interactive ? failure.why : String(failure.description.dropLast()))
                    if case .unreachable = failure.code { throw failure }
                }
            }
            return failures
        }
        if failures > 0, !interactive {
            throw CommandFailure(
                .failed, "\(failures) commands failed", why: "their reasons stand above", next: "mend them and run them again")
        }
    }

    /// Lines of stdin, read on a thread of their own since reading blocks. Each line is read only on request, so that a prompt comes after
    /// the answer before it.
    private static func lines(prompt: String?) -> AsyncStream<String> {
        let wanted = DispatchSemaphore(value: 0)
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
        Thread {
            while true {
                wanted.wait()
                if let prompt { Output.prompt(prompt) }
                guard let line = readLine() else { break }
                continuation.yield(line)
            }
            continuation.finish()
        }.start()
        let iterator = LineIterator(stream.makeAsyncIterator())
        return AsyncStream {
            wanted.signal()
            return await iterator.next()
        }
    }

    /// One reader at a time: the shell asks for a line after the last one's end.
    private final class LineIterator: @unchecked Sendable {  // used by the shell's loop only
        private var lines: AsyncStream<String>.AsyncIterator
        init(_ lines: AsyncStream<String>.AsyncIterator) { self.lines = lines }
        func next() async -> String? { await lines.next() }
    }
}

/// Splits a line into words: quotes hold spaces together, a backslash takes the next character as it is.
enum ShellWords {
    static func split(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = Substring(line)
        while let next = rest.popFirst() {
            switch next {
            case "\\": word = (word ?? "") + (rest.popFirst().map(String.init) ?? "\\")
            case _ where next == quote: quote = nil
            case "'" where quote == nil, "\"" where quote == nil:
                quote = next
                word = word ?? ""
            case _ where quote == nil && next.isWhitespace:
                if let done = word { words.append(done) }
                word = nil
            default: word = (word ?? "") + String(next)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }
}
