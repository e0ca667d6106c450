// WebHDFS as the fuzzer's subject: every operation with its parameters, values at their boundaries and beside them; uploads and reads
// follow their redirects; and the superuser's view of the whole namespace with the files' contents.
import Base
import Foundation

enum WebHDFSSubject: Subject {
    static let name = "dfs"

    static func arguments(servers: Int) -> [String] {
        ["--only", "dfs", "--set", "log.level=error", "--set", "dfs.superuser=\(superuser)", "--set", "dfs.block.bytes=1048576"]
    }

    static func endpoints(servers: Int) -> [String] { ["webhdfs"] }

    static let superuser = "chief"

    // MARK: requests

    private struct Operation {
        var method: String
        var name: String
        var parameters: [String]
        /// Whether to follow the redirect with data.
        var hasData = false
    }

    private static let operations: [Operation] = [
        Operation(method: "GET", name: "OPEN", parameters: ["offset", "length", "buffersize", "noredirect"]),
        Operation(method: "GET", name: "GETFILESTATUS", parameters: []), Operation(method: "GET", name: "LISTSTATUS", parameters: []),
        Operation(method: "GET", name: "LISTSTATUS_BATCH", parameters: ["startAfter"]),
        Operation(method: "GET", name: "GETCONTENTSUMMARY", parameters: []),
        Operation(method: "GET", name: "GETQUOTAUSAGE", parameters: []), Operation(method: "GET", name: "GETHOMEDIRECTORY", parameters: []),
        Operation(method: "GET", name: "GETTRASHROOT", parameters: []),
        Operation(method: "GET", name: "CHECKACCESS", parameters: ["fsaction"]),
        Operation(method: "GET", name: "GETACLSTATUS", parameters: []),
        Operation(method: "GET", name: "GETXATTRS", parameters: ["xattr.name", "encoding"]),
        Operation(method: "GET", name: "LISTXATTRS", parameters: []),
        Operation(
            method: "PUT", name: "CREATE", parameters: ["overwrite", "blocksize", "replication", "permission", "buffersize", "noredirect"],
            hasData: true),
        Operation(method: "PUT", name: "MKDIRS", parameters: ["permission"]),
        Operation(method: "PUT", name: "RENAME", parameters: ["destination"]),
        Operation(method: "PUT", name: "SETPERMISSION", parameters: ["permission"]),
        Operation(method: "PUT", name: "SETOWNER", parameters: ["owner", "group"]),
        Operation(method: "PUT", name: "SETREPLICATION", parameters: ["replication"]),
        Operation(method: "PUT", name: "SETTIMES", parameters: ["modificationtime", "accesstime"]),
        Operation(method: "PUT", name: "MODIFYACLENTRIES", parameters: ["aclspec"]),
        Operation(method: "PUT", name: "REMOVEACLENTRIES", parameters: ["aclspec"]),
        Operation(method: "PUT", name: "REMOVEDEFAULTACL", parameters: []), Operation(method: "PUT", name: "REMOVEACL", parameters: []),
        Operation(method: "PUT", name: "SETACL", parameters: ["aclspec"]),
        Operation(method: "PUT", name: "SETXATTR", parameters: ["xattr.name", "xattr.value", "flag"]),
        Operation(method: "PUT", name: "REMOVEXATTR", parameters: ["xattr.name"]),
        Operation(method: "POST", name: "APPEND", parameters: ["buffersize", "noredirect"], hasData: true),
        Operation(method: "POST", name: "CONCAT", parameters: ["sources"]),
        Operation(method: "POST", name: "TRUNCATE", parameters: ["newlength"]),
        Operation(method: "DELETE", name: "DELETE", parameters: ["recursive"]),
    ]

    private static let paths = [
        "/", "/a", "/a/b", "/a/b/c", "/d", "/d/e", "/e\u{301}", "/é", "/f", "/f/g", "/.reserved", "/.reserved/raw", "/a//b", "/a/../d",
        "/%2e%2e", "/a:b", "/a b+c;d",
    ]
    private static let numbers = [
        "0", "1", "-1", "2", "3", "512", "1048576", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "1e3", "x", "",
    ]
    private static let values: [String: [String]] = [
        "permission": ["755", "1777", "0", "777", "888", "7777", "17777", "-1", "rwx"], "overwrite": ["true", "false", "TRUE", "1"],
        "recursive": ["true", "false", "yes"],
        "noredirect": ["true", "false"], "destination": paths, "startAfter": paths + ["a", "b"], "owner": ["ann", "chief", "", "a:b", "é"],
        "group": ["staff", "", "a,b"],
        "fsaction": ["r--", "rwx", "rwxx", "", "-w-"], "flag": ["CREATE", "REPLACE", "CREATE,REPLACE", "NONE", ""],
        "encoding": ["text", "hex", "base64", "x"],
        "xattr.name": ["user.a", "user.é", "trusted.b", "system.c", "raw.d", "user.", "none.e", ""],
        "xattr.value": ["0x", "0x00ff", "0sAAA=", "\"text\"", "0xg", "text"],
        "aclspec": [
            "user::rwx,group::r-x,other::r--", "user:ann:rwx", "default:user:ann:rwx,default:group::r-x", "user:ann:rwx,user:ann:r--",
            "mask::---", "user:a:b:rwx", "x", "", ",",
            "user:\u{301}:rwx", "default:mask::rwx",
        ],
        "sources": ["/a,/d", "/f", "/a/b,/a/b", ",", ""],
    ]

