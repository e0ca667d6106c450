// The rates of throttled replicas that catch up, on the leader's side and on the follower's. Only bytes to out-of-sync replicas count;
// in-sync replicas get everything at once.
import Base
import BrokerCore

/// The leader's and the follower's budget of one broker. Used on the loop only.
final class ReplicationThrottle {
    private unowned let broker: Broker
    private var leading = ReplicationBudget()
    private var following = ReplicationBudget()

    init(_ broker: Broker) { self.broker = broker }

    /// Bytes that the leader may hand to this follower of a partition now; nil without a throttle.
    func allowance(of follower: Int32, in partition: Partition) -> Int? {
        guard partition.config.leaderThrottled.contains(partition.name.partition, on: broker.settings.nodeID),
            let leadership = partition.leadership, !leadership.state.inSync.contains(follower)
        else { return nil }
        return leading.allowance(rate: broker.throttledRate(.leading), now: broker.now)
    }

    /// Bytes that this broker may take for its replica of a partition now; nil without a throttle.
    func allowance(for replica: Partition) -> Int? {
        let own = broker.settings.nodeID
        guard replica.config.followerThrottled.contains(replica.name.partition, on: own),
            broker.machine.cluster.partitions[replica.name]?.inSync.contains(own) != true
        else { return nil }
        return following.allowance(rate: broker.throttledRate(.following), now: broker.now)
    }

    func spend(_ side: ReplicationSide, _ bytes: Int) {
        switch side {
        case .leading: leading.spend(bytes, now: broker.now)
        case .following: following.spend(bytes, now: broker.now)
        }
    }
}

extension Broker {
    /// The rate of throttled replicas, in bytes a second; nil if unset.
    func throttledRate(_ side: ReplicationSide) -> Int64? { machine.brokerConfigs[side.rateName].flatMap { Int64($0) } }
}
