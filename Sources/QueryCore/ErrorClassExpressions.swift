// Error classes of generators, lambdas, maps and time zones: SQLSTATE, the client's exception and the wording. Source: Spark's published
// error conditions.

extension ErrorClass {
    var expressionEntry: (String, QueryError.Kind, String)? {
        switch self {
        case .generatorNested: ("42K0E", .analysis, "The generator is not supported: nested in expressions <expression>.")
        case .generatorOutsideSelect: ("42K0E", .analysis, "The generator is not supported: outside the SELECT clause, found: <plan>.")
        case .generatorAliasMismatch:
            (
                "42802", .analysis,
                "The number of aliases supplied in the AS clause does not match the number of columns output by "
                    + "the UDTF.\nExpected <aliasesSize> aliases, but got <aliasesNames>.\nPlease ensure that the "
                    + "number of aliases provided matches the number of columns output by the UDTF."
            )
        case .multiAliasWithoutGenerator:
            ("42K0E", .analysis, "Multi part aliasing (<names>) is not supported with <expr> as it is not a generator function.")
        case .unresolvableTableFunction:
            (
                "42883", .analysis,
                "Could not resolve <name> to a table-valued function.\nPlease make sure that <name> is defined "
                    + "as a table-valued function and that all required parameters are provided correctly.\nIf <name> "
                    + "is not defined, please create the table-valued function before using it."
            )
        case .lambdaArgumentCount:
            (
                "42K0D", .analysis,
                "Invalid lambda function call. A higher order function expects <expectedNumArgs> arguments, but "
                    + "got <actualNumArgs>."
            )
        case .lambdaDuplicateNames:
            (
                "42K0D", .analysis,
                "Invalid lambda function call. The lambda function has duplicate arguments <args>. Please, "
                    + "consider to rename the argument names or set <caseSensitiveConfig> to \"true\"."
            )
        case .lambdaNotHigherOrder:
            (
                "42K0D", .analysis,
                "Invalid lambda function call. A lambda function should only be used in a higher order function. "
                    + "However, its class is <class>, which is not a higher order function."
            )
        case .subqueryInHigherOrder:
            (
                "0A000", .analysis,
                "Unsupported subquery expression: Subquery expressions are not supported within higher-order "
                    + "functions. Please remove all subquery expressions from higher-order functions and then try the "
                    + "query again."
            )
        case .duplicatedMapKey:
            (
                "23505", .runtime,
                "Duplicate map key <key> was found, please check the input data.\nIf you want to remove the "
                    + "duplicated keys, you can set <mapKeyDedupPolicy> to \"LAST_WIN\" so that the key inserted at "
                    + "last takes precedence."
            )
        case .nullMapKey: ("2200E", .runtime, "Cannot use null as map key.")
        case .comparatorReturnsNull:
            (
                "22004", .runtime,
                "The comparator has returned a NULL for a comparison between <firstValue> and <secondValue>.\nIt "
                    + "should return a positive integer for \"greater than\", 0 for \"equal\" and a negative integer "
                    + "for \"less than\"."
            )
        case .dataTypeMismatchStackTypes:
            (
                "42K09", .analysis,
                "Cannot resolve <sqlExpr> due to data type mismatch: The data type of the column (<columnIndex>) "
                    + "do not have the same type: <leftType> (<leftParamIndex>) <> <rightType> (<rightParamIndex>)."
            )
        case .dataTypeMismatchReturnType:
            (
                "42K09", .analysis,
                "Cannot resolve <sqlExpr> due to data type mismatch: The <functionName> requires return "
                    + "<expectedType> type, but the actual is <actualType> type."
            )
        case .dataTypeMismatchMapZip:
            (
                "42K09", .analysis,
                "Cannot resolve <sqlExpr> due to data type mismatch: Input to the <functionName> should have "
                    + "been two maps with compatible key types, but it's [<leftType>, <rightType>]."
            )
        case .invalidTimeZone:
            (
                "22009", .dateTime,
                "The timezone: <timeZone> is invalid. The timezone must be either a region-based zone ID or a zone offset. Region IDs "
                    + "must have the form 'area/city', such as 'America/Los_Angeles'. Zone offsets must be in the format '(+|-)HH', "
                    + "'(+|-)HH:mm’ or '(+|-)HH:mm:ss', e.g '-08' , '+01:00' or '-13:33:33', and must be in the range "
                    + "from -18:00 to +18:00. "
                    + "'Z' and 'UTC' are accepted as synonyms for '+00:00'."
            )
        case .illegalSequence:
            ("22023", .illegalArgument, "Illegal sequence boundaries: <start> to <stop> by <step>.")
        case .invalidArrayIndexInElementAt:
            (
                "22003", .runtime,
                "The index <indexValue> is out of bounds. The array has <arraySize> elements. Use `try_element_at` to tolerate accessing "
                    + "element at invalid index and return NULL instead."
            )
        case .invalidParameterStart:
            (
                "22023", .runtime,
                "The value of parameter(s) <parameter> in <functionName> is invalid: Expects a positive or a negative value for `start`, "
                    + "but got 0."
            )
        case .invalidParameterLength:
            (
                "22023", .runtime,
                "The value of parameter(s) <parameter> in <functionName> is invalid: Expects `length` greater than or equal to 0, but got "
                    + "<length>."
            )
        case .unpivotWithoutValues: ("42K0E", .analysis, "At least one value column needs to be specified for UNPIVOT.")
        case .unpivotTypes:
            ("42K09", .analysis, "Unpivot value columns must share a least common type, some types do not: [<types>].")
        default: nil
        }
    }
}
