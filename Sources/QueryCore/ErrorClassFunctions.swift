// Error classes that functions of the library throw: SQLSTATE, the client's exception and the wording. Source: Spark's published error
// conditions.

extension ErrorClass {
    var functionEntry: (String, QueryError.Kind, String)? {
        switch self {
        case .cannotDecodeURL:
            (
                "22546", .illegalArgument,
                "The provided URL cannot be decoded: <url>. Please ensure that the URL is properly formatted and try again."
            )
        case .invalidURL:
            (
                "22P02", .illegalArgument,
                "The url is invalid: <url>. Use `try_parse_url` to tolerate invalid URL and return NULL instead."
            )
        case .invalidUTF8: ("22029", .illegalArgument, "Invalid UTF8 byte sequence found in string: <str>.")
        case .conversionInvalidInput:
            (
                "22018", .illegalArgument,
                "The value <str> (<fmt>) cannot be converted to <targetType> because it is malformed. Correct the value as per the "
                    + "syntax, or change its format. Use <suggestion> to tolerate malformed input and return NULL instead."
            )
        case .invalidFormatMismatch:
            (
                "42601", .illegalArgument,
                "The format is invalid: <format>. The input <inputType> <input> does not match the format."
            )
        case .hashMapType:
            (
                "42K09", .analysis,
                "Cannot resolve <sqlExpr> due to data type mismatch: Input to the function <functionName> cannot contain elements of the "
                    + "\"MAP\" type. In Spark, same maps may have different hashcode, thus hash expressions are prohibited on \"MAP\" "
                    + "elements. To restore previous behavior set \"spark.sql.legacy.allowHashOnMapType\" to \"true\"."
            )
        case .invalidCharset:
            (
                "22023", .illegalArgument,
                "The value of parameter(s) <parameter> in <functionName> is invalid: expects one of the <charsets>, but got <charset>."
            )
        case .invalidExtractField: ("42601", .analysis, "Cannot extract <field> from <expr>.")
        case .userRaised: ("P0001", .runtime, "<errorMessage>")
        default: nil
        }
    }
}