    /// The body holds method and target behind their lengths, then the data.
    static func draw(_ random: inout Prng) -> DrawnRequest {
        let place = random.below(operations.count)
        // Requests need something to meet.
        let operation = random.below(3) == 0 ? operations[12 + random.below(2)] : operations[place]
        let path =
            random.below(20) == 0
            ? "/" + String(repeating: edgeText(&random) + "/", count: 1 + random.below(2000)) : paths[random.below(paths.count)]
        var query = ["op=\(operation.name)", "user.name=\(["chief", "chief", "chief", "ann", "", "é", "a b"][random.below(7)])"]
        for parameter in operation.parameters where random.below(10) < 7 {
            let known = values[parameter] ?? numbers
            query.append("\(parameter)=\(escaped(random.below(8) == 0 ? edgeText(&random) : known[random.below(known.count)]))")
        }
        let target =
            "/webhdfs/v1\(random.below(4) == 0 ? path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } ? path : escaped(path) : escaped(path))?\(query.joined(separator: "&"))"
        let data =
            operation.hasData
            ? Bytes(
                repeating: UInt8(truncatingIfNeeded: random.next()),
                count: random.below(10) == 0 ? random.below(3 << 20) : random.below(2000)) : Bytes()
        var body = Bytes()
        for text in [operation.method, target] {
            body.writeInteger(Int32(text.utf8.count))
            body.writeString(text)
        }
        body.writeImmutableBuffer(data)
        return DrawnRequest(
            name: "\(operation.method) \(target.prefix(300)) with \(data.readableBytes) bytes", operation: Int32(place), body: body)
    }

