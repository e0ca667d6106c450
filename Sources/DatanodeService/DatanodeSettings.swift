// What a person may choose about a datanode. Names and defaults are HDFS's where HDFS has them.
import Base
import NetKit

/// Settings of a datanode.
package struct DatanodeSettings: Sendable {
    /// The address for data over HTTP.
    package var webListen = HostPort("127.0.0.1", 9864)
    /// dfs.datanode.address: the data transfer protocol.
    package var transferListen = HostPort("127.0.0.1", 9866)
    /// dfs.datanode.ipc.address: questions of clients about replicas.
    package var ipcListen = HostPort("127.0.0.1", 9867)
    package var tls: TLSSettings?
    /// The size of a block of files that are uploaded without one.
    package var blockSizeBytes: Int64 = 128 << 20
    /// Copies of files that are uploaded without a number.
    package var replication: Int64 = 1
    /// Where the datanode stands in the network, `/rack`.
    package var rack = "/default-rack"

    package init() {}

    /// The same on ports that the system chooses.
    package var onAnyPorts: DatanodeSettings {
        var settings = self
        settings.webListen.port = 0
        settings.transferListen.port = 0
        settings.ipcListen.port = 0
        return settings
    }

    /// Bytes that are read from a block at a time.
    static let readBytes = 1 << 20
    /// Packets of one block that wait for the disk.
    static let packetsInFlight = 16
    /// How often the namenode hears from a datanode.
    static let heartbeatInterval = Duration.seconds(1)
    /// What the namenode wants free before it gives a block to a datanode.
    static let roomBytes: UInt64 = 1 << 20
}
