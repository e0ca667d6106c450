// Functions in Python as a client defines them: code that only a process of Python can read, with the kind of its arguments and the type of
// its result. Source: PySpark's `PythonEvalType`.

/// What a function takes and gives; the numbers are PySpark's.
package enum PythonKind: Int, Hashable, Sendable, CaseIterable {
    /// A value for each row. `arrowRow` converts its results strictly.
    case row = 100
    case arrowRow = 101
    /// A column for columns.
    case pandas = 200
    case arrow = 250
    /// Columns for an iterator of columns.
    case pandasIterator = 204
    case arrowIterator = 251
    /// Any rows for an iterator of rows.
    case mapPandas = 205
    case mapArrow = 207
    /// Any rows for the rows of a group.
    case groupPandas = 201
    case groupArrow = 209
    case groupArrowIterator = 215
    case groupPandasIterator = 216
    /// Any rows for the rows of one key on two sides.
    case cogroupPandas = 206
    case cogroupArrow = 210
    /// A value for the columns of a group.
    case aggregatePandas = 202
    case aggregatePandasIterator = 217
    case aggregateArrow = 252
    case aggregateArrowIterator = 254

    /// Where a function of the kind may be called.
    package enum Use: Hashable, Sendable { case scalar, aggregate, rows, groups, cogroups }

    package var use: Use {
        switch self {
        case .row, .arrowRow, .pandas, .arrow, .pandasIterator, .arrowIterator: .scalar
        case .mapPandas, .mapArrow: .rows
        case .groupPandas, .groupArrow, .groupArrowIterator, .groupPandasIterator: .groups
        case .cogroupPandas, .cogroupArrow: .cogroups
        case .aggregatePandas, .aggregatePandasIterator, .aggregateArrow, .aggregateArrowIterator: .aggregate
        }
    }

    /// Whether one call sees all rows of its input, so that it cannot be cut into several.
    package var takesIterator: Bool { self == .pandasIterator || self == .arrowIterator || use == .rows }
}

package struct PythonFunction: Hashable, Sendable {
    /// As defined; shown in names of columns.
    package var name: String
    package var kind: PythonKind
    /// Of its result: a struct of the columns where it gives rows.
    package var type: DataType
    /// The function as its client wrote it with cloudpickle.
    package var command: [UInt8]
    /// The client's version of Python, such as `3.11`.
    package var version: String
    package var isDeterministic: Bool

    package init(name: String, kind: PythonKind, type: DataType, command: [UInt8], version: String, isDeterministic: Bool = true) {
        self.name = name
        self.kind = kind
        self.type = type
        self.command = command
        self.version = version
        self.isDeterministic = isDeterministic
    }

    /// The columns of the rows that it gives.
    package var fields: [StructField] {
        if case .structure(let fields) = type { fields } else { [] }
    }
}

/// A function with the names of its arguments.
package struct PythonCall: Hashable, Sendable {
    package var function: PythonFunction
    /// One for each argument; empty for one that is given by its place.
    package var names: [String]

    package init(_ function: PythonFunction, names: [String]) {
        self.function = function
        self.names = names
    }
}

/// Rows made by a function of rows, groups or pairs of groups.
package struct PythonRelation: Sendable {
    package var call: PythonCall
    /// The function's columns; empty for all columns of the inputs.
    package var arguments: [Expression]
    /// One, or two for pairs of groups.
    package var inputs: [Plan]
    /// For each input; empty for a function of rows.
    package var keys: [[Expression]]

    package init(call: PythonCall, arguments: [Expression], inputs: [Plan], keys: [[Expression]]) {
        self.call = call
        self.arguments = arguments
        self.inputs = inputs
        self.keys = keys
    }
}
