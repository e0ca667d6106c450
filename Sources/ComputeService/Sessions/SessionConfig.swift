// The settings of one session: Spark's names, the defaults that its clients read, and the user's values. Any other name is refused as Spark
// refuses it.
struct SessionConfig: Sendable {
    /// Limit of a session's settings beside the defaults.
    static let settingsMax = 1_000

    private var values: [String: String] = [:]

    /// Size up to which a client sends local rows inside the plan instead of as artifacts.
    static let localRelationBytes = 32 << 20

    static let convertSafely = "spark.sql.execution.pandas.convertToArrowArraySafely"

    static let timeZone = "spark.sql.session.timeZone"

    static let defaults: [String: String] = [
        "spark.app.name": "platform",
        "spark.connect.session.planCompression.defaultAlgorithm": "NONE",
        "spark.connect.session.planCompression.threshold": "-1",
        "spark.master": "local[*]",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.caseSensitive": "false",
        "spark.sql.connect.serverStacktrace.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.execution.arrow.pyspark.selfDestruct.enabled": "false",
        "spark.sql.execution.arrow.useLargeVarTypes": "false",
        convertSafely: "false",
        "spark.sql.execution.pandas.inferPandasDictAsMap": "false",
        "spark.sql.execution.pandas.structHandlingMode": "legacy",
        "spark.sql.execution.pyspark.binaryAsBytes": "true",
        "spark.sql.execution.pythonUDF.arrow.enabled": "true",
        "spark.sql.pyspark.inferNestedDictAsStruct.enabled": "false",
        "spark.sql.pyspark.jvmStacktrace.enabled": "false",
        "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled": "false",
        "spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled": "false",
        "spark.sql.repl.eagerEval.enabled": "false",
        "spark.sql.repl.eagerEval.maxNumRows": "20",
        "spark.sql.repl.eagerEval.truncate": "20",
        "spark.sql.session.localRelationBatchOfChunksSizeBytes": String(localRelationBytes),
        "spark.sql.session.localRelationCacheThreshold": String(localRelationBytes),
        "spark.sql.session.localRelationChunkSizeBytes": String(localRelationBytes / 2),
        "spark.sql.session.localRelationChunkSizeRows": "10000",
        "spark.sql.session.localRelationSizeLimit": String(256 << 20),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "200",
        "spark.sql.sources.default": "parquet",
        "spark.sql.sources.partitionOverwriteMode": "STATIC",
        "spark.sql.timestampType": "TIMESTAMP_LTZ",
        "spark.sql.warehouse.dir": "spark-warehouse",
    ]

    /// Settings with one supported value: another value would be an empty promise.
    private static let fixed: Set<String> = [
        "spark.sql.ansi.enabled", "spark.sql.caseSensitive", "spark.sql.timestampType", "spark.connect.session.planCompression.threshold",
        "spark.connect.session.planCompression.defaultAlgorithm", "spark.master",
    ]

    subscript(key: String) -> String? { values[key] ?? Self.defaults[key] }

    mutating func set(_ key: String, _ value: String) throws {
        if Self.fixed.contains(key), value.lowercased() != Self.defaults[key]?.lowercased() {
            throw SparkError(
                "CANNOT_MODIFY_CONFIG", sqlState: "46110", kind: .analysis,
                "Cannot modify the value of the Spark config: \"\(key)\". This server supports only '\(Self.defaults[key] ?? "")'.",
                ["key": "\"\(key)\""])
        }
        if key == Self.timeZone, QueryEngine.zones.rules(value) == nil { throw SparkError.invalidTimeZone(value) }
        guard values[key] != nil || values.count < Self.settingsMax else {
            throw SparkError.unsupported("more than \(Self.settingsMax) settings in a session")
        }
        values[key] = value
    }

    mutating func unset(_ key: String) {
        values.removeValue(forKey: key)
    }

    /// Back to the defaults; nil for all settings.
    mutating func reset(_ key: String?) {
        if let key { unset(key) } else { values = [:] }
    }

    /// By name, ascending; with a prefix only those names, without it.
    func all(prefix: String?) -> [(key: String, value: String)] {
        let prefix = prefix ?? ""
        return Self.defaults.merging(values) { _, set in set }
            .filter { $0.key.hasPrefix(prefix) }
            .sorted { $0.key < $1.key }
            .map { (String($0.key.dropFirst(prefix.count)), $0.value) }
    }

    static func isModifiable(_ key: String) -> Bool {
        !fixed.contains(key) && (defaults[key] != nil || key.hasPrefix("spark.sql."))
    }
}
