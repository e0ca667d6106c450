// Files of a dfs (ours or a real HDFS) behind the job files port. Addresses are `hdfs://host:port/path` for Hadoop's RPC, `webhdfs://` or,
// for https, `swebhdfs://` for WebHDFS; without a host, `hdfs:///path` and `webhdfs:///path` mean this process's default dfs. Calls block,
// so they belong on a compute thread.
import Base
import Clients
import ComputeCore
import Dispatch
import Foundation
import NetKit
import Synchronization

/// Files of a distributed file system.
package struct HDFSFiles: JobFiles {
    /// The default dfs, for an address without a host: its WebHDFS address, and that of its RPC.
    private let defaultServer: HostPort?
    private let defaultNamenodes: [HostPort]
    /// Set if the default dfs uses https.
    private let trust: TLSTrust?
    private let user: String
    private let clients = RPCClients()
    static let webHDFSPort = 9870

    /// Clients over the RPC, one for each file system.
    private final class RPCClients: Sendable {
        private let all = Mutex<[[HostPort]: RPCFileClient]>([:])

        func client(_ namenodes: [HostPort], user: String) -> RPCFileClient {
            all.withLock { all in
                if let there = all[namenodes] { return there }
                let made = RPCFileClient(HDFSFileSystem(namenodes, user: user))
                all[namenodes] = made
                return made
            }
        }
    }

    package init(defaultServer: HostPort?, defaultNamenodes: [HostPort] = [], trust: TLSTrust? = nil, user: String = NSUserName()) {
        self.defaultServer = defaultServer
        self.defaultNamenodes = defaultNamenodes
        self.trust = trust
        self.user = user
    }

    /// The trust in other servers: the same authorities, unless the default dfs is known by its very certificate.
    private var trustBeyond: TLSTrust? {
        if case .exactly? = trust?.roots { nil } else { trust }
    }

    private struct Target {
        var client: any HDFSClient
        var path: String
    }

    private func target(_ address: String) throws(JobFileError) -> Target {
        guard let scheme = JobPath.scheme(address) else { throw .unknownScheme(address, known: ["hdfs", "webhdfs", "swebhdfs"]) }
        let rest = address.dropFirst(scheme.count + 3)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = String(rest[..<slash])
        let path = slash == rest.endIndex ? "/" : String(rest[slash...])
        if authority.isEmpty {
            if scheme == "hdfs", !defaultNamenodes.isEmpty {
                return Target(client: clients.client(defaultNamenodes, user: user), path: path)
            }
            guard let defaultServer else {
                throw .failed(
                    path: address, operation: "open",
                    reason: "no dfs runs beside this service; name one as hdfs://host:\(HDFSFileSystem.defaultPort)/path")
            }
            return Target(client: WebHDFSClient(server: defaultServer, user: user, trust: trust), path: path)
        }
        if scheme == "hdfs" {
            var namenodes: [HostPort] = []
            for part in authority.split(separator: ",") {
                namenodes.append(try Self.server(String(part), HDFSFileSystem.defaultPort, address))
            }
            guard !namenodes.isEmpty else { throw .failed(path: address, operation: "open", reason: "'\(authority)' is no host:port") }
            return Target(client: clients.client(namenodes, user: user), path: path)
        }
        let server = try Self.server(authority, Self.webHDFSPort, address)
        let secured = scheme == "swebhdfs" ? (server == defaultServer ? trust : trustBeyond) ?? TLSTrust() : nil
        return Target(client: WebHDFSClient(server: server, user: user, trust: secured), path: path)
    }

    private static func server(_ text: String, _ port: Int, _ address: String) throws(JobFileError) -> HostPort {
        guard let server = HostPort(parsing: text, defaultPort: port) else {
            throw .failed(path: address, operation: "open", reason: "'\(text)' is no host:port")
        }
        return server
    }

    /// Waits for asynchronous work; never on a thread of the cooperative pool.
    static func wait<T: Sendable>(_ path: String, _ operation: String, _ body: @escaping @Sendable () async throws -> T)
        throws(JobFileError) -> T
    {
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
        return try Self.wait(path, "read") { try await target.client.read(target.path, offset: offset, count: count) }
    }

    package func create(_ path: String) throws(JobFileError) -> any JobFileWriter {
        let target = try target(path)
        return Writer(output: try Self.wait(path, "create") { try await target.client.begin(target.path) }, address: path)
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

    /// Gathers bytes, so that a thread does not wait for the network at every line.
    private final class Writer: JobFileWriter {
        private let output: any HDFSOutput
        private let address: String
        private var gathered = Bytes()
        private static let gatheredBytes = 1 << 20

        init(output: any HDFSOutput, address: String) { (self.output, self.address) = (output, address) }

        func write(_ bytes: ArraySlice<UInt8>) throws(JobFileError) {
            gathered.writeBytes(bytes)
            if gathered.readableBytes >= Self.gatheredBytes { try send() }
        }

        private func send() throws(JobFileError) {
            guard gathered.readableBytes > 0 else { return }
            let (output, bytes) = (output, gathered)
            gathered = Bytes()
            try HDFSFiles.wait(address, "write") { try await output.write(bytes) }
        }

        func finish() throws(JobFileError) {
            try send()
            let output = output
            try HDFSFiles.wait(address, "close") { try await output.finish() }
        }

        func abandon() {
            let output = output
            // The work cannot fail.
            do { try HDFSFiles.wait(address, "abandon") { await output.abandon() } } catch { return }
        }
    }
}
