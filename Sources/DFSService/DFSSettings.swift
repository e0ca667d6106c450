// What a person may choose about dfs. Names and defaults are HDFS's where HDFS has them.
import Base
import NetKit

/// Settings of the dfs service.
package struct DFSSettings: Sendable {
    /// The namenode's WebHDFS address.
    package var namenodeListen = HostPort("127.0.0.1", 9870)
    /// The datanode's address for data over HTTP.
    package var datanodeListen = HostPort("127.0.0.1", 9864)
    /// dfs.blocksize: the size of a block in bytes.
    package var blockSizeBytes: Int64 = 128 << 20
    /// The account that passes every check of access: who runs the process.
    package var superUser = "root"

    package var tls: TLSSettings?

    package init() {}

    /// The account of requests that name none, as in HDFS.
    package static let anonymous = "dr.who"
    /// Bytes that are read from or written to a block at a time.
    static let transferBytes = 1 << 20
}
