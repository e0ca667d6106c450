// Groups are written down by their coordinator and taken up again: by this broker after a restart, or by the broker that coordinates them next.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Writes a change of a group down; `done` gets nil once it is durable.
    func store(_ group: GroupID, _ change: StoredGroupChange, _ done: @escaping (GroupRefusal?) -> Void) {
        guard change.sizeBytes <= BrokerSettings.storedGroupBytesMax else {
            log.error("a group is too large to be stored; its members cannot get their shares", metadata: [
                "group": "\(group)", "bytes": "\(change.sizeBytes)", "at most": "\(BrokerSettings.storedGroupBytesMax)",
            ])
            return done(.groupFull)
        }
        replica.propose(.storeGroup(group, by: claim(of: group), change)) { result in
            switch result {
            case .success(.refused): done(.notCoordinator)
            case .success: done(nil)
            case .failure: done(.notWritable)
            }
        }
    }

    /// Writes down what heartbeats or the clock have changed in groups whose partitions are assigned here; `done` gets nil once it is durable.
    func storeConsumerGroups(_ done: @escaping (GroupRefusal?) -> Void) {
        store(consumerGroups.takeChanges(), failed: { [self] in consumerGroups.storeFailed($0) }, done)
    }

    /// The same for share groups.
    func storeShareGroups(_ done: @escaping (GroupRefusal?) -> Void) {
        store(shareGroups.takeChanges(), failed: { [self] in shareGroups.storeFailed($0) }, done)
    }

    private func store(
        _ changes: [(group: GroupID, change: StoredGroupChange)], failed: @escaping (GroupID) -> Void, _ done: @escaping (GroupRefusal?) -> Void
    ) {
        var refusal: GroupRefusal?
        let gathering = Gathering { done(refusal) }
        for (group, change) in changes {
            gathering.enter()
            store(group, change) { reason in
                if let reason {
                    refusal = reason
                    failed(group)
                }
                gathering.leave()
            }
        }
        gathering.leave()
    }

    /// Takes up the groups that this broker coordinates. Their members have a whole session's time to be heard from.
    func adoptGroups() {
        for (id, stored) in machine.groups.entries where coordinates(id.rawValue) {
            do throws(WireError) {
                try coordinator.adopt(id, stored, now: now)
                try consumerGroups.adopt(id, stored, now: now)
                try shareGroups.adopt(id, stored, session: machine.shareConfig(of: id).sessionTimeout, now: now)
            } catch {
                log.error("a group's record cannot be read; its members join anew", metadata: ["group": "\(id)", "error": "\(error)"])
            }
        }
        carryOut([])
    }

    /// Leaves groups to their coordinator: those of others, or all.
    func forgetGroups(all: Bool) {
        for group in coordinator.groups.keys where all || !coordinates(group.rawValue) { carryOut(coordinator.forget(group)) }
        for group in consumerGroups.groups.keys where all || !coordinates(group.rawValue) { consumerGroups.forget(group) }
        for group in shareGroups.groups.keys where all || !coordinates(group.rawValue) { shareGroups.forget(group) }
    }
}
