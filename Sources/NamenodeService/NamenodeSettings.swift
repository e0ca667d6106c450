// What a person may choose about the namenode. Names and defaults are HDFS's where HDFS has them.
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
    /// dfs.replication: copies of files whose client names no number.
    package var replication: Int64 = 1
    /// The account that passes every check of access: who runs the process.
    package var superUser = "root"
    package var tls: TLSSettings?
    /// A datanode that is silent for this long is taken for gone, and its blocks are copied to others.
    package var datanodeSilence = Duration.seconds(30)

    package init() {}

    /// Entries of one answer to a listing, as HDFS sends them.
    static let listingMax = 1000
}
