// The JSON documents of WebHDFS, field by field as HDFS writes them. Source: Hadoop's "WebHDFS REST API", section "JSON Schemas".
import Base
import DFSCore

enum WebHDFSJSON {
    static func fileStatus(_ inode: Inode, name: String, superUser: String) -> String {
        let file = inode.file
        let fields: [(String, String)] = [
            ("accessTime", "\(file == nil ? 0 : inode.accessed)"), ("blockSize", "\(file?.blockSizeBytes ?? 0)"), ("childrenNum", "\(inode.entries?.count ?? 0)"),
            ("fileId", "\(inode.id)"), ("group", JSONText.quoted(inode.group)), ("length", "\(file?.lengthBytes ?? 0)"),
            ("modificationTime", "\(inode.modified)"), ("owner", JSONText.quoted(inode.owner.isEmpty ? superUser : inode.owner)),
            ("pathSuffix", JSONText.quoted(name)), ("permission", JSONText.quoted(String(inode.permission, radix: 8))),
            ("replication", "\(file?.replication ?? 0)"), ("storagePolicy", "0"), ("type", JSONText.quoted(file == nil ? "DIRECTORY" : "FILE")),
        ]
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// Counts and sizes of everything at and below an inode.
    static func contentSummary(_ top: Inode, in namespace: borrowing Namespace) -> String {
        var (directories, files, length, consumed) = (0, 0, Int64(0), Int64(0))
        var waiting = [top]
        while let inode = waiting.popLast() {
            if let file = inode.file {
                files += 1
                length += file.lengthBytes
                consumed += file.lengthBytes * Int64(file.replication)
            } else {
                directories += 1
                waiting += namespace.children(of: inode)
            }
        }
        return
            "{\"ContentSummary\":{\"directoryCount\":\(directories),\"ecPolicy\":\"\",\"fileCount\":\(files),\"length\":\(length),\"quota\":-1,\"spaceConsumed\":\(consumed),\"spaceQuota\":-1,\"typeQuota\":{}}}"
    }

    static func boolean(_ value: Bool) -> String { "{\"boolean\":\(value)}" }
}
