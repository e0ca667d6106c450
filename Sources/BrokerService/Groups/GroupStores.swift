// The storage of groups: their coordinator stores them, and this broker after a restart, or the next coordinator, loads them.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Stores a change of a group; `done` gets nil once it is durable.
    func store(_ group: GroupID, _ change: StoredGroupChange, _ done: @escaping (GroupRefusal?) -> Void) {
        guard change.sizeBytes <= BrokerSettings.storedGroupBytesMax else {
            log.error(
                "a group is too large to be stored; its members cannot get their shares",
                metadata: [
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

    /// Stores the changes by heartbeats or the clock in groups whose partitions are assigned here; `done` gets nil once they are durable.
    func storeConsumerGroups(_ done: @escaping (GroupRefusal?) -> Void) {
        store(consumerGroups.takeChanges(), ended: { [self] in consumerGroups.stored($0, $1) }, done)
    }

    /// The same for share groups.
    func storeShareGroups(_ done: @escaping (GroupRefusal?) -> Void) {
        store(shareGroups.takeChanges(), ended: { [self] in shareGroups.stored($0, $1) }, done)
    }

    private func store(
        _ changes: [(group: GroupID, change: StoredGroupChange)], ended: @escaping (GroupID, Bool) -> Void,
        _ done: @escaping (GroupRefusal?) -> Void
    ) {
        var refusal: GroupRefusal?
        let gathering = Gathering { done(refusal) }
        for (group, change) in changes {
            gathering.enter()
            store(group, change) { reason in
                refusal = reason ?? refusal
                ended(group, reason == nil)
                gathering.leave()
            }
        }
        gathering.leave()
    }

    /// Loads the groups with members that this broker coordinates; each member gets a whole session's time for its next heartbeat.
    func adoptGroups() {
        for (id, stored) in machine.groups.entries where !stored.isEmpty && coordinates(id.rawValue) {
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

    /// Drops the groups that other brokers coordinate, or all.
    func forgetGroups(all: Bool) {
        for group in coordinator.groups.keys where all || !coordinates(group.rawValue) { carryOut(coordinator.forget(group)) }
        for group in consumerGroups.groups.keys where all || !coordinates(group.rawValue) { consumerGroups.forget(group) }
        for group in shareGroups.groups.keys where all || !coordinates(group.rawValue) { shareGroups.forget(group) }
    }
}

// MARK: groups without members

extension Broker {
    /// The kind of a group; nil if there is none of this name.
    func kind(of group: GroupID) -> GroupKind? {
        if consumerGroups.groups[group] != nil { return .consumer }
        if shareGroups.groups[group] != nil { return .share }
        if coordinator.groups[group] != nil { return .classic }
        if machine.isShareGroup(group) { return .share }
        return machine.groups[group]?.kind ?? (machine.offsets[group] == nil ? nil : .classic)
    }

    /// Whether the name is free for a group of this kind. A group of another kind keeps it while it has members; a share group keeps it
    /// until it is deleted.
    func gives(_ group: GroupID, to kind: GroupKind) -> Bool {
        switch self.kind(of: group) {
        case nil, kind: return true
        case .share: return false
        case .classic:
            guard kind == .consumer, coordinator.groups[group]?.isEmpty ?? true else { return false }
            carryOut(coordinator.forget(group))
        case .consumer:
            guard kind == .classic, consumerGroups.groups[group]?.isEmpty ?? true else { return false }
            consumerGroups.forget(group)
        }
        return true
    }

    /// The group with its members, or in its last stored state.
    func classicGroup(_ id: GroupID) -> Group? {
        if let group = coordinator.groups[id] { return group }
        guard kind(of: id) == .classic, let stored = machine.groups[id] else { return nil }
        // An unreadable record counts as missing: the group has no members.
        return try? Group(id: id, settings: settings.groups, stored: stored, now: now)
    }

    /// The same for groups whose partitions the broker assigns.
    func consumerGroup(_ id: GroupID) -> ConsumerGroup? {
        if let group = consumerGroups.groups[id] { return group }
        guard kind(of: id) == .consumer, let stored = machine.groups[id] else { return nil }
        // As above.
        return try? ConsumerGroup(id: id, settings: settings.consumerGroups, stored: stored, now: now)
    }

    /// The same for share groups.
    func shareGroup(_ id: GroupID) -> ShareGroup? {
        if let group = shareGroups.groups[id] { return group }
        guard kind(of: id) == .share, let stored = machine.groups[id] else { return nil }
        // As above.
        return try? ShareGroup(id: id, stored: stored, session: .zero, now: now)
    }

    /// Whether the group has members.
    func hasMembers(_ id: GroupID) -> Bool {
        coordinator.groups[id].map { !$0.isEmpty } ?? consumerGroups.groups[id].map { !$0.isEmpty } ?? shareGroups.groups[id].map {
            !$0.isEmpty
        } ?? false
    }

    func scheduleGroupCleanup() {
        loop.schedule(after: settings.offsetsRetentionCheckInterval) {
            guard !self.isStopping else { return }
            self.removeGroupsWithoutUse()
            self.scheduleGroupCleanup()
        }
    }

    /// Removes the groups that have neither members nor offsets.
    private func removeGroupsWithoutUse() {
        for (id, kind) in machine.groupsWithoutUse where coordinates(id.rawValue) && self.kind(of: id) == kind && !hasMembers(id) {
            carryOut(coordinator.forget(id))
            consumerGroups.forget(id)
            store(id, StoredGroupChange(kind, head: nil)) { [log] refusal in
                guard let refusal else { return }
                log.info(
                    "a group without members and offsets could not be removed; the next look-over tries again",
                    metadata: ["group": "\(id)", "reason": "\(refusal)"])
            }
        }
    }
}
