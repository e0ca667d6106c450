// The name of a plan in logs: its SQL if it has any, else its kinds of relations from the top down. Cut to a readable line; not meant to be
// run again.
import SparkWire

/// The start or end of a query or command. Ids are those of Spark Connect's operations.
package enum QueryEvent: Sendable {
    case began(id: String, text: String)
    case ended(id: String)
}

enum QueryText {
    /// Limit of the text, in UTF-8 bytes.
    static let bytesMax = 2_000
    /// Relations searched for SQL, from the top.
    private static let depthMax = 64

    static func of(_ plan: Spark_Connect_Plan) -> String {
        switch plan.opType {
        case .root(let relation): cut(text(relation))
        case .command(let command): cut(text(command))
        case .compressedOperation: "a compressed plan"
        case nil: "an empty plan"
        }
    }

    private static func text(_ command: Spark_Connect_Command) -> String {
        switch command.commandType {
        case .sqlCommand(let sql): sql.hasInput ? text(sql.input) : sql.sql
        case .createDataframeView(let view): "a view of " + text(view.input)
        case .extension(let any): SparkMessages.typeName(any)
        default: "a command"
        }
    }

    private static func text(_ relation: Spark_Connect_Relation) -> String {
        var kinds: [String] = []
        var next: Spark_Connect_Relation? = relation
        while let relation = next, kinds.count < depthMax {
            if case .sql(let sql) = relation.relType { return sql.query }
            let (kind, input) = step(relation)
            kinds.append(kind)
            next = input
        }
        return "DataFrame: " + kinds.joined(separator: " of ")
    }

    private static func step(_ relation: Spark_Connect_Relation) -> (kind: String, input: Spark_Connect_Relation?) {
        switch relation.relType {
        case .project(let node): ("project", node.input)
        case .filter(let node): ("filter", node.input)
        case .aggregate(let node): ("aggregate", node.input)
        case .sort(let node): ("sort", node.input)
        case .limit(let node): ("limit", node.input)
        case .offset(let node): ("offset", node.input)
        case .tail(let node): ("tail", node.input)
        case .deduplicate(let node): ("distinct", node.input)
        case .withColumns(let node): ("with columns", node.input)
        case .withColumnsRenamed(let node): ("renamed", node.input)
        case .drop(let node): ("drop", node.input)
        case .toDf(let node): ("renamed", node.input)
        case .subqueryAlias(let node): ("alias", node.input)
        case .showString(let node): ("show", node.input)
        case .join(let node): ("join", node.left)
        case .setOp(let node): ("set operation", node.leftInput)
        case .read: ("read", nil)
        case .range: ("range", nil)
        case .localRelation, .cachedLocalRelation: ("local rows", nil)
        case .catalog: ("catalog", nil)
        default: ("relation", nil)
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > bytesMax else { return text }
        return String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self) + " ..."
    }
}
