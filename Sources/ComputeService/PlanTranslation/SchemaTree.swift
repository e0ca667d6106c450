// A schema as Spark prints it: one line for each field, children indented.
import QueryCore

enum SchemaTree {
    static func text(_ schema: Schema, levels: Int? = nil) -> String {
        var text = "root\n"
        append(schema.fields, prefix: " |", depth: 1, levels ?? Int.max, &text)
        return text
    }

    private static func append(_ fields: [StructField], prefix: String, depth: Int, _ levels: Int, _ text: inout String) {
        for field in fields {
            text += "\(prefix)-- \(field.name): \(field.type.treeName) (nullable = \(field.nullable))\n"
            appendChildren(field.type, prefix: prefix + "    |", depth: depth + 1, levels, &text)
        }
    }

    private static func appendChildren(_ type: DataType, prefix: String, depth: Int, _ levels: Int, _ text: inout String) {
        guard depth <= levels else { return }
        switch type {
        case .structure(let fields): append(fields, prefix: prefix, depth: depth, levels, &text)
        case .array(let element, let containsNull):
            text += "\(prefix)-- element: \(element.treeName) (containsNull = \(containsNull))\n"
            appendChildren(element, prefix: prefix + "    |", depth: depth + 1, levels, &text)
        case .map(let key, let value, let valueContainsNull):
            text += "\(prefix)-- key: \(key.treeName)\n"
            appendChildren(key, prefix: prefix + "    |", depth: depth + 1, levels, &text)
            text += "\(prefix)-- value: \(value.treeName) (valueContainsNull = \(valueContainsNull))\n"
            appendChildren(value, prefix: prefix + "    |", depth: depth + 1, levels, &text)
        default: break
        }
    }
}
