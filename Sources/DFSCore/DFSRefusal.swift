// The refusals of the namespace. The service maps each to the Java exception that HDFS clients know.

/// An expected "no", with its path.
package enum DFSRefusal: Error, Sendable, Hashable {
    case notFound(String)
    case exists(String)
    /// A component of the path is a file.
    case parentNotDirectory(String)
    case isDirectory(String)
    case notEmpty(String)
    case denied(user: String, needs: String, path: String)
    case invalidPath(String)
    /// Another client writes the file.
    case beingWritten(String, by: String)
    /// The file's last writer is gone; recovery of its end is under way.
    case inRecovery(String)
    /// The writer's right to the file has ended.
    case leaseLost(String)
    case invalidArgument(String)
    /// The client's idea of a block is wrong or out of date.
    case staleBlock(String)
    /// The state of the file or node does not allow the request.
    case notPossible(String)
    case badACL(String)
    case attributeMissing(String)
    case attributeExists(String)
    case nameQuotaExceeded(path: String, quota: Int64, count: Int64)
    case spaceQuotaExceeded(path: String, quota: Int64, bytes: Int64)
    case componentTooLong(String)
    /// A change below `.snapshot`.
    case readOnly(String)
    /// Of snapshots; the text is HDFS's.
    case snapshot(String)
}
