// Shared by all client verbs of coord: the server, the login, and the form of access lists.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit
import ZooKeeperWire

/// Flags of the client verbs.
struct CoordServerOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The ZooKeeper server.", valueName: "host:port")) var server = DefaultServer.coord
    @OptionGroup var tls: TLSOptions
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A file with logins, one a line: `digest user:password` or `sasl user:password`. PLATFORM_COORD_AUTH may hold one instead.",
            valueName: "file"))
    var authFile: String?

    /// Runs `body` with a session and ends it afterwards.
    func withClient<T>(_ doing: String, _ body: (ZooKeeperClient) async throws -> T) async throws -> T {
        do {
            let logins = try logins()
            let client = try await ZooKeeperClient.connect(try serverAddress(server, defaultPort: 2181), tls: try tls.trust())
            do {
                for (scheme, credentials) in logins { try await client.authenticate(scheme, credentials) }
                let result = try await body(client)
                await client.close()
                return result
            } catch {
                await client.close()
                throw error
            }
        } catch { throw CommandFailure(error, doing: doing) }
    }

    private func logins() throws -> [(String, String)] {
        let text: String
        if let authFile {
            do { text = try String(contentsOfFile: authFile, encoding: .utf8) } catch {
                throw CommandFailure(
                    .usage, "cannot read \(authFile)", why: error.localizedDescription,
                    next: "name a file with lines such as: digest ann:secret")
            }
        } else {
            text = ProcessInfo.processInfo.environment["PLATFORM_COORD_AUTH"] ?? ""
        }
        return try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else {
                throw CommandFailure(
                    .usage, "a login is incomplete", why: "each line must be a scheme, a space and what proves it",
                    next: "for example: digest ann:secret")
            }
            return (words[0], words[1])
        }
    }
}

/// Access lists in the form of zkCli: `world:anyone:cdrwa,digest:ann:HASH:rw`.
enum AccessText {
    private static let letters: [(Character, Int32)] = [("c", 4), ("d", 8), ("r", 1), ("w", 2), ("a", 16)]

    static func permissions(_ bits: Int32) -> String { String(letters.filter { bits & $0.1 != 0 }.map(\.0)) }

    static func permissions(_ text: some StringProtocol) -> Int32? {
        var bits: Int32 = 0
        for letter in text {
            guard let (_, bit) = letters.first(where: { $0.0 == letter }) else { return nil }
            bits |= bit
        }
        return bits
    }

    /// The scheme ends at the first colon, the permissions begin at the last; ids may hold colons.
    static func list(_ text: String) throws(CommandFailure) -> [ACLRecord] {
        var list: [ACLRecord] = []
        for entry in text.split(separator: ",") {
            guard let first = entry.firstIndex(of: ":"), let last = entry.lastIndex(of: ":"), first < last,
                let bits = permissions(entry[entry.index(after: last)...])
            else {
                throw CommandFailure(
                    .usage, "'\(entry)' is no entry of an access list",
                    why: "it must be scheme:id:permissions, permissions of the letters c, d, r, w, a",
                    next: "for example world:anyone:r,digest:ann:HASH:cdrwa")
            }
            list.append(ACLRecord(permissions: bits, scheme: String(entry[..<first]), id: String(entry[entry.index(after: first)..<last])))
        }
        return list
    }

    static func text(_ right: ACLRecord) -> String { "\(right.scheme):\(right.id):\(permissions(right.permissions))" }
}

/// The path of a child.
func childPath(_ parent: String, _ name: String) -> String { parent == "/" ? "/" + name : parent + "/" + name }

/// The argument itself, or stdin for `-`.
func nodeData(_ argument: String) -> Bytes {
    argument == "-" ? Bytes(bytes: Foundation.FileHandle.standardInput.readDataToEndOfFile()) : Bytes(string: argument)
}
