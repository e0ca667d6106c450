// The Java exceptions of Hadoop's clients, by class name: one table for the RPC and for WebHDFS, which adds an HTTP status. Source:
// Hadoop's "WebHDFS REST API", section "Error Responses", and org.apache.hadoop.hdfs.web.resources.ExceptionHandler.
import Base

/// An error that a Java client turns into an exception.
package struct JavaException: Error, Sendable, Equatable, CustomStringConvertible {
    /// The class with its package.
    package var className: String
    package var message: String
    /// Whether the call itself was wrong, rather than its request.
    package var detail = RPCErrorDetail.application

    package init(_ className: String, _ message: String, _ detail: RPCErrorDetail = .application) {
        (self.className, self.message, self.detail) = (className, message, detail)
    }

    package var description: String { "\(shortName): \(message)" }

    /// The class without its package.
    package var shortName: String {
        let start = className.utf8.lastIndex(of: UInt8(ascii: ".")).map { className.utf8.index(after: $0) } ?? className.utf8.startIndex
        return String(className[start...])
    }

    package static let fileNotFound = "java.io.FileNotFoundException"
    package static let io = "java.io.IOException"
    package static let illegalArgument = "java.lang.IllegalArgumentException"
    package static let unsupported = "java.lang.UnsupportedOperationException"
    package static let accessControl = "org.apache.hadoop.security.AccessControlException"
    package static let standby = "org.apache.hadoop.ipc.StandbyException"
    package static let retriable = "org.apache.hadoop.ipc.RetriableException"
    package static let invalidPath = "org.apache.hadoop.fs.InvalidPathException"
    package static let alreadyExists = "org.apache.hadoop.fs.FileAlreadyExistsException"
    package static let alreadyCreated = "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException"
    package static let recoveryInProgress = "org.apache.hadoop.hdfs.protocol.RecoveryInProgressException"
    package static let leaseExpired = "org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException"
    package static let noSuchMethod = "org.apache.hadoop.ipc.RpcNoSuchMethodException"
    package static let noSuchProtocol = "org.apache.hadoop.ipc.RpcNoSuchProtocolException"
    package static let server = "org.apache.hadoop.ipc.RpcServerException"
    package static let versionMismatch = "org.apache.hadoop.ipc.RPC$VersionMismatch"
    package static let safeMode = "org.apache.hadoop.hdfs.server.namenode.SafeModeException"

    /// Its HTTP status in WebHDFS.
    package var httpStatus: Int {
        switch className {
        case Self.fileNotFound: 404
        case Self.illegalArgument, Self.unsupported, "org.apache.hadoop.HadoopIllegalArgumentException": 400
        case Self.invalidPath: 400
        case Self.retriable: 503
        case "java.lang.SecurityException", "org.apache.hadoop.security.token.SecretManager$InvalidToken": 401
        default: 403
        }
    }
}
