// `platform status` asks a running platform for its state; `platform doctor` checks whether one could run here.
import ArgumentParser
import Base
import Foundation
import NetKit
import Storage

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what runs, and whether it is ready.",
        discussion: "EXAMPLES\n  platform status\n  platform status --server 127.0.0.1:7080 -o json\n\nSEE ALSO  platform doctor")
    @Option(name: .long, help: ArgumentHelp("The console of the running platform.", valueName: "host:port")) var server = DefaultServer
        .console
    @OptionGroup var tls: TLSOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let trust = try tls.trust()
        let address = HTTPAddress(try serverAddress(server, defaultPort: 7080), "/api/v1/status", isSecure: trust != nil)
        let text: String
        do {
            text = try await HTTPClient.request("GET", address, trust: trust, connectTimeout: .seconds(2)) { _, body in
                try await body.collect().text
            }
        } catch {
            throw CommandFailure(
                .unreachable, "no platform answers at \(server)", why: "\(error)",
                next: "start one with `platform up`, or name its console with --server")
        }
        let status: RunningStatus
        do { status = try JSONDecoder().decode(RunningStatus.self, from: Data(text.utf8)) } catch {
            throw CommandFailure(
                .failed, "what answers at \(server) is not a platform console", why: "\(error)",
                next: "name the console's address with --server")
        }
        if output.output == .json { return Output.data(text) }
        let rows = status.services.flatMap { service in
            service.endpoints.sorted { $0.key < $1.key }.map { endpoint -> [OutputValue] in
                [
                    .text(service.name), .text(endpoint.key), .text(endpoint.value),
                    .text(service.ready ? "ready" : "not ready: \(service.reason ?? "unknown")"),
                    .text(service.durability ?? "unknown"),
                ]
            }
        }
        Output.rows(["service", "endpoint", "address", "state", "what is written"], rows, .table)
        Output.note("platform \(status.version), \(status.residentBytes >> 20) MB in memory")
    }
}

/// The console's answer under /api/v1/status.
struct RunningStatus: Decodable {
    struct Service: Decodable {
        var name: String
        var ready: Bool
        /// The reason why it is not ready.
        var reason: String?
        var endpoints: [String: String]
        /// The point at which a write counts as accepted; absent from versions before 0.2.
        var durability: String?
    }
    var version: String
    var residentBytes: Int
    var services: [Service]
}

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check whether the platform can run here.",
        discussion:
            "Looks at settings, ports, the data directory, limits and the disk. Exits 1 if something must be mended.\n\nEXAMPLES\n  platform doctor\n  platform doctor --data-dir /srv/platform"
    )
    @OptionGroup var options: SettingsOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = try options.resolve()
        let findings = Doctor.ports(settings) + Doctor.dataDirectory(settings.dataDirectory) + Doctor.limits()
        Output.rows(
            ["check", "state", "detail"], findings.map { [.text($0.check), .text($0.isGood ? "ok" : "mend"), .text($0.detail)] },
            output.output)
        let bad = findings.filter { !$0.isGood }
        guard bad.isEmpty else {
            throw CommandFailure(
                .failed, "\(bad.count) of \(findings.count) checks found something to mend", why: bad.map(\.check).joined(separator: ", "),
                next: "see the details above")
        }
    }
}

/// The checks of `doctor`.
enum Doctor {
    struct Finding {
        var check: String
        var isGood: Bool
        var detail: String
    }

    static func ports(_ settings: Settings) -> [Finding] {
        SettingsTable.listeners.map { key in
            let address = settings[key]
            let holder = address.port == 0 ? nil : PortHolder.find(port: address.port)
            return Finding(
                check: key.name, isGood: holder == nil,
                detail: holder.map { "\(address) is taken by \($0); stop it or use --port-offset" } ?? "\(address) is free")
        }
    }

    static func dataDirectory(_ path: String) -> [Finding] {
        let files = RealFileSystem()
        do {
            try files.makeDirectory(path)
            let probe = path + "/.doctor"
            let file = try files.open(probe, create: true)
            defer { files.close(file) }
            let clock = SystemTime()
            var durations: [Int64] = []
            for round in 0..<20 {
                try files.write(file, at: Int64(round) * 4096, Bytes(repeating: 1, count: 4096))
                let began = clock.now()
                try files.sync(file)
                durations.append((clock.now() - began).inNanoseconds)
            }
            try files.remove(probe)
            let median = Double(durations.sorted()[10]) / 1e6
            return [
                Finding(check: "data.dir", isGood: true, detail: "\(path) can be written"),
                Finding(
                    check: "disk sync", isGood: median < 50, detail: String(format: "4 KB made durable in %.2f ms (median of 20)", median)),
                freeSpace(path),
            ]
        } catch { return [Finding(check: "data.dir", isGood: false, detail: "\(error)")] }
    }

    private static func freeSpace(_ path: String) -> Finding {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            return Finding(check: "free space", isGood: false, detail: "cannot be told: \(String(cString: strerror(errno)))")
        }
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        return Finding(check: "free space", isGood: free > 1 << 30, detail: "\(free >> 20) MB free at \(path)")
    }

    static func limits() -> [Finding] {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return [Finding(check: "open files", isGood: limit.rlim_cur >= 1024, detail: "limit \(limit.rlim_cur); 65536 suits a busy broker")]
    }
}
