// An error in Spark Connect's form: Java class names that pick the client's exception, an error class, a SQLSTATE, parameters. This file is
// the one table from the engine's refusals and all other failures to those, and their form on the wire: status INTERNAL with
// google.rpc.ErrorInfo. Any other status makes clients try again for minutes, so none is used.
import ComputeCore
import ComputeRuntime
import Foundation
import GRPCCore
import QueryCore
import SparkWire

struct SparkError: Error {
    /// Most specific first.
    var classes: [String]
    var errorClass: String
    var sqlState: String
    var message: String
    var parameters: [String: String]

    init(_ errorClass: String, sqlState: String, kind: QueryError.Kind, _ text: String, _ parameters: [String: String] = [:]) {
        classes = Self.classes(kind)
        self.errorClass = errorClass
        self.sqlState = sqlState
        message = "[\(errorClass)] \(text) SQLSTATE: \(sqlState)"
        self.parameters = parameters
    }

    init(_ error: QueryError) {
        classes = Self.classes(error.kind)
        errorClass = error.name
        sqlState = error.sqlState
        message = error.message
        parameters = Dictionary(uniqueKeysWithValues: error.parameters.elements.map { ($0.key, $0.value) })
    }

    /// From any error of a request.
    init(any error: any Error) {
        switch error {
        case let error as SparkError: self = error
        case let error as QueryError: self.init(error)
        case let error as JobFailure:
            self.init("JOB_FAILED", sqlState: "XXKST", kind: .runtime, Self.describe(error))
            classes.insert("org.apache.spark.SparkException", at: 0)
        case is JobCancelled: self = .cancelled
        case let error as OutputRefusal:
            self.init("PATH_ALREADY_EXISTS", sqlState: "42K04", kind: .analysis, error.description)
        case let error as JobFileError: self.init(file: error)
        default:
            self.init("INTERNAL_ERROR", sqlState: "XX000", kind: .runtime, String(describing: error))
            classes.insert("org.apache.spark.SparkException", at: 0)
        }
    }

    private init(file error: JobFileError) {
        switch error {
        case .notFound(let path):
            self.init("PATH_NOT_FOUND", sqlState: "42K03", kind: .analysis, "Path does not exist: \(path).", ["path": path])
        case .alreadyExists(let path):
            self.init("PATH_ALREADY_EXISTS", sqlState: "42K04", kind: .analysis, "Path \(path) already exists.", ["outputPath": path])
        case .notADirectory, .unknownScheme, .failed:
            self.init("FAILED_READ_FILE.NO_HINT", sqlState: "KD001", kind: .runtime, error.description)
            classes.insert("org.apache.spark.SparkException", at: 0)
        }
    }

    static func describe(_ failure: JobFailure) -> String {
        "Stage \(failure.stage.number) (\(failure.dataset)), task \(failure.partition) failed \(failure.attempts) times; "
            + "the last cause: \(failure.cause)"
    }

    private static func classes(_ kind: QueryError.Kind) -> [String] {
        let specific: [String] =
            switch kind {
            case .parse: ["org.apache.spark.sql.catalyst.parser.ParseException", "org.apache.spark.sql.AnalysisException"]
            case .analysis: ["org.apache.spark.sql.AnalysisException"]
            case .arithmetic: ["org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException", "java.lang.RuntimeException"]
            case .dateTime: ["org.apache.spark.SparkDateTimeException", "java.time.DateTimeException", "java.lang.RuntimeException"]
            case .numberFormat:
                ["org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException", "java.lang.IllegalArgumentException"]
            case .illegalArgument: ["org.apache.spark.SparkIllegalArgumentException", "java.lang.IllegalArgumentException"]
            case .unsupported: ["org.apache.spark.SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException"]
            case .python: ["org.apache.spark.api.python.PythonException", "java.lang.RuntimeException"]
            case .runtime: ["org.apache.spark.SparkRuntimeException", "java.lang.RuntimeException"]
            }
        return specific + ["java.lang.Exception", "java.lang.Throwable", "java.lang.Object"]
    }
}

/// The door's own refusals.
extension SparkError {
    static func unsupported(_ feature: String) -> SparkError {
        SparkError(QueryError.unsupported(feature))
    }

    static func noMemory(_ bytes: Int) -> SparkError {
        SparkError(QueryError(.unableToAcquireMemory, ["requestedBytes": "\(bytes)", "receivedBytes": "0"]))
    }

