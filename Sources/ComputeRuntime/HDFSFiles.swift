// Files of a dfs (ours or a real HDFS) behind the job files port, over WebHDFS. Addresses are `webhdfs://host:port/path`, or `swebhdfs://` for https; without a host, `webhdfs:///path`
// and `hdfs:///path` mean the dfs that this process was told of. Calls block, so they belong on a compute thread.
import Base
import Clients
import ComputeCore
import Dispatch
import Foundation
import NetKit

/// Files of a distributed file system.
package struct HDFSFiles: JobFiles {
    /// The dfs that an address without a host means.
    private let defaultServer: HostPort?
    /// Set if the default dfs speaks https.
    private let trust: TLSTrust?
    private let user: String
    /// Bytes gathered before they are sent; each send is durable on its own.
    static let sendBytes = 16 << 20
    static let webHDFSPort = 9870

    package init(defaultServer: HostPort?, trust: TLSTrust? = nil, user: String = NSUserName()) {
        self.defaultServer = defaultServer
        self.trust = trust
        self.user = user
    }

    /// Whom other servers must be known by: the same authorities, unless the default dfs is known by its very certificate.
    private var trustBeyond: TLSTrust? {
        if case .exactly? = trust?.roots { nil } else { trust }
    }

    private struct Target {
        var client: HDFSClient
        var path: String
        /// What stands before the path in addresses of this file system.
        var prefix: String
    }

    private func target(_ address: String) throws(JobFileError) -> Target {
        guard let scheme = JobPath.scheme(address) else { throw .unknownScheme(address, known: ["webhdfs", "swebhdfs", "hdfs"]) }
        let rest = address.dropFirst(scheme.count + 3)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = String(rest[..<slash])
        let path = slash == rest.endIndex ? "/" : String(rest[slash...])
        let prefix = String(address.dropLast(rest.count)) + authority
        if authority.isEmpty {
            guard let defaultServer else {
                throw .failed(path: address, operation: "open", reason: "no dfs runs beside this service; name one as webhdfs://host:\(Self.webHDFSPort)/path")
            }
            return Target(client: HDFSClient(server: defaultServer, user: user, trust: trust), path: path, prefix: prefix)
        }
        guard scheme != "hdfs" else {
            throw .failed(path: address, operation: "open", reason: "Hadoop RPC is not spoken yet; use webhdfs://host:\(Self.webHDFSPort)/path")
        }
        guard let server = HostPort(parsing: authority, defaultPort: Self.webHDFSPort) else {
            throw .failed(path: address, operation: "open", reason: "'\(authority)' is no host:port")
        }
        let secured = scheme == "swebhdfs" ? (server == defaultServer ? trust : trustBeyond) ?? TLSTrust() : nil
        return Target(client: HDFSClient(server: server, user: user, trust: secured), path: path, prefix: prefix)
    }

    /// Waits for asynchronous work; never on a thread of the cooperative pool.
    static func wait<T: Sendable>(_ path: String, _ operation: String, _ body: @escaping @Sendable () async throws -> T) throws(JobFileError) -> T {
        let outcome = Outcome<T>()
        let done = DispatchSemaphore(value: 0)
        Task {
            do { outcome.result = .success(try await body()) } catch { outcome.result = .failure(error) }
            done.signal()
        }
        done.wait()
        switch outcome.result {
        case .success(let value)?: return value
        case .failure(let failure as HDFSFailure)? where failure.exception == "FileNotFoundException": throw .notFound(path)
        case .failure(let failure as HDFSFailure)? where failure.exception == "FileAlreadyExistsException": throw .alreadyExists(path)
        case .failure(let error)?: throw .failed(path: path, operation: operation, reason: "\(error)")
        case nil: preconditionFailure("the work was waited for")
        }
    }

    private final class Outcome<T: Sendable>: @unchecked Sendable {  // written before the semaphore is signalled, read after
        var result: Result<T, any Error>?
    }

    private static func status(_ status: HDFSStatus, _ address: String) -> JobFileStatus {
        JobFileStatus(path: address, isDirectory: status.isDirectory, bytes: status.length, blockBytes: max(status.blockSize, 1 << 20))
    }

    package func status(_ path: String) throws(JobFileError) -> JobFileStatus? {
        let target = try target(path)
        return try Self.wait(path, "status") { try await target.client.statusIfExists(target.path) }.map { Self.status($0, path) }
    }

    package func list(_ directory: String) throws(JobFileError) -> [JobFileStatus] {
        let target = try target(directory)
        let entries = try Self.wait(directory, "list") { try await target.client.list(target.path) }
        if entries.count == 1, entries[0].pathSuffix.isEmpty { throw .notADirectory(directory) }
        return entries.map { Self.status($0, JobPath.join(directory, $0.pathSuffix)) }.sorted { $0.path < $1.path }
    }

    package func read(_ path: String, offset: Int64, count: Int) throws(JobFileError) -> [UInt8] {
        let target = try target(path)
        return try Self.wait(path, "read") {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count)
            try await target.client.open(target.path, offset: offset, length: Int64(count)) { bytes += $0.readableBytesView }
            return bytes
        }
    }

    package func create(_ path: String) throws(JobFileError) -> any JobFileWriter {
        let target = try target(path)
        try Self.wait(path, "create") { try await target.client.create(target.path, overwrite: false, body: .empty) }
        return Writer(client: target.client, path: target.path, address: path)
    }

    package func makeDirectories(_ path: String) throws(JobFileError) {
        let target = try target(path)
        try Self.wait(path, "make directories") { try await target.client.makeDirectories(target.path) }
    }

    package func rename(_ source: String, to target: String) throws(JobFileError) {
        let (from, to) = (try self.target(source), try self.target(target))
        guard try status(target) == nil else { throw .alreadyExists(target) }
        guard try Self.wait(source, "rename", { try await from.client.rename(from.path, to: to.path) }) else {
            throw .failed(path: source, operation: "rename", reason: "the source is missing, or the directory of \(target) is")
        }
    }

    package func delete(_ path: String) throws(JobFileError) {
        let target = try target(path)
        _ = try Self.wait(path, "delete") { try await target.client.delete(target.path, recursive: true) }
    }

    /// Gathers bytes and appends them to a file that was created empty.
    private final class Writer: JobFileWriter {
        private let client: HDFSClient
        private let path: String
        private let address: String
        private var gathered = Bytes()

        init(client: HDFSClient, path: String, address: String) {
            self.client = client
            self.path = path
            self.address = address
        }

        func write(_ bytes: ArraySlice<UInt8>) throws(JobFileError) {
            gathered.writeBytes(bytes)
            if gathered.readableBytes >= HDFSFiles.sendBytes { try send() }
        }

        private func send() throws(JobFileError) {
            guard gathered.readableBytes > 0 else { return }
            let (client, path, bytes) = (client, path, gathered)
            gathered = Bytes()
            try HDFSFiles.wait(address, "write") { try await client.append(path, body: .bytes(bytes)) }
        }

        func finish() throws(JobFileError) { try send() }

        func abandon() {
            let (client, path) = (client, path)
            // What cannot be removed now lies under _temporary and goes with it.
            do { _ = try HDFSFiles.wait(address, "abandon") { try await client.delete(path, recursive: false) } } catch { return }
        }
    }
}
