// The table of error classes: Spark's name (the raw value), SQLSTATE, wording with named parameters, and the client's exception. A class is
// here only if our code throws it. Source: Spark's published error conditions.

package enum ErrorClass: String, Hashable, Sendable, CaseIterable {
    case allPartitionColumns = "ALL_PARTITION_COLUMNS_NOT_ALLOWED"
    case ambiguousReference = "AMBIGUOUS_REFERENCE"
    case arithmeticOverflow = "ARITHMETIC_OVERFLOW"
    case assignmentArityMismatch = "ASSIGNMENT_ARITY_MISMATCH"
    case cannotParseTimestamp = "CANNOT_PARSE_TIMESTAMP"
    case cannotResolveDataFrameColumn = "CANNOT_RESOLVE_DATAFRAME_COLUMN"
    case cannotResolveStarExpand = "CANNOT_RESOLVE_STAR_EXPAND"
    case cannotMergeSchemas = "CANNOT_MERGE_SCHEMAS"
    case castInvalidInput = "CAST_INVALID_INPUT"
    case castOverflow = "CAST_OVERFLOW"
    case codecNotAvailable = "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION"
    case columnAlreadyExists = "COLUMN_ALREADY_EXISTS"
    case conflictingPartitionColumns = "CONFLICTING_PARTITION_COLUMN_NAMES"
    case dataSourceNotFound = "DATA_SOURCE_NOT_FOUND"
    case dataTypeMismatchBinaryOpDiffTypes = "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"
    case dataTypeMismatchBinaryOpWrongType = "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE"
    case dataTypeMismatchCast = "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION"
    case dataTypeMismatchDataDiffTypes = "DATATYPE_MISMATCH.DATA_DIFF_TYPES"
    case dataTypeMismatchFilterNotBoolean = "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN"
    case dataTypeMismatchInvalidOrdering = "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE"
    case dataTypeMismatchNonFoldable = "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT"
    case dataTypeMismatchUnexpectedInput = "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"
    case dataTypeMismatchValueRange = "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"
    case dateFieldOutOfBounds = "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION"
    case illegalDayOfWeek = "ILLEGAL_DAY_OF_WEEK"
    case invalidIndexOfZero = "INVALID_INDEX_OF_ZERO"
    case invalidParameterBitPosition = "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE"
    case invalidParameterPosition = "INVALID_PARAMETER_VALUE.POSITION"
    case invalidPandasUDFPlacement = "INVALID_PANDAS_UDF_PLACEMENT"
    case invalidParameterRegexGroup = "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX"
    case groupingColumnMismatch = "GROUPING_COLUMN_MISMATCH"
    case groupingIDMismatch = "GROUPING_ID_COLUMN_MISMATCH"
    case groupingSizeLimit = "GROUPING_SIZE_LIMIT_EXCEEDED"
    case unsupportedGrouping = "UNSUPPORTED_GROUPING_EXPRESSION"
    case distinctWindow = "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED"
    case frameBoundsOrder = "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_INVALID_BOUND"
    case rangeFrameInvalidType = "DATATYPE_MISMATCH.RANGE_FRAME_INVALID_TYPE"
    case rangeFrameMultiOrder = "DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER"
    case rangeFrameWithoutOrder = "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER"
    case missingWindow = "MISSING_WINDOW_SPECIFICATION"
    case unsupportedWindowExpression = "UNSUPPORTED_EXPR_FOR_WINDOW"
    case windowFunctionWithoutOver = "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE"
    case windowInClause = "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE"
    case windowWithoutOrder = "WINDOW_FUNCTION_FRAME_NOT_ORDERED"
    case pythonException = "PYTHON_EXCEPTION"
    case divideByZero = "DIVIDE_BY_ZERO"
    case failedReadFile = "FAILED_READ_FILE.NO_HINT"
    case failedToParseTooComplex = "FAILED_TO_PARSE_TOO_COMPLEX"
    case fieldNotFound = "FIELD_NOT_FOUND"
    case groupByAggregate = "GROUP_BY_AGGREGATE"
    case groupByPosAggregate = "GROUP_BY_POS_AGGREGATE"
    case groupByPosOutOfRange = "GROUP_BY_POS_OUT_OF_RANGE"
    case incompatibleColumnType = "INCOMPATIBLE_COLUMN_TYPE"
    case inlineTableColumns = "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH"
    case inlineTableExpression = "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE"
    case inlineTableTypes = "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE"
    case invalidArrayIndex = "INVALID_ARRAY_INDEX"
    case invalidExtractBase = "INVALID_EXTRACT_BASE_FIELD_TYPE"
    case invalidLimitNegative = "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE"
    case invalidLimitType = "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE"
    case invalidNumericLiteralRange = "INVALID_NUMERIC_LITERAL_RANGE"
    case invalidParameterPattern = "INVALID_PARAMETER_VALUE.PATTERN"
    case invalidTypedLiteral = "INVALID_TYPED_LITERAL"
    case inSubqueryLength = "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH"
    case inSubqueryTypes = "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH"
    case invalidWhereCondition = "INVALID_WHERE_CONDITION"
    case malformedRecord = "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
    case missingAggregation = "MISSING_AGGREGATION"
    case missingGroupBy = "MISSING_GROUP_BY"
    case nestedAggregate = "NESTED_AGGREGATE_FUNCTION"
    case numColumnsMismatch = "NUM_COLUMNS_MISMATCH"
    case numericValueOutOfRange = "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION"
    case operationCancelled = "OPERATION_CANCELED"
    case orderByPosOutOfRange = "ORDER_BY_POS_OUT_OF_RANGE"
    case parseEmptyStatement = "PARSE_EMPTY_STATEMENT"
    case parseSyntaxError = "PARSE_SYNTAX_ERROR"
    case partitionColumnNotFound = "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA"
    case pathAlreadyExists = "PATH_ALREADY_EXISTS"
    case pathNotFound = "PATH_NOT_FOUND"
    case remainderByZero = "REMAINDER_BY_ZERO"
    case scalarSubqueryColumns = "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN"
    case scalarSubqueryRows = "SCALAR_SUBQUERY_TOO_MANY_ROWS"
    case tableOrViewNotFound = "TABLE_OR_VIEW_NOT_FOUND"
    case taskWriteFailed = "TASK_WRITE_FAILED"
    case tempViewAlreadyExists = "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    case unableToAcquireMemory = "UNABLE_TO_ACQUIRE_MEMORY"
    case unableToInferSchema = "UNABLE_TO_INFER_SCHEMA"
    case unclosedComment = "UNCLOSED_BRACKETED_COMMENT"
    case unresolvedColumn = "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    case unresolvedColumnNoSuggestion = "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"
    case unresolvedRoutine = "UNRESOLVED_ROUTINE"
    case unresolvedUsingColumn = "UNRESOLVED_USING_COLUMN_FOR_JOIN"
    case unsupportedDataType = "UNSUPPORTED_DATATYPE"
    case unsupportedDataTypeForDataSource = "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"
    case unsupportedExpression = "UNSUPPORTED_EXPR_FOR_OPERATOR"
    case unsupportedFeature = "UNSUPPORTED_FEATURE"
    case viewNotFound = "VIEW_NOT_FOUND"
    case catalogNotFound = "CATALOG_NOT_FOUND"
    case columnNotDefinedInTable = "COLUMN_NOT_DEFINED_IN_TABLE"
    case dropDefaultDatabase = "UNSUPPORTED_FEATURE.DROP_DATABASE"
    case duplicateKey = "DUPLICATE_KEY"
    case expectTableNotView = "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE"
    case incompatibleDataCast = "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST"
    case incompatibleDataExtraColumns = "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS"
    case insertNotEnoughColumns = "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"
    case insertTooManyColumns = "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS"
    case invalidRelationName = "INVALID_SCHEMA_OR_RELATION_NAME"
    case invalidTemporaryReference = "INVALID_TEMP_OBJ_REFERENCE"
    case locationAlreadyExists = "LOCATION_ALREADY_EXISTS"
    case nonPartitionColumn = "NON_PARTITION_COLUMN"
    case partitionSchemaIsEmpty = "INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY"
    case partitionsAlreadyExist = "PARTITIONS_ALREADY_EXIST"
    case partitionsNotFound = "PARTITIONS_NOT_FOUND"
    case recursiveView = "RECURSIVE_VIEW"
    case requiresSinglePartNamespace = "REQUIRES_SINGLE_PART_NAMESPACE"
    case schemaAlreadyExists = "SCHEMA_ALREADY_EXISTS"
    case schemaNotEmpty = "SCHEMA_NOT_EMPTY"
    case schemaNotFound = "SCHEMA_NOT_FOUND"
    case tableOrViewAlreadyExists = "TABLE_OR_VIEW_ALREADY_EXISTS"
    case wrongCommandForObject = "WRONG_COMMAND_FOR_OBJECT_TYPE"
    case generatorNested = "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS"
    case generatorOutsideSelect = "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT"
    case generatorAliasMismatch = "UDTF_ALIAS_NUMBER_MISMATCH"
    case multiAliasWithoutGenerator = "MULTI_ALIAS_WITHOUT_GENERATOR"
    case unresolvableTableFunction = "UNRESOLVABLE_TABLE_VALUED_FUNCTION"
    case lambdaArgumentCount = "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH"
    case lambdaDuplicateNames = "INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES"
    case lambdaNotHigherOrder = "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION"
    case subqueryInHigherOrder = "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.HIGHER_ORDER_FUNCTION"
    case duplicatedMapKey = "DUPLICATED_MAP_KEY"
    case nullMapKey = "NULL_MAP_KEY"
    case comparatorReturnsNull = "COMPARATOR_RETURNS_NULL"
    case dataTypeMismatchStackTypes = "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES"
    case dataTypeMismatchReturnType = "DATATYPE_MISMATCH.UNEXPECTED_RETURN_TYPE"
    case dataTypeMismatchMapZip = "DATATYPE_MISMATCH.MAP_ZIP_WITH_DIFF_TYPES"
    case invalidTimeZone = "INVALID_TIMEZONE"
    case illegalSequence = "ILLEGAL_SEQUENCE_BOUNDARIES"
    case invalidArrayIndexInElementAt = "INVALID_ARRAY_INDEX_IN_ELEMENT_AT"
    case invalidParameterStart = "INVALID_PARAMETER_VALUE.START"
    case invalidParameterLength = "INVALID_PARAMETER_VALUE.LENGTH"
    case unpivotWithoutValues = "UNPIVOT_REQUIRES_VALUE_COLUMNS"
    case unpivotTypes = "UNPIVOT_VALUE_DATA_TYPE_MISMATCH"
    case cannotDecodeURL = "CANNOT_DECODE_URL", invalidURL = "INVALID_URL", invalidUTF8 = "INVALID_UTF8_STRING"
    case conversionInvalidInput = "CONVERSION_INVALID_INPUT", invalidFormatMismatch = "INVALID_FORMAT.MISMATCH_INPUT"
    case hashMapType = "DATATYPE_MISMATCH.HASH_MAP_TYPE", invalidCharset = "INVALID_PARAMETER_VALUE.CHARSET"
    case invalidExtractField = "INVALID_EXTRACT_FIELD", userRaised = "USER_RAISED_EXCEPTION"
    case wrongNumArgs = "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"

    package var sqlState: String { entry.0 }
    package var kind: QueryError.Kind { entry.1 }
    package var template: String { entry.2 }

    private var entry: (String, QueryError.Kind, String) {
        parseEntry ?? typeEntry ?? expressionEntry ?? functionEntry ?? runtimeEntry ?? catalogEntry ?? pythonEntry ?? analysisEntry
    }

    private var parseEntry: (String, QueryError.Kind, String)? {
        switch self {
        case .invalidNumericLiteralRange:
            (
                "22003", .parse,
                "Numeric literal <rawStrippedQualifier> is outside the valid range for <typeName> with minimum value of <minValue> and "
                    + "maximum value of <maxValue>. Please adjust the value accordingly."
            )
        case .invalidTypedLiteral: ("42604", .parse, "The value of the typed literal <valueType> is invalid: <value>.")
        case .failedToParseTooComplex:
            ("54001", .parse, "The statement, including potential SQL functions and referenced views, was too complex to parse.")
        case .parseEmptyStatement: ("42617", .parse, "Syntax error, unexpected empty statement.")
        case .parseSyntaxError: ("42601", .parse, "Syntax error at or near <error><hint>.")
        case .unclosedComment: ("42601", .parse, "Found an unclosed bracketed comment. Please, append */ at the end of the comment.")
        case .unsupportedDataType: ("0A000", .parse, "Unsupported data type <typeName>.")
        default: nil
        }
    }

    private var typeEntry: (String, QueryError.Kind, String)? {
        let mismatch = "Cannot resolve <sqlExpr> due to data type mismatch: "
        let detail: String? =
            switch self {
            case .dataTypeMismatchBinaryOpDiffTypes:
                "the left and right operands of the binary operator have incompatible types (<left> and <right>)."
            case .dataTypeMismatchBinaryOpWrongType: "the binary operator requires the input type <inputType>, not <actualDataType>."
            case .dataTypeMismatchCast: "cannot cast <srcType> to <targetType>."
            case .dataTypeMismatchDataDiffTypes: "Input to <functionName> should all be the same type, but it's <dataType>."
            case .dataTypeMismatchFilterNotBoolean: "Filter expression <filter> of type <type> is not a boolean."
            case .dataTypeMismatchInvalidOrdering: "The <functionName> does not support ordering on type <dataType>."
            case .dataTypeMismatchNonFoldable:
                "the input <inputName> should be a foldable <inputType> expression; however, got <inputExpr>."
            case .dataTypeMismatchValueRange:
                "The <exprName> must be between <valueRange> (current value = <currentValue>)."
            case .frameBoundsOrder: "Window frame upper bound <upper> does not follow the lower bound <lower>."
            case .rangeFrameInvalidType:
                "The data type <orderSpecType> used in the order specification does not support the data type <valueBoundaryType> which is "
                    + "used in the range frame."
            case .rangeFrameMultiOrder:
                "A range window frame with value boundaries cannot be used in a window specification with multiple order by expressions: "
                    + "<orderSpec>."
            case .rangeFrameWithoutOrder: "A range window frame cannot be used in an unordered window specification."
            case .dataTypeMismatchUnexpectedInput:
                "The <paramIndex> parameter requires the <requiredType> type, however <inputSql> has the type <inputType>."
            default: nil
            }
        return detail.map { ("42K09", .analysis, mismatch + $0) }
    }

    private var runtimeEntry: (String, QueryError.Kind, String)? {
        let bypass = " If necessary set <config> to \"false\" to bypass this error."
        return switch self {
        case .arithmeticOverflow: ("22003", .arithmetic, "<message>.<alternative>" + bypass)
        case .cannotParseTimestamp:
            ("22007", .dateTime, "<message>. Use <func> to tolerate invalid input string and return NULL instead.")
        case .castInvalidInput:
            (
                "22018", .numberFormat,
                "The value <expression> of the type <sourceType> cannot be cast to <targetType> because it is malformed. "
                    + "Correct the value as per the syntax, or change its target type. Use `try_cast` to tolerate malformed input and return NULL instead."
            )
        case .castOverflow:
            (
                "22003", .arithmetic,
                "The value <value> of the type <sourceType> cannot be cast to <targetType> due to an overflow. "
                    + "Use `try_cast` to tolerate overflow and return NULL instead."
            )
        case .divideByZero:
            ("22012", .arithmetic, "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead." + bypass)
        case .remainderByZero:
            ("22012", .arithmetic, "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead." + bypass)
        case .failedReadFile: ("KD001", .runtime, "Encountered error while reading file <path>. <reason>")
        case .invalidArrayIndex:
            (
                "22003", .runtime,
                "The index <indexValue> is out of bounds. The array has <arraySize> elements. Use the SQL function `get()` to tolerate "
                    + "accessing element at invalid index and return NULL instead."
            )
        case .invalidParameterPattern:
            ("22023", .runtime, "The value of parameter(s) <parameter> in <functionName> is invalid: <value>.")
        case .malformedRecord:
            (
                "22023", .runtime,
                "Malformed records are detected in record parsing: <badRecord>.\nParse Mode: <failFastMode>. To process malformed "
                    + "records as null result, try setting the option 'mode' as 'PERMISSIVE'. "
            )
        case .numericValueOutOfRange:
            (
                "22003", .arithmetic,
                " <value> cannot be represented as Decimal(<precision>, <scale>). If necessary set <config> to \"false\" to "
                    + "bypass this error, and return NULL instead."
            )
        case .operationCancelled: ("HY008", .runtime, "Operation has been canceled.")
        case .dateFieldOutOfBounds:
            (
                "22023", .dateTime,
                "<rangeMessage>. If necessary set <ansiConfig> to \"false\" to bypass this error."
            )
        case .illegalDayOfWeek: ("22009", .illegalArgument, "Illegal input for day of week: <string>.")
        case .invalidIndexOfZero:
            ("22003", .runtime, "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).")
        case .invalidParameterBitPosition:
            (
                "22023", .illegalArgument,
                "The value of parameter(s) <parameter> in <functionName> is invalid: "
                    + "Expects an integer value in [<lower>, <upper>), but got <invalidValue>."
            )
        case .invalidParameterPosition:
            ("22023", .illegalArgument, "The value of parameter(s) <parameter> in <functionName> is invalid: Expects a positive position.")
        case .invalidParameterRegexGroup:
            (
                "22023", .illegalArgument,
                "The value of parameter(s) <parameter> in <functionName> is invalid: "
                    + "Expects group index between 0 and <groupCount>, but got <groupIndex>."
            )
        case .scalarSubqueryRows: ("21000", .runtime, "More than one row returned by a subquery used as an expression.")
        case .unableToAcquireMemory: ("53200", .runtime, "Unable to acquire <requestedBytes> bytes of memory, got <receivedBytes>.")
        default: nil
        }
    }

    private var analysisEntry: (String, QueryError.Kind, String) {
        switch self {
        case .ambiguousReference: ("42704", .analysis, "Reference <name> is ambiguous, could be: <referenceNames>.")
        case .assignmentArityMismatch:
            (
                "42802", .analysis,
                "The number of columns or variables assigned or aliased: <numTarget> does not match the number of source "
                    + "expressions: <numExpr>."
            )
        case .cannotResolveDataFrameColumn:
            (
                "42704", .analysis,
                "Cannot resolve dataframe column <name>. It's probably because of illegal references like `df1.select(df2.col(\"a\"))`."
            )
        case .cannotResolveStarExpand:
            (
                "42704", .analysis,
                "Cannot resolve <targetString>.* given input columns <columns>. Please check that the specified table or struct "
                    + "exists and is accessible in the input columns."
            )
        case .inSubqueryLength:
            (
                "42K09", .analysis,
                "Cannot resolve the IN subquery: the number of columns in the left hand side of an IN subquery does not match the number "
                    + "of columns in the output of subquery. Left hand side columns(length: <leftLength>), right hand side "
                    + "columns(length: <rightLength>)."
            )
        case .inSubqueryTypes:
            (
                "42K09", .analysis,
                "Cannot resolve the IN subquery: the data type of one or more elements in the left hand side of an IN subquery is not "
                    + "compatible with the data type of the output of the subquery. Left side: <leftType>, right side: <rightType>."
            )
        case .groupingColumnMismatch: ("42803", .analysis, "Column of grouping() is not one of the grouping columns.")
        case .groupingIDMismatch: ("42803", .analysis, "Columns of grouping_id() are not the grouping columns.")
        case .groupingSizeLimit: ("54000", .analysis, "Grouping sets size cannot be greater than <maxSize>.")
        case .unsupportedGrouping:
            ("42K0E", .analysis, "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.")
        case .distinctWindow: ("0A000", .analysis, "Distinct window functions are not supported: <windowExpr>.")
        case .missingWindow:
            (
                "42P20", .analysis,
                "Window specification is not defined in the WINDOW clause for <windowName>. For more information about WINDOW clauses, "
                    + "please refer to 'https://spark.apache.org/docs/latest/sql-ref-syntax-qry-select-window.html'."
            )
        case .unsupportedWindowExpression: ("42P20", .analysis, "Expression <sqlExpr> not supported within a window function.")
        case .windowFunctionWithoutOver: ("42601", .analysis, "Window function <funcName> requires an OVER clause.")
        case .windowInClause: ("42601", .analysis, "Window functions are not allowed in the <clauseName> clause.")
        case .windowWithoutOrder:
            (
                "42601", .analysis,
                "Window function <wf> requires window to be ordered, please add ORDER BY clause. For example SELECT <wf>(value_expr) OVER "
                    + "(PARTITION BY window_partition ORDER BY window_ordering) from table."
            )
        case .scalarSubqueryColumns:
            ("42823", .analysis, "Invalid subquery: Scalar subquery must return only one column, but got <number>.")
        case .dataSourceNotFound:
            (
                "42K02", .analysis,
                "Failed to find the data source: <provider>. Make sure the provider name is correct and the package is properly "
                    + "registered and compatible with your Spark version."
            )
        case .fieldNotFound: ("42704", .analysis, "No such struct field <fieldName> in <fields>.")
        case .groupByAggregate: ("42903", .analysis, "Aggregate functions are not allowed in GROUP BY, but found <sqlExpr>.")
        case .groupByPosAggregate:
            (
                "42903", .analysis,
                "GROUP BY <index> refers to an expression <aggExpr> that contains an aggregate function. Aggregate functions are "
                    + "not allowed in GROUP BY."
            )
        case .groupByPosOutOfRange: ("42805", .analysis, "GROUP BY position <index> is not in select list (valid range is [1, <size>]).")
        case .incompatibleColumnType:
            (
                "42825", .analysis,
                "<operator> can only be performed on tables with compatible column types. The <columnOrdinalNumber> column of the "
                    + "<tableOrdinalNumber> table is <dataType1> type which is not compatible with <dataType2> at the same column of the first table.<hint>."
            )
        case .inlineTableColumns:
            (
                "42000", .analysis,
                "Invalid inline table. Inline table expected <expectedNumCols> columns but found <actualNumCols> columns in row <rowIndex>."
            )
        case .inlineTableExpression:
            ("42000", .analysis, "Invalid inline table. Cannot evaluate the expression <expr> in inline table definition.")
        case .inlineTableTypes:
            ("42000", .analysis, "Invalid inline table. Found incompatible types in the column <colName> for inline table.")
        case .invalidExtractBase:
            ("42000", .analysis, "Can't extract a value from <base>. Need a complex type [STRUCT, ARRAY, MAP] but got <other>.")
        case .invalidLimitNegative:
            (
                "42K0E", .analysis,
                "The limit like expression <expr> is invalid. The <name> expression must be equal to or greater than 0, but got <v>."
            )
        case .invalidLimitType:
            (
                "42K0E", .analysis,
                "The limit like expression <expr> is invalid. The <name> expression must be integer type, but got <dataType>."
            )
        case .invalidWhereCondition:
            (
                "42903", .analysis,
                "The WHERE condition <condition> contains invalid expressions: <expressionList>.\nRewrite the query to avoid window "
                    + "functions, aggregate functions, and generator functions in the WHERE clause."
            )
        case .missingAggregation:
            (
                "42803", .analysis,
                "The non-aggregating expression <expression> is based on columns which are not participating in the GROUP BY clause.\n"
                    + "Add the columns or the expression to the GROUP BY, aggregate the expression, or use <expressionAnyValue> if you do not care which "
                    + "of the values within a group is returned."
            )
        case .missingGroupBy:
            (
                "42803", .analysis,
                "The query does not include a GROUP BY clause. Add GROUP BY or turn it into the window functions using OVER clauses."
            )
        case .nestedAggregate:
            (
                "42607", .analysis,
                "It is not allowed to use an aggregate function in the argument of another aggregate function. Please use the inner "
                    + "aggregate function in a sub-query."
            )
        case .numColumnsMismatch:
            (
                "42826", .analysis,
                "<operator> can only be performed on inputs with the same number of columns, but the first input has <firstNumColumns> "
                    + "columns and the <invalidOrdinalNum> input has <invalidNumColumns> columns."
            )
        case .orderByPosOutOfRange: ("42805", .analysis, "ORDER BY position <index> is not in select list (valid range is [1, <size>]).")
        default: fileEntry ?? nameEntry
        }
    }

    private var fileEntry: (String, QueryError.Kind, String)? {
        switch self {
        case .cannotMergeSchemas:
            (
                "42KD9", .analysis,
                "Failed merging schemas:\nInitial schema:\n<left>\nSchema that cannot be merged with the initial schema:\n<right>."
            )
        case .conflictingPartitionColumns:
            (
                "KD009", .analysis,
                "Conflicting partition column names detected: <first> and <second> are not in directories of the same columns."
            )
        case .pathAlreadyExists:
            ("42K04", .analysis, "Path <outputPath> already exists. Set mode as \"overwrite\" to overwrite the existing path.")
        case .allPartitionColumns: ("KD005", .analysis, "Cannot use all columns for partition columns.")
        case .codecNotAvailable:
            ("56038", .illegalArgument, "The codec <codecName> is not available. Available codecs are <availableCodecs>.")
        case .columnAlreadyExists:
            ("42711", .analysis, "The column <columnName> already exists. Choose another name or rename the existing column.")
        case .partitionColumnNotFound:
            (
                "42000", .analysis,
                "Partition column <column> not found in schema <schema>. Please provide the existing column for partitioning."
            )
        case .taskWriteFailed: ("58030", .runtime, "Task failed while writing rows to <path>. <reason>")
        case .unsupportedDataTypeForDataSource:
            ("0A000", .analysis, "The <format> datasource doesn't support the column <columnName> of the type <columnType>.")
        default: nil
        }
    }

    private var nameEntry: (String, QueryError.Kind, String) {
        let column = "A column, variable, or function parameter with name <objectName> cannot be resolved. "
        return switch self {
        case .pathNotFound: ("42K03", .analysis, "Path does not exist: <path>.")
        case .tableOrViewNotFound:
            (
                "42P01", .analysis,
                "The table or view <relationName> cannot be found. Verify the spelling and correctness of the schema and catalog.\n"
                    + "Search path: <searchPath>.\n"
                    + "If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and "
                    + "catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS."
            )
        case .tempViewAlreadyExists:
            (
                "42P07", .analysis,
                "Cannot create the temporary view <relationName> because it already exists.\nChoose a different name, drop or "
                    + "replace the existing view."
            )
        case .unableToInferSchema: ("42KD9", .analysis, "Unable to infer schema for <format>. It must be specified manually.")
        case .unresolvedColumn: ("42703", .analysis, column + "Did you mean one of the following? [<proposal>].")
        case .unresolvedColumnNoSuggestion: ("42703", .analysis, column)
        case .unresolvedRoutine: ("42883", .analysis, "Cannot resolve routine <routineName> on search path <searchPath>.<hint>")
        case .unresolvedUsingColumn:
            (
                "42703", .analysis,
                "USING column <colName> cannot be resolved on the <side> side of the join. The <side>-side columns: [<suggestion>]."
            )
        case .viewNotFound:
            (
                "42P01", .analysis,
                "The view <relationName> cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did "
                    + "not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.\n"
                    + "To tolerate the error on drop use DROP VIEW IF EXISTS."
            )
        case .unsupportedExpression:
            (
                "42K0E", .analysis,
                "A query operator contains one or more unsupported expressions.\nConsider to rewrite it to avoid window functions, "
                    + "aggregate functions, and generator functions in the WHERE clause.\nInvalid expressions: [<invalidExprSqls>]"
            )
        case .wrongNumArgs:
            (
                "42605", .analysis,
                "The <functionName> requires <expectedNum> parameters but the actual number is <actualNum>. Please, refer to "
                    + "'<docroot>/sql-ref-functions.html' for a fix."
            )
        default: ("0A000", .unsupported, "The feature is not supported: <feature>.")
        }
    }
}
