// The one table from dfs refusals to the Java exceptions that HDFS clients know, for both doors.
import Base
import DFSCore
import HadoopWire
import Replication

extension JavaException {
    private static let hdfs = "org.apache.hadoop.hdfs."

    init(_ error: any Error) {
        switch error {
        case let exception as JavaException: self = exception
        case let refusal as DFSRefusal: self.init(refusal)
        case let refusal as ReplicaRefusal: self.init(refusal)
        case let error as WireError: self.init(JavaException.server, "the request cannot be read: \(error)", .fatalRequest)
        default: self.init(Self.io, "\(error)")
        }
    }

    init(_ refusal: DFSRefusal) {
        switch refusal {
        case .notFound(let path): self.init(Self.fileNotFound, path.utf8.first == UInt8(ascii: "/") ? "File does not exist: \(path)" : path)
        case .exists(let path): self.init(Self.alreadyExists, path.utf8.first == UInt8(ascii: "/") ? "\(path) already exists" : path)
        case .parentNotDirectory(let path): self.init("org.apache.hadoop.fs.ParentNotDirectoryException", "\(path) (is not a directory)")
        case .isDirectory(let path): self.init(Self.fileNotFound, "Path is not a file: \(path)")
        case .notEmpty(let path): self.init("org.apache.hadoop.fs.PathIsNotEmptyDirectoryException", "\(path) is non empty")
        case .denied(let user, let needs, let path):
            self.init(Self.accessControl, "Permission denied: user=\(user), access=\(needs), inode=\"\(path)\"")
        case .invalidPath(let path): self.init(Self.invalidPath, "Invalid path name \(path)")
        case .beingWritten(let path, let holder): self.init(Self.alreadyCreated, "\(path) is being written by \(holder)")
        case .inRecovery(let path): self.init(Self.recoveryInProgress, "\(path) is in lease recovery; try again later")
        case .leaseLost(let path): self.init(Self.leaseExpired, "No lease on \(path)")
        case .invalidArgument(let text): self.init("org.apache.hadoop.HadoopIllegalArgumentException", text)
        case .staleBlock(let text): self.init(Self.io, text)
        case .notPossible(let text): self.init(Self.io, text)
        case .badACL(let text): self.init(Self.hdfs + "protocol.AclException", text)
        case .attributeMissing(let name): self.init(Self.io, "No matching attributes found for remove operation: \(name)")
        case .attributeExists(let name): self.init(Self.io, "XAttr: \(name) already exists. The REPLACE flag must be specified.")
        case .nameQuotaExceeded(let path, let quota, let count):
            self.init(
                Self.hdfs + "protocol.NSQuotaExceededException",
                "The NameSpace quota (directories and files) of directory \(path) is exceeded: quota=\(quota) file count=\(count)")
        case .spaceQuotaExceeded(let path, let quota, let bytes):
            self.init(
                Self.hdfs + "protocol.DSQuotaExceededException",
                "The DiskSpace quota of \(path) is exceeded: quota = \(quota) B but diskspace consumed = \(bytes) B")
        case .readOnly:
            self.init(Self.hdfs + "protocol.SnapshotAccessControlException", "Modification on a read-only snapshot is disallowed")
        case .snapshot(let text): self.init(Self.hdfs + "protocol.SnapshotException", text)
        case .componentTooLong(let path):
            self.init(Self.hdfs + "protocol.FSLimitException$PathComponentTooLongException", "a component of \(path) is too long")
        }
    }

    init(_ refusal: ReplicaRefusal) {
        switch refusal {
        case .busy: self.init(Self.retriable, "the namenode has too many requests waiting; try again")
        case .notLeading: self.init(Self.standby, "the namenode is stopping or does not lead")
        case .storage(let error) where error.cause == .noSpace:
            self.init(Self.io, "No space left on device: the namenode cannot write its log (\(error)); free some space")
        case .storage(let error): self.init(Self.io, "the namenode cannot write its log: \(error)")
        case .tooLarge(let bytes):
            self.init("org.apache.hadoop.HadoopIllegalArgumentException", "the request takes \(bytes) bytes in the log, which is too many")
        }
    }
}
