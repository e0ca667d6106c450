// The JSON documents of WebHDFS, field by field as HDFS writes them. Source: Hadoop's "WebHDFS REST API", section "JSON Schemas".
import Base
import DFSCore
import HadoopWire

enum WebHDFSJSON {
    static func fileStatus(_ inode: Inode, name: String, superUser: String) -> String {
        let file = inode.file
        var fields: [(String, String)] = [
            ("accessTime", "\(file == nil ? 0 : inode.accessed)"), ("blockSize", "\(file?.blockSizeBytes ?? 0)"),
            ("childrenNum", "\(inode.entries?.count ?? 0)"),
            ("fileId", "\(inode.id)"), ("group", JSONText.quoted(inode.group)), ("length", "\(file?.lengthBytes ?? 0)"),
            ("modificationTime", "\(inode.modified)"), ("owner", JSONText.quoted(inode.owner.isEmpty ? superUser : inode.owner)),
            ("pathSuffix", JSONText.quoted(name)), ("permission", JSONText.quoted(String(inode.permission, radix: 8))),
            ("replication", "\(file?.replication ?? 0)"), ("storagePolicy", "\(inode.extras?.storagePolicy ?? 0)"),
            ("type", JSONText.quoted(file == nil ? "DIRECTORY" : "FILE")),
        ]
        if inode.extras?.acl.isEmpty == false { fields.append(("aclBit", "true")) }
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    static func contentSummary(_ summary: ContentSummaryMessage) -> String {
        let (quota, spaceQuota) = (Int64(bitPattern: summary.quota), Int64(bitPattern: summary.spaceQuota))
        return
            "{\"ContentSummary\":{\"directoryCount\":\(summary.directoryCount),\"ecPolicy\":\"\",\"fileCount\":\(summary.fileCount),\"length\":\(summary.lengthBytes),\"quota\":\(quota),\"spaceConsumed\":\(summary.spaceBytes),\"spaceQuota\":\(spaceQuota),\"typeQuota\":{}}}"
    }

    static func boolean(_ value: Bool) -> String { "{\"boolean\":\(value)}" }
}
