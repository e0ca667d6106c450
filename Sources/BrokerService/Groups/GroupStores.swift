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
        store(consumerGroups.takeChanges(), ended: { [self] in consumerGroups.stored($0, $1) }, done)
    }

    /// The same for share groups.
    func storeShareGroups(_ done: @escaping (GroupRefusal?) -> Void) {
        store(shareGroups.takeChanges(), ended: { [self] in shareGroups.stored($0, $1) }, done)
    }

    private func store(
        _ changes: [(group: GroupID, change: StoredGroupChange)], ended: @escaping (GroupID, Bool) -> Void, _ done: @escaping (GroupRefusal?) -> Void
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

    /// Takes up the groups that this broker coordinates and that have members, who get a whole session's time to be heard from.
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

    /// Leaves groups to their coordinator: those of others, or all.
    func forgetGroups(all: Bool) {
        for group in coordinator.groups.keys where all || !coordinates(group.rawValue) { carryOut(coordinator.forget(group)) }
        for group in consumerGroups.groups.keys where all || !coordinates(group.rawValue) { consumerGroups.forget(group) }
        for group in shareGroups.groups.keys where all || !coordinates(group.rawValue) { shareGroups.forget(group) }
    }
}

// MARK: groups that nobody is in

extension Broker {
    /// The kinds of group that one may be of; nil if there is none of this name.
    func kind(of group: GroupID) -> GroupKind? {
        if consumerGroups.groups[group] != nil { return .consumer }
        if shareGroups.groups[group] != nil { return .share }
        if coordinator.groups[group] != nil { return .classic }
        if machine.isShareGroup(group) { return .share }
        return machine.groups[group]?.kind ?? (machine.offsets[group] == nil ? nil : .classic)
    }

    /// A group of another kind keeps its name while somebody is in it, and gives it away then; a share group keeps it until it is deleted.
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

    /// The group with its members, or as it was left by the last one.
    func classicGroup(_ id: GroupID) -> Group? {
        if let group = coordinator.groups[id] { return group }
        guard kind(of: id) == .classic, let stored = machine.groups[id] else { return nil }
        // A record that cannot be read is as good as none: nobody is in the group.
        return try? Group(id: id, settings: settings.groups, stored: stored, now: now)
    }

    /// The same where the broker assigns.
    func consumerGroup(_ id: GroupID) -> ConsumerGroup? {
        if let group = consumerGroups.groups[id] { return group }
        guard kind(of: id) == .consumer, let stored = machine.groups[id] else { return nil }
        // As above.
        return try? ConsumerGroup(id: id, settings: settings.consumerGroups, stored: stored, now: now)
    }

    /// The same of share groups.
    func shareGroup(_ id: GroupID) -> ShareGroup? {
        if let group = shareGroups.groups[id] { return group }
        guard kind(of: id) == .share, let stored = machine.groups[id] else { return nil }
        // As above.
        return try? ShareGroup(id: id, stored: stored, session: .zero, now: now)
    }

    /// Whether somebody is in the group.
    func hasMembers(_ id: GroupID) -> Bool {
        coordinator.groups[id].map { !$0.isEmpty } ?? consumerGroups.groups[id].map { !$0.isEmpty } ?? shareGroups.groups[id].map { !$0.isEmpty } ?? false
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
                log.info("a group without members and offsets could not be removed; the next look-over tries again", metadata: ["group": "\(id)", "reason": "\(refusal)"])
            }
        }
    }
}
