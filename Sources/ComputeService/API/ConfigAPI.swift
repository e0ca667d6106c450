// Config: reads and changes the settings of a session.
import SparkWire

extension SparkService {
    func config(_ request: Spark_Connect_ConfigRequest) async throws -> Spark_Connect_ConfigResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        var response = Spark_Connect_ConfigResponse()
        response.sessionID = request.sessionID
        response.serverSideSessionID = session.serverSideID
        do {
            response.pairs = try session.withConfig { try Self.pairs(request.operation, &$0) }
            if let zone = session.withConfig({ $0[SessionConfig.timeZone] }) { session.engine.setZone(zone) }
        } catch {
            throw report(error, in: session)
        }
        return response
    }

    private static func pairs(
        _ operation: Spark_Connect_ConfigRequest.Operation, _ config: inout SessionConfig
    ) throws -> [Spark_Connect_KeyValue] {
        switch operation.opType {
        case .set(let set):
            for pair in set.pairs {
                do {
                    try config.set(pair.key, pair.value)
                } catch {
                    // Clients set options of their builder silently; a fixed setting stays as it is.
                    if !set.silent { throw error }
                }
            }
            return []
        case .get(let get):
            return try get.keys.map { key in
                guard let value = config[key] else { throw SparkError.configNotFound(key) }
                return pair(key, value)
            }
        case .getWithDefault(let get): return get.pairs.map { pair($0.key, config[$0.key] ?? ($0.hasValue ? $0.value : nil)) }
        case .getOption(let get): return get.keys.map { pair($0, config[$0]) }
        case .getAll(let get): return config.all(prefix: get.hasPrefix ? get.prefix : nil).map { pair($0.key, $0.value) }
        case .unset(let unset):
            for key in unset.keys { config.unset(key) }
            return []
        case .isModifiable(let keys): return keys.keys.map { pair($0, String(SessionConfig.isModifiable($0))) }
        case nil: throw SparkError.invalidPlan("a config request has no operation")
        }
    }

    private static func pair(_ key: String, _ value: String?) -> Spark_Connect_KeyValue {
        var pair = Spark_Connect_KeyValue()
        pair.key = key
        if let value { pair.value = value }
        return pair
    }
}
