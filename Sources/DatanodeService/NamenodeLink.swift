// A datanode's conversation with one namenode of several: it registers, beats and reports by itself, so that a lost namenode delays no
// other. After a lost report the datanode registers again.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// The namenodes of a file system, for a datanode.
package struct NamenodeGroup: Sendable {
    /// Calls on files; they reach the namenode that leads.
    package let leader: any RPCChannel
    /// Each namenode by itself.
    package let each: [any RPCChannel]

    /// One namenode.
    package init(_ only: any RPCChannel) { (leader, each) = (only, [only]) }
    package init(leader: any RPCChannel, each: [any RPCChannel]) { (self.leader, self.each) = (leader, each) }
}

/// One namenode, and whether it knows the present state.
final class NamenodeLink: Sendable {
    let channel: any RPCChannel
    /// Whether the datanode must register again, with all its replicas.
    private let isBehind = Atomic<Bool>(true)

    init(_ channel: any RPCChannel) { self.channel = channel }

    var mustRegister: Bool { isBehind.load(ordering: .acquiring) }
    func fellBehind() { isBehind.store(true, ordering: .releasing) }
    func caughtUp() { isBehind.store(false, ordering: .releasing) }
}
