// Relations without an input: files, tables, local rows, ranges, SQL text. Local rows arrive as an Arrow stream, with a schema as DDL or
// JSON beside it that wins over the stream's own.
import ComputeCore
import Foundation
import QueryCore
import SparkWire

extension RelationTranslation {
    func source(_ read: Spark_Connect_Read) throws -> Plan {
        guard !read.isStreaming else { throw SparkError.unsupported("streaming reads") }
        switch read.readType {
        case .namedTable(let table): return .table(try ExpressionTranslation.nameParts(table.unparsedIdentifier))
        case .dataSource(let source):
            guard source.predicates.isEmpty else { throw SparkError.unsupported("predicates of a data source") }
            let name = source.hasFormat ? source.format.lowercased() : "parquet"
            guard let format = FileFormat(rawValue: name) else { throw SparkError.dataSourceNotFound(name) }
            var paths = source.paths
            // Options come as a map; their order has no meaning, so they are sorted to keep plans equal.
            let options = source.options.sorted { $0.key < $1.key }.map { ReadOption($0.key, $0.value) }
            if paths.isEmpty, let path = options.last(where: { $0.name.lowercased() == "path" })?.value { paths = [path] }
            let schema = source.hasSchema && !source.schema.isEmpty ? try SchemaText.schema(source.schema) : nil
            return .files(FileSource(format: format, paths: paths, schema: schema, options: options))
        case nil: throw SparkError.invalidPlan("a read names neither a table nor files")
        }
    }

    func source(_ range: Spark_Connect_Range) -> Plan {
        .range(RowRange(start: range.hasStart ? range.start : 0, end: range.end, step: range.step))
    }

    func source(_ sql: Spark_Connect_SQL) throws -> Plan {
        guard sql.args.isEmpty, sql.posArgs.isEmpty, sql.namedArguments.isEmpty, sql.posArguments.isEmpty else {
            throw SparkError.unsupported("parameters of a SQL statement")
        }
        return try Parser.parse(sql.query)
    }

    func source(_ local: Spark_Connect_LocalRelation) throws -> Plan {
        let schema = local.hasSchema && !local.schema.isEmpty ? try SchemaText.schema(local.schema) : nil
        guard local.hasData else {
            guard let schema else { throw SparkError.invalidPlan("a local relation has neither rows nor a schema") }
            return .local(BatchList(schema: schema, batches: []))
        }
        return .local(try ArrowImport.rows([Array(local.data)], schema: schema))
    }

    func source(_ cached: Spark_Connect_ChunkedCachedLocalRelation) throws -> Plan {
        let schema = try cached.hasSchemaHash ? SchemaText.schema(String(decoding: artifact(cached.schemaHash), as: UTF8.self)) : nil
        return .local(try ArrowImport.rows(try cached.dataHashes.map { try artifact($0) }, schema: schema))
    }

    /// A serialised LocalRelation, as sent by clients from before the chunked form.
    func source(_ cached: Spark_Connect_CachedLocalRelation) throws -> Plan {
        let bytes = try artifact(cached.hash)
        guard let local = SparkMessages.decode(Spark_Connect_LocalRelation.self, bytes) else {
            throw SparkError.invalidPlan("the cached local relation \(cached.hash) cannot be read")
        }
        return try source(local)
    }

    private func artifact(_ hash: String) throws -> [UInt8] {
        guard let bytes = artifacts.content("cache/\(hash)") else {
            throw SparkError.invalidPlan("not found any cached local relation with the hash: \(hash) in the session")
        }
        return bytes
    }
}

/// A schema as text: Spark's JSON form or DDL.
enum SchemaText {
    private struct Failure: Error {}

    static func schema(_ text: String) throws -> Schema {
        guard text.drop(while: { $0.isWhitespace }).hasPrefix("{") else { return try Parser.parseSchema(text) }
        guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
            case .structure(let fields) = try type(object, depth: 0)
        else { throw SparkError.invalidPlan("a schema is not a struct type") }
        return Schema(fields)
    }

    private static func type(_ json: Any, depth: Int) throws -> DataType {
        guard depth < TypeTranslation.depthMax else { throw SparkError.invalidPlan("a schema nests too deeply") }
        if let name = json as? String { return try named(name) }
        guard let object = json as? [String: Any], let kind = object["type"] as? String else {
            throw SparkError.invalidPlan("a schema has a type that is neither a name nor an object")
        }
        switch kind {
        case "struct":
            let fields = object["fields"] as? [[String: Any]] ?? []
            return .structure(
                try fields.map { field in
                    StructField(
                        field["name"] as? String ?? "", try type(field["type"] ?? "", depth: depth + 1),
                        nullable: field["nullable"] as? Bool ?? true)
                })
        case "array":
            return .array(
                element: try type(object["elementType"] ?? "", depth: depth + 1), containsNull: object["containsNull"] as? Bool ?? true)
        case "map":
            return .map(
                key: try type(object["keyType"] ?? "", depth: depth + 1), value: try type(object["valueType"] ?? "", depth: depth + 1),
                valueContainsNull: object["valueContainsNull"] as? Bool ?? true)
        default: throw SparkError.unsupportedType(kind.uppercased())
        }
    }

    private static func named(_ name: String) throws -> DataType {
        switch name {
        case "integer": return .int
        case "void", "null": return .null
        default: return try Parser.parseType(name)
        }
    }
}
