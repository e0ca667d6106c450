// A client of WebHDFS for our own command line, engines, demos and benchmarks; it works against a real HDFS as well. Data is streamed
// both ways; an error carries the server's exception by name.
import Base
import Foundation
import HadoopNet
import NetKit

/// A server's refusal.
package struct HDFSFailure: Error, Sendable, CustomStringConvertible {
    package var status: Int
    /// The Java exception's name without its package.
    package var exception: String
    package var message: String
    package var description: String { "\(exception): \(message)" }

    package init(status: Int, exception: String, message: String) {
        self.status = status
        self.exception = exception
        self.message = message
    }
}

/// The status of a file or directory.
package struct HDFSStatus: Decodable, Sendable {
    package var accessTime: Int64
    package var blockSize: Int64
    package var group: String
    package var length: Int64
    package var modificationTime: Int64
    package var owner: String
    package var pathSuffix: String
    /// Octal.
    package var permission: String
    package var replication: Int
    package var type: String
    package var isDirectory: Bool { type == "DIRECTORY" }
}

/// Counts and sizes below a path.
package struct HDFSContentSummary: Decodable, Sendable {
    package var directoryCount: Int64
    package var fileCount: Int64
    package var length: Int64
    package var spaceConsumed: Int64
}

/// A namenode's WebHDFS address and the user to act as.
package struct WebHDFSClient: Sendable {
    package let server: HostPort
    package let user: String
    /// Set for a namenode with https.
    package let trust: TLSTrust?

    package init(server: HostPort, user: String, trust: TLSTrust? = nil) {
        self.server = server
        self.user = user
        self.trust = trust
    }

    private func address(_ path: String, _ operation: String, _ parameters: [(String, String)]) -> HTTPAddress {
        let query = ([("op", operation), ("user.name", user)] + parameters).map { "\($0.0)=\($0.1.percentEncoded())" }.joined(
            separator: "&")
        return HTTPAddress(server, "/webhdfs/v1\(path.percentEncoded(keeping: "/"))?\(query)", isSecure: trust != nil)
    }

    private struct ErrorDocument: Decodable {
        struct Body: Decodable {
            var exception: String
            var message: String
        }
        var RemoteException: Body
    }

    private static func failure(_ answer: HTTPAnswer, _ body: HTTPAnswerBody) async throws -> HDFSFailure {
        let text = try await body.collect(bytesMax: 1 << 20).text
        do {
            let document = try JSONDecoder().decode(ErrorDocument.self, from: Data(text.utf8)).RemoteException
            return HDFSFailure(status: answer.status, exception: document.exception, message: document.message)
        } catch { return HDFSFailure(status: answer.status, exception: "HTTP \(answer.status)", message: String(text.prefix(200))) }
    }

    /// A request with a JSON answer.
    private func json<T: Decodable & Sendable>(
        _ method: String, _ path: String, _ operation: String, _ parameters: [(String, String)] = [], as _: T.Type
    ) async throws -> T {
        try await HTTPClient.request(method, address(path, operation, parameters), trust: trust) { answer, body in
            guard answer.status == 200 else { throw try await Self.failure(answer, body) }
            return try JSONDecoder().decode(T.self, from: Data(try await body.collect().text.utf8))
        }
    }

    private struct Flag: Decodable, Sendable { var boolean: Bool }

    package func status(_ path: String) async throws -> HDFSStatus {
        struct Document: Decodable, Sendable { var FileStatus: HDFSStatus }
        return try await json("GET", path, "GETFILESTATUS", as: Document.self).FileStatus
    }

    /// nil if the path does not exist.
    package func statusIfExists(_ path: String) async throws -> HDFSStatus? {
        do { return try await status(path) } catch let failure as HDFSFailure where failure.exception == "FileNotFoundException" {
            return nil
        }
    }

    /// The entries of a directory, or the file itself with an empty suffix.
    package func list(_ path: String) async throws -> [HDFSStatus] {
        struct Document: Decodable, Sendable {
            struct List: Decodable, Sendable { var FileStatus: [HDFSStatus] }
            var FileStatuses: List
        }
        return try await json("GET", path, "LISTSTATUS", as: Document.self).FileStatuses.FileStatus
    }

    package func contentSummary(_ path: String) async throws -> HDFSContentSummary {
        struct Document: Decodable, Sendable { var ContentSummary: HDFSContentSummary }
        return try await json("GET", path, "GETCONTENTSUMMARY", as: Document.self).ContentSummary
    }

    package func makeDirectories(_ path: String) async throws { _ = try await json("PUT", path, "MKDIRS", as: Flag.self) }

    /// False where HDFS refuses a rename without an error.
    package func rename(_ path: String, to target: String) async throws -> Bool {
        try await json("PUT", path, "RENAME", [("destination", target)], as: Flag.self).boolean
    }

    /// False if the path did not exist.
    package func delete(_ path: String, recursive: Bool) async throws -> Bool {
        try await json("DELETE", path, "DELETE", [("recursive", "\(recursive)")], as: Flag.self).boolean
    }

    /// The datanode's address for a data request, from the namenode.
    private func location(_ method: String, _ path: String, _ operation: String, _ parameters: [(String, String)]) async throws
        -> HTTPAddress
    {
        try await HTTPClient.request(method, address(path, operation, parameters), trust: trust) { answer, body in
            guard answer.status == 307 else { throw try await Self.failure(answer, body) }
            guard let location = answer.header("Location").flatMap({ HTTPAddress(parsing: $0) }) else {
                throw HTTPFailure("the namenode redirects without a usable Location")
            }
            return location
        }
    }

    /// Writes a file; on return the data is durable on the server.
    /// `parameters`: permission, replication, blocksize, as WebHDFS names them.
    package func create(_ path: String, overwrite: Bool, _ parameters: [(String, String)] = [], body: HTTPClient.Body) async throws {
        let location = try await location("PUT", path, "CREATE", [("overwrite", "\(overwrite)")] + parameters)
        try await HTTPClient.request("PUT", location, trust: trust, body: body) { answer, rest in
            guard answer.status == 201 else { throw try await Self.failure(answer, rest) }
        }
    }

    package func append(_ path: String, body: HTTPClient.Body) async throws {
        let location = try await location("POST", path, "APPEND", [])
        try await HTTPClient.request("POST", location, trust: trust, body: body) { answer, rest in
            guard answer.status == 200 else { throw try await Self.failure(answer, rest) }
        }
    }

    /// Reads `length` bytes (nil: to the end) from `offset`, chunk by chunk.
    package func open(_ path: String, offset: Int64 = 0, length: Int64? = nil, _ consume: (Bytes) async throws -> Void) async throws {
        var parameters = [("offset", "\(offset)")]
        if let length { parameters.append(("length", "\(length)")) }
        let location = try await location("GET", path, "OPEN", parameters)
        try await HTTPClient.request("GET", location, trust: trust) { answer, body in
            guard answer.status == 200 else { throw try await Self.failure(answer, body) }
            for try await chunk in body { try await consume(chunk) }
        }
    }

    /// An operation by PUT whose answer tells nothing: SETPERMISSION, SETOWNER, SETTIMES, SETREPLICATION.
    package func change(_ operation: String, _ path: String, _ parameters: [(String, String)]) async throws {
        try await HTTPClient.request("PUT", address(path, operation, parameters), trust: trust) { answer, body in
            guard answer.status == 200 else { throw try await Self.failure(answer, body) }
        }
    }

    /// The MD5 of MD5s: its algorithm and its bytes.
    package func checksum(_ path: String) async throws -> FileChecksum {
        struct Document: Decodable, Sendable {
            struct Sum: Decodable, Sendable {
                var algorithm: String
                var bytes: String
            }
            var FileChecksum: Sum
        }
        let location = try await location("GET", path, "GETFILECHECKSUM", [])
        let found = try await HTTPClient.request("GET", location, trust: trust) { answer, body in
            guard answer.status == 200 else { throw try await Self.failure(answer, body) }
            return try JSONDecoder().decode(Document.self, from: Data(try await body.collect().text.utf8)).FileChecksum
        }
        let digits = Array(found.bytes.utf8)
        let octets = stride(from: 0, to: digits.count - digits.count % 2, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
        return FileChecksum(algorithm: found.algorithm, bytes: Bytes(bytes: octets))
    }

    /// A whole file of at most `bytesMax` bytes.
    package func read(_ path: String, bytesMax: Int = 64 << 20) async throws -> Bytes {
        var all = Bytes()
        try await open(path) { chunk in
            guard all.readableBytes + chunk.readableBytes <= bytesMax else { throw HTTPFailure("\(path) is larger than \(bytesMax) bytes") }
            all.writeImmutableBuffer(chunk)
        }
        return all
    }
}
