// The one table from what dfs refuses to the Java exceptions and HTTP statuses that HDFS clients know.
// Source: Hadoop's "WebHDFS REST API", section "Error Responses".
import Base
import DFSCore
import NetKit
import Replication

/// An error in the form of WebHDFS.
struct RemoteException: Error, Sendable {
    var status: Int
    var javaClass: String
    var message: String

    /// The exception's name without its package.
    var name: String { javaClass.split(separator: ".").last.map(String.init) ?? javaClass }

    var reply: HTTPReply {
        let text =
            "{\"RemoteException\":{\"exception\":\(JSONText.quoted(name)),\"javaClassName\":\(JSONText.quoted(javaClass)),\"message\":\(JSONText.quoted(message))}}"
        return .json(status, text)
    }

    static func illegalArgument(_ message: String) -> RemoteException {
        RemoteException(status: 400, javaClass: "java.lang.IllegalArgumentException", message: message)
    }
    static func unsupported(_ message: String) -> RemoteException {
        RemoteException(status: 400, javaClass: "java.lang.UnsupportedOperationException", message: message)
    }
    static func io(_ message: String) -> RemoteException { RemoteException(status: 403, javaClass: "java.io.IOException", message: message) }
    static func notFound(_ path: String) -> RemoteException {
        RemoteException(status: 404, javaClass: "java.io.FileNotFoundException", message: "File does not exist: \(path)")
    }

    init(status: Int, javaClass: String, message: String) {
        self.status = status
        self.javaClass = javaClass
        self.message = message
    }

    init(_ error: any Error) {
        switch error {
        case let exception as RemoteException: self = exception
        case let refusal as DFSRefusal: self.init(refusal)
        case let refusal as ReplicaRefusal: self.init(refusal)
        case let error as StorageError:
            self = .io(error.cause == .noSpace ? "No space left on device: \(error)" : "\(error)")
        default: self = .io("\(error)")
        }
    }

    init(_ refusal: DFSRefusal) {
        switch refusal {
        case .notFound(let path): self = .notFound(path)
        case .exists(let path):
            self.init(status: 403, javaClass: "org.apache.hadoop.fs.FileAlreadyExistsException", message: "\(path) already exists")
        case .parentNotDirectory(let path):
            self.init(status: 403, javaClass: "org.apache.hadoop.fs.ParentNotDirectoryException", message: "\(path) (is not a directory)")
        case .isDirectory(let path): self.init(status: 404, javaClass: "java.io.FileNotFoundException", message: "Path is not a file: \(path)")
        case .notEmpty(let path):
            self.init(status: 403, javaClass: "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException", message: "\(path) is non empty")
        case .denied(let user, let needs, let path):
            self.init(
                status: 403, javaClass: "org.apache.hadoop.security.AccessControlException",
                message: "Permission denied: user=\(user), access=\(needs), inode=\"\(path)\"")
        case .invalidPath(let path): self = .illegalArgument("Invalid path name \(path)")
        case .beingWritten(let path, let writer):
            self.init(
                status: 403, javaClass: "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException",
                message: "\(path) is being written by \(writer)")
        case .leaseLost(let path):
            self.init(status: 403, javaClass: "org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException", message: "No lease on \(path)")
        case .invalidArgument(let text): self = .illegalArgument(text)
        }
    }

    init(_ refusal: ReplicaRefusal) {
        switch refusal {
        case .busy:
            self.init(status: 503, javaClass: "org.apache.hadoop.ipc.RetriableException", message: "the namenode has too many requests waiting; try again")
        case .notLeading:
            self.init(status: 403, javaClass: "org.apache.hadoop.ipc.StandbyException", message: "the namenode is stopping or does not lead")
        case .storage(let error) where error.cause == .noSpace:
            self = .io("No space left on device: the namenode cannot write its log (\(error)); free some space")
        case .storage(let error): self = .io("the namenode cannot write its log: \(error)")
        case .tooLarge(let bytes): self = .illegalArgument("the request takes \(bytes) bytes in the log, which is too many")
        }
    }
}
