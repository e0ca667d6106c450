// What the namespace refuses. The service maps each to the Java exception that HDFS clients know.

/// An expected "no", with the path that it is about.
package enum DFSRefusal: Error, Sendable, Hashable {
    case notFound(String)
    case exists(String)
    /// A component of the path is a file.
    case parentNotDirectory(String)
    case isDirectory(String)
    case notEmpty(String)
    case denied(user: String, needs: String, path: String)
    case invalidPath(String)
    /// Somebody else writes the file.
    case beingWritten(String, by: String)
    /// The file's last writer is gone, and its end is being found out.
    case inRecovery(String)
    /// The writer's right to the file has ended.
    case leaseLost(String)
    case invalidArgument(String)
    /// A block is not, or no longer, what the client takes it for.
    case staleBlock(String)
    /// What is asked cannot be done to what is there.
    case notPossible(String)
    case badACL(String)
    case attributeMissing(String)
    case attributeExists(String)
    case nameQuotaExceeded(path: String, quota: Int64, count: Int64)
    case spaceQuotaExceeded(path: String, quota: Int64, bytes: Int64)
    case componentTooLong(String)
}