    static func unsupportedType(_ name: String) -> SparkError {
        SparkError(QueryError(.unsupportedDataType, ["typeName": "\"\(name)\""]))
    }

    static func invalidPlan(_ reason: String) -> SparkError {
        var error = SparkError(
            "CONNECT_INVALID_PLAN.INVALID_PLAN", sqlState: "56K00", kind: .runtime, "The Spark Connect plan is invalid. \(reason)")
        error.classes.insert("org.apache.spark.sql.connect.common.InvalidPlanInput", at: 0)
        return error
    }

    static func invalidAttributeName(_ name: String) -> SparkError {
        SparkError(
            "INVALID_ATTRIBUTE_NAME_SYNTAX", sqlState: "42601", kind: .analysis,
            "Syntax error in the attribute name: \(name). Check that backticks appear in pairs, a quoted string is a complete name part.",
            ["name": name])
    }

    static func dataSourceNotFound(_ provider: String) -> SparkError {
        SparkError(
            "DATA_SOURCE_NOT_FOUND", sqlState: "42K02", kind: .analysis,
            "Failed to find the data source: \(provider). This server has csv, json, parquet and text.", ["provider": provider])
    }

    static func invalidTimeZone(_ value: String) -> SparkError {
        SparkError(
            "INVALID_CONF_VALUE.TIME_ZONE", sqlState: "22022", kind: .illegalArgument,
            "The value '\(value)' in the config \"\(SessionConfig.timeZone)\" is invalid. Cannot resolve the given timezone.",
            ["confName": SessionConfig.timeZone, "confValue": value])
    }

    static func configNotFound(_ key: String) -> SparkError {
        var error = SparkError(
            "SQL_CONF_NOT_FOUND", sqlState: "42K0I", kind: .runtime,
            "The SQL config \"\(key)\" cannot be found. Please verify that the config exists.", ["sqlConf": "\"\(key)\""])
        error.classes.insert("org.apache.spark.SparkNoSuchElementException", at: 0)
        return error
    }

    static func invalidHandle(_ condition: String, _ handle: String, _ reason: String) -> SparkError {
        SparkError(
            "INVALID_HANDLE.\(condition)", sqlState: "HY000", kind: .illegalArgument, "The handle \(handle) is invalid. \(reason)",
            ["handle": handle])
    }

    static let cancelled = SparkError(QueryError(.operationCancelled))
}

extension SparkError {
    /// Clients refuse metadata of more than 8 KiB; FetchErrorDetails gives longer messages.
    private static let messageBytesMax = 2_048
    private static let parameterBytesMax = 1_024

    /// In gRPC's form. `errorID` lets the client ask for the whole message.
    func rpcError(errorID: String?) -> RPCError {
        var info = Google_Rpc_ErrorInfo()
        info.reason = classes[0]
        info.domain = "org.apache.spark"
        info.metadata["classes"] = Self.json(classes)
        info.metadata["errorClass"] = errorClass
        info.metadata["sqlState"] = sqlState
        let parameters = Self.json(self.parameters)
        if parameters.utf8.count <= Self.parameterBytesMax { info.metadata["messageParameters"] = parameters }
        if let errorID { info.metadata["errorId"] = errorID }
        let shortMessage = Self.prefix(message, bytes: Self.messageBytesMax)
        var metadata = Metadata()
        do {
            var status = Google_Rpc_Status()
            status.code = Int32(RPCError.Code.internalError.rawValue)
            status.message = shortMessage
            status.details = [try SparkMessages.pack(info)]
            metadata.addBinary(try SparkMessages.encode(status), forKey: "grpc-status-details-bin")
        } catch {
            preconditionFailure("an error message of plain strings can always be encoded")
        }
        return RPCError(code: .internalError, message: shortMessage, metadata: metadata)
    }

    /// In the form of FetchErrorDetails.
    var details: Spark_Connect_FetchErrorDetailsResponse.Error {
        var details = Spark_Connect_FetchErrorDetailsResponse.Error()
        details.errorTypeHierarchy = classes
        details.message = message
        details.sparkThrowable.errorClass = errorClass
        details.sparkThrowable.sqlState = sqlState
        details.sparkThrowable.messageParameters = parameters
        return details
    }

    private static func prefix(_ text: String, bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var short = ""
        var count = 0
        for character in text {
            count += character.utf8.count
            if count > bytes - 3 { break }
            short.append(character)
        }
        return short + "..."
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            preconditionFailure("strings can always be encoded as JSON")
        }
    }
}
