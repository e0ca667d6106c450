// The namenode's settings. Names and defaults are HDFS's where HDFS has them.
import Base
import NetKit

/// Settings of the namenode.
package struct NamenodeSettings: Sendable {
    /// The address of WebHDFS.
    package var webListen = HostPort("127.0.0.1", 9870)
    /// dfs.namenode.rpc-address: where Hadoop's clients connect.
    package var rpcListen = HostPort("127.0.0.1", 8020)
    /// dfs.blocksize: the size of a block in bytes.
    package var blockSizeBytes: Int64 = 128 << 20
    /// dfs.replication: copies of files whose client gives no number.
    package var replication: Int64 = 1
    /// The account that passes every access check: that of the process.
    package var superUser = "root"
    package var tls: TLSSettings?
    /// A datanode silent for this long counts as gone; its blocks are copied to others.
    package var datanodeSilence = Duration.seconds(30)

    package var operation = OperationSettings()

    /// The namenodes of the file system, if there are several.
    package var ensemble: PeerLinkSettings?
    /// Whether all datanodes live in this process.
    package var hasDatanodes = false

    package init() {}

    /// Entries of one listing answer, as in HDFS.
    static let listingMax = 1000
}

/// The settings of an operator's work: trash, safe mode, datanodes that leave.
package struct OperationSettings: Sendable {
    /// dfs.hosts.exclude: the file of datanodes that leave or rest; empty for none.
    package var hostsFile = ""
    /// The blocks that must be reported before a starting namenode serves writes, in thousandths.
    package var safeModeThousandths: Int64 = 999
    package var safeModeDatanodes = 0
    /// fs.trash.interval and fs.trash.checkpoint.interval.
    package var trashMinutes: Int64 = 0
    package var trashCheckpointMinutes: Int64 = 0

    var safeMode: SafeModeRule { SafeModeRule(thousandths: safeModeThousandths, datanodes: safeModeDatanodes) }
    var trash: TrashSchedule { TrashSchedule(interval: trashMinutes * 60_000, every: trashCheckpointMinutes * 60_000) }
    package init() {}
}
