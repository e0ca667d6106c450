// What the analyser knows of a function of the library: its names, its parameters, its result. The rows with their kernels are
// ComputeCore's; the analyser asks for them through `Catalog`.

package struct FunctionSignature: Sendable {
    package enum Parameter: Sendable {
        case string, int, long, double, boolean, date, timestamp, numeric, binary, any
        /// Any whole number; `wideIntegral` makes an int of narrower ones.
        case integral, wideIntegral
        /// A string or a binary as it is; anything else becomes a string.
        case text
        /// An int, or a narrower whole number.
        case days
    }

    package enum Result: Sendable {
        case type(DataType)
        case ofFirst
        /// The common type of all arguments, to which they are cast.
        case common
        case rule(TypeRule)
    }

    package enum Nulls: Sendable {
        /// Null where an argument is null, and only there.
        case strict
        /// Null where an argument is null, and perhaps elsewhere.
        case possible
        /// The kernel sees null arguments.
        case accepted
    }

    /// What a function over timestamps does with the wall clock.
    package enum Clock: Sendable {
        case none
        case reads
        /// It reads one and gives one.
        case makes
        /// It prints the wall clock of seconds since 1970.
        case printsSeconds
        /// Timestamps inside of its arguments or of its result are refused in a zone that is not UTC.
        case onlyUTC
    }

    /// Arguments of a function that takes any number.
    package static let many = Routine.many

    package let name: String
    package let aliases: [String]
    package let parameters: [Parameter]
    /// Arguments that must be given.
    package let required: Int
    package let result: Result
    package let nulls: Nulls
    /// Whether its kernel may refuse a value; rows that do not reach it are then not evaluated.
    package let canRaise: Bool
    package let clock: Clock

    package init(
        _ name: String, aliases: [String] = [], _ parameters: [Parameter], required: Int? = nil, _ result: Result, nulls: Nulls = .strict,
        canRaise: Bool = false, clock: Clock = .none
    ) {
        self.name = name
        self.aliases = aliases
        self.parameters = parameters
        self.required = required ?? parameters.count
        self.result = result
        self.nulls = nulls
        self.canRaise = canRaise
        self.clock = clock
    }
}

extension FunctionSignature: Hashable {
    /// Names are unique in the table.
    package static func == (left: FunctionSignature, right: FunctionSignature) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
