// The operator's port: health, metrics and a first page with the services and their addresses. No external assets, no scripts.
import Base
import Logging
import NetKit

/// The running console.
struct Console: Sendable {
    private let server: HTTPServer

    var endpoint: Endpoint { Endpoint(key: "console", address: server.address, clients: "a browser; /metrics, /livez, /readyz") }
    func stop() async { await server.stop() }

    /// nil if the default port is taken: a working service must not fail over a port that no setting gives.
    static func start(_ settings: Settings, _ services: [any RunningService], _ metrics: MetricsRegistry, _ log: Logger) async throws
        -> Console?
    {
        let address = settings[SettingsTable.consoleListen]
        let tls = try settings.tls(SettingsTable.consoleTLS)
        try settings.checkExposure(address, SettingsTable.consoleListen.name, tls)
        do {
            return Console(
                server: try await HTTPServer.start(address, name: "platform", tls: tls, log: log) { call in
                    await answer(call, services, metrics)
                })
        } catch let error as ListenError {
            guard case .inUse = error.cause, settings.origin(of: SettingsTable.consoleListen.name) == .defaultValue else { throw error }
            Output.note(
                "warning: no console, no /metrics: \(error)\n  next: --set \(SettingsTable.consoleListen.name)=127.0.0.1:0 takes a free port"
            )
            return nil
        }
    }

    private static func answer(_ call: HTTPCall, _ services: [any RunningService], _ metrics: MetricsRegistry) async -> HTTPReply {
        guard call.method == "GET" || call.method == "HEAD" else { return .text(405, "this port only shows things: use GET\n") }
        switch call.path {
        case "/metrics": return .text(200, await allMetrics(services, metrics), type: "text/plain; version=0.0.4")
        case "/livez": return .text(200, "ok\n")
        case "/readyz": return readiness(services, verbose: call.parameter("verbose") != nil)
        case "/api/v1/status": return .json(200, status(services))
        case "/": return page(services)
        default: return .text(404, "there is no \(call.path) here; try /, /metrics, /livez, /readyz?verbose or /api/v1/status\n")
        }
    }

    /// The figures of this process and of services with a process of their own.
    private static func allMetrics(_ services: [any RunningService], _ metrics: MetricsRegistry) async -> String {
        let elsewhere = await withTaskGroup(of: String?.self) { group in
            for service in services { group.addTask { await service.metricsTextElsewhere() } }
            return await group.reduce(into: [String]()) { all, text in all += [text].compactMap { $0 } }
        }
        return elsewhere.isEmpty ? metrics.text() : MetricsText.merged([metrics.text()] + elsewhere)
    }

    private static func readiness(_ services: [any RunningService], verbose: Bool) -> HTTPReply {
        let troubles = services.map { (name: $0.name, trouble: $0.trouble) }
        let ready = troubles.allSatisfy { $0.trouble == nil }
        let lines = troubles.map { "[\($0.trouble == nil ? "+" : "-")]\($0.name) \($0.trouble ?? "ok")\n" }.joined()
        return .text(ready ? 200 : 503, (verbose ? lines : "") + (ready ? "ok\n" : "not ready\n"))
    }

    /// A versioned interface: fields are added, never renamed.
    private static func status(_ services: [any RunningService]) -> String {
        let list = services.map { service in
            let endpoints = service.endpoints.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.address.description))" }.joined(
                separator: ",")
            let trouble = service.trouble
            let reason = trouble.map { ",\"reason\":\(JSONText.quoted($0))" } ?? ""
            return
                "{\"name\":\(JSONText.quoted(service.name)),\"ready\":\(trouble == nil)\(reason),\"durability\":\(JSONText.quoted(service.durability)),\"endpoints\":{\(endpoints)}}"
        }
        return
            "{\"version\":\(JSONText.quoted(Version.text)),\"residentBytes\":\(ProcessMetrics.residentBytes() + services.map(\.residentBytesElsewhere).reduce(0, +)),\"services\":[\(list.joined(separator: ","))]}\n"
    }

    private static func page(_ services: [any RunningService]) -> HTTPReply {
        let rows = services.flatMap { service in
            service.endpoints.map {
                "<tr><td>\(service.name)</td><td>\($0.key)</td><td><code>\($0.address)</code></td><td>\($0.clients)</td><td>\(service.isReady ? "ready" : "not ready")</td></tr>"
            }
        }
        let html = """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>platform</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:50rem;padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .8rem;border-bottom:1px solid #ccc}</style>
            <h1>platform \(Version.text)</h1>
            <table><tr><th>service</th><th>endpoint</th><th>address</th><th>for</th><th>state</th></tr>\(rows.joined())</table>
            <p><a href="/metrics">metrics</a> · <a href="/readyz?verbose">readiness</a> · <a href="/api/v1/status">status as JSON</a></p></html>

            """
        return HTTPReply(
            200,
            headers: [
                ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
                ("X-Content-Type-Options", "nosniff"),
            ],
            body: .bytes(Bytes(string: html)))
    }
}

/// The program's version.
enum Version { static let text = "0.1.0" }