    private static func edgeText(_ random: inout Prng) -> String {
        let texts = [
            "", " ", "/", "..", ".", "\u{301}", "a\nb", "a:b", ",", "=", "\u{0}", "\u{7f}", "\u{ffff}", "😀", "%00", "-1",
            String(repeating: "x", count: 300), String(repeating: "é", count: 4000),
        ]
        return texts[random.below(texts.count)]
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
                UInt8(ascii: "-"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return escaped
    }

    static func isComparable(_ request: DrawnRequest) -> Bool { true }

    static func connect(_ address: String) throws -> any SubjectSession { WebHDFSSession(address) }

    // MARK: state

    /// Every inode from the root: status without the time of the last read, access list, attributes, and a checksum of the content.
    static func state(_ address: String) throws -> [String] {
        let session = WebHDFSSession(address)
        var lines: [String] = []
        var waiting = ["/"]
        while let next = waiting.popLast() {
            func ask(_ operation: String) throws -> String {
                let answer = try session.exchange("GET", "/webhdfs/v1\(escaped(next))?op=\(operation)&user.name=\(superuser)", Bytes())
                guard answer.status == 200 else {
                    throw Finding(
                        "\(next.debugDescription) is listed, and \(operation) is answered with \(answer.status) \(answer.body.text.prefix(300))"
                    )
                }
                return sorted(answer.body)
            }
            lines.append(
                "\(next.debugDescription) \(try ask("GETFILESTATUS")) \(try ask("GETACLSTATUS")) \(try ask("GETXATTRS&encoding=hex"))")
            let listing = try session.exchange("GET", "/webhdfs/v1\(escaped(next))?op=LISTSTATUS&user.name=\(superuser)", Bytes())
            // An unparsable body is reported with its content.
            guard let document = try? JSONSerialization.jsonObject(with: Data(listing.body.array)) as? [String: [String: [[String: Any]]]],
                let entries = document["FileStatuses"]?["FileStatus"]
            else {
                throw Finding("\(next.debugDescription) cannot be listed: \(listing.status) \(listing.body.text.prefix(300))")
            }
            for entry in entries {
                guard let name = entry["pathSuffix"] as? String, let type = entry["type"] as? String else {
                    throw Finding("an entry of \(next.debugDescription) has no name or type")
                }
                let path = name.isEmpty ? next : next == "/" ? "/" + name : next + "/" + name
                if !name.isEmpty { waiting.append(path) }
                guard type == "FILE", name.isEmpty else { continue }
                let content = try session.exchange("GET", "/webhdfs/v1\(escaped(path))?op=OPEN&user.name=\(superuser)", Bytes())
                guard content.status == 200 else {
                    throw Finding("\(path.debugDescription) cannot be read: \(content.status) \(content.body.text.prefix(300))")
                }
                lines.append("\(path.debugDescription) \(content.body.readableBytes)#\(CRC32C.checksum(content.body))")
            }
        }
        return lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A document with its keys in order.
    private static func sorted(_ body: Bytes) -> String {
        // An unparsable body is compared as it is.
        guard var document = try? JSONSerialization.jsonObject(with: Data(body.array)) as? [String: Any] else { return body.text }
        if var status = document["FileStatus"] as? [String: Any] {
            status["accessTime"] = nil
            document["FileStatus"] = status
        }
        // As above.
        guard let data = try? JSONSerialization.data(withJSONObject: document, options: [.sortedKeys]) else { return body.text }
        return String(decoding: data, as: UTF8.self)
    }
}

/// Requests of one user; each has its own connection, like those of command-line clients.
final class WebHDFSSession: SubjectSession {
    private let address: String
    private var answers: [SubjectAnswer?] = []

    init(_ address: String) { self.address = address }

    func send(_ request: DrawnRequest) throws {
        var body = request.body
        func text() -> String { body.readInteger(as: Int32.self).flatMap { body.readString(length: Int($0)) } ?? "" }
        let (method, target) = (text(), text())
        let answer = try exchange(method, target, body)
        // Only the server's own failures count.
        guard answer.status != 0 else { throw Finding("the connection was closed without an answer") }
        guard answer.status < 500 || answer.body.text.contains("RemoteException") else {
            throw Finding("answered with \(answer.status): \(answer.body.text.prefix(300))")
        }
        answers.append(SubjectAnswer(code: Int32(answer.status), comparable: ""))
    }

    func answer() throws -> SubjectAnswer? {
        guard !answers.isEmpty else { throw Finding("nothing was asked") }
        return answers.removeFirst()
    }

    /// Asks, and follows one redirect with the data.
    func exchange(_ method: String, _ target: String, _ data: Bytes) throws -> (status: Int, body: Bytes) {
        let first = try ask(address, method, target, data.readableBytes > 0 ? Bytes() : data)
        guard first.status == 307, let place = first.location else { return (first.status, first.body) }
        let parts = place.utf8.dropFirst("http://".utf8.count).split(separator: UInt8(ascii: "/"), maxSplits: 1)
        guard parts.count == 2 else { throw Finding("a redirect leads to \(place)") }
        let second = try ask(String(decoding: parts[0], as: UTF8.self), method, "/" + String(decoding: parts[1], as: UTF8.self), data)
        return (second.status, second.body)
    }

    private func ask(_ address: String, _ method: String, _ target: String, _ data: Bytes) throws -> (
        status: Int, location: String?, body: Bytes
    ) {
        let socket = try ByteSocket(address)
        var request = Bytes(
            string: "\(method) \(target) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\nContent-Length: \(data.readableBytes)\r\n\r\n"
        )
        request.writeImmutableBuffer(data)
        // A server that refuses early may close: its answer tells the reason.
        try socket.sendUntilAnswered(request)
        let bytes = try socket.rest().array
        guard let end = Self.firstPlace(of: Array("\r\n\r\n".utf8), in: bytes) else { return (0, nil, Bytes()) }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0
        func header(_ name: String) -> String? {
            lines.dropFirst().first { $0.lowercased().hasPrefix(name + ":") }.map {
                $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)
            }
        }
        let body = Array(bytes[(end + 4)...])
        return (
            status, header("location"),
            Bytes(bytes: (header("transfer-encoding")?.lowercased() == "chunked" ? Self.joined(body) : body)[...])
        )
    }

    private static func firstPlace(of needle: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return (start...(max(start, bytes.count - needle.count))).first {
            $0 + needle.count <= bytes.count && bytes[$0..<$0 + needle.count].elementsEqual(needle)
        }
    }

    /// The whole chunks of a body.
    private static func joined(_ body: [UInt8]) -> [UInt8] {
        var (whole, place) = ([UInt8](), 0)
        while let end = firstPlace(of: [13, 10], in: body, from: place),
            let count = Int(String(decoding: body[place..<end], as: UTF8.self), radix: 16), count > 0,
            end + 2 + count <= body.count
        {
            whole += body[(end + 2)..<(end + 2 + count)]
            place = end + 4 + count
        }
        return whole
    }
}
