// Types of functions whose result depends on their arguments' types, such as those over arrays and maps.

/// An argument as a rule sees it.
package struct FunctionArgument: Sendable {
    package let type: DataType
    package let nullable: Bool
    /// For rules that read the values of constants, such as schemas and formats.
    package let expression: BoundExpression
}

package struct TypeRule: Sendable {
    /// Of the first parameter, in Spark's words, for a refusal.
    package let required: String
    /// The arguments' types after their implicit casts and the result's type; nil if the arguments do not fit.
    package typealias Types = @Sendable ([FunctionArgument]) throws(QueryError) -> (arguments: [DataType], result: DataType)?
    package let types: Types

    package init(_ required: String, _ types: @escaping Types) {
        self.required = required
        self.types = types
    }
}

extension DataType {
    /// The element's type and whether it may be null, of an array.
    package var element: (type: DataType, containsNull: Bool)? {
        if case .array(let element, let containsNull) = self { (element, containsNull) } else { nil }
    }

    /// Key, value and whether that may be null, of a map.
    package var entry: (key: DataType, value: DataType, containsNull: Bool)? {
        if case .map(let key, let value, let containsNull) = self { (key, value, containsNull) } else { nil }
    }
}
