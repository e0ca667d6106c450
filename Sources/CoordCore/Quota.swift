// Quotas on subtrees. They are ordinary nodes, as in ZooKeeper: `/zookeeper/quota/PATH/zookeeper_limits` holds the limits,
// `/zookeeper/quota/PATH/zookeeper_stats` the use that the server counts. A soft limit is only reported; a hard one refuses commands of
// servers that enforce quotas. Clients may write any number into both nodes, so sums wrap around, as ZooKeeper's do.
// Source: ZooKeeper's administrator's guide, "Quotas", and the answers of a real server.
import Base

/// A count of nodes and of data bytes, as a limit or as use. -1 for no limit.
package struct QuotaFigures: Sendable, Hashable {
    package var count: Int64 = -1
    package var bytes: Int64 = -1
    package var countHard: Int64 = -1
    package var bytesHard: Int64 = -1

    package init() {}

    /// Reads `count=N,bytes=N` with an optional `=;byteHardLimit=N;countHardLimit=N`; a part that is absent or no number is no limit.
    package init(text: String) {
        for part in text.utf8.split(whereSeparator: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";") }) {
            let words = Substring(part).pieces(at: "=", keepsEmpty: false)
            guard words.count == 2, let number = Int64(words[1]) else { continue }
            switch words[0] {
            case "count": count = number
            case "bytes": bytes = number
            case "countHardLimit": countHard = number
            case "byteHardLimit": bytesHard = number
            default: break
            }
        }
    }

    /// Use, in the server's form.
    var usageText: String { "count=\(count),bytes=\(bytes)" }
}

enum QuotaPath {
    static let root = "/zookeeper/quota"
    private static let limits = "/zookeeper_limits"
    private static let statistics = "/zookeeper_stats"

    /// The path that a node under `/zookeeper/quota` limits or counts; nil for other nodes.
    static func limited(by path: String) -> String? { subject(path, limits) }
    static func counted(by path: String) -> String? { subject(path, statistics) }

    private static func subject(_ path: String, _ name: String) -> String? {
        guard path.utf8.count > root.utf8.count + name.utf8.count, path.beginsWithBytes(of: root + "/"), path.endsWithBytes(of: name) else {
            return nil
        }
        return String(path.droppingBytes(first: root.utf8.count, last: name.utf8.count))
    }

    static func statistics(of path: String) -> String { root + path + statistics }
}

extension ZnodeTree {
    /// The nearest path at or above `path` that has a quota.
    func quotaPath(above path: String) -> String? {
        guard quotas.count > 0 else { return nil }
        if quotas[ExactText(path)] != nil { return path }
        return ZnodePath.ancestors(of: path).first { quotas[ExactText($0)] != nil }
    }

    /// Use below a path with a quota.
    package func quotaUsage(of path: String) -> QuotaFigures {
        QuotaFigures(text: node(QuotaPath.statistics(of: path))?.data?.text ?? "")
    }

    /// Whether a quota has room for so many more nodes and bytes.
    func quotaHasRoom(_ path: String, count: Int64, bytes: Int64) -> Bool {
        guard let limit = quotas[ExactText(path)] else { return true }
        let used = quotaUsage(of: path)
        if count > 0, limit.countHard >= 0, used.count &+ count > limit.countHard { return false }
        if bytes > 0, limit.bytesHard >= 0, used.bytes &+ bytes > limit.bytesHard { return false }
        return true
    }
}
