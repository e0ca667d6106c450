// A datanode's settings. Names and defaults are HDFS's where HDFS has them.
import Base
import NetKit

/// Settings of a datanode.
package struct DatanodeSettings: Sendable {
    /// The address for data over HTTP.
    package var webListen = HostPort("127.0.0.1", 9864)
    /// dfs.datanode.address: the data transfer protocol.
    package var transferListen = HostPort("127.0.0.1", 9866)
    /// dfs.datanode.ipc.address: clients' RPC questions about replicas.
    package var ipcListen = HostPort("127.0.0.1", 9867)
    package var tls: TLSSettings?
    /// The block size of uploads that give none.
    package var blockSizeBytes: Int64 = 128 << 20
    /// Copies of uploads that give no number.
    package var replication: Int64 = 1
    /// The datanode's place in the network, `/rack`.
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

    /// Bytes of one read from a block.
    static let readBytes = 1 << 20
    /// Packets of one block in the queue of the disk.
    static let packetsInFlight = 16
    /// The time between two heartbeats.
    static let heartbeatInterval = Duration.seconds(1)
    /// The free bytes that the namenode asks for before it gives a block to a datanode.
    static let roomBytes: UInt64 = 1 << 20
}
