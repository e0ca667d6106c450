// Durable commands about the brokers of a cluster and the replicas of its partitions. Only clusters of several brokers propose them; a
// single broker holds every partition and stores none of this. A tag keeps its meaning for ever.
import Base

/// A change of the cluster.
package enum ClusterCommand: WireLayout, Equatable {
    /// A broker has started, or is back. `keepsLog`: its logs have everything that it acknowledged.
    case register(BrokerRecord, keepsLog: Bool)
    /// A broker is silent, or leaves; `epoch` is that of its registration.
    case fence(broker: Int32, epoch: Int64)
    case createTopic(TopicRecord, [ReplicaList])
    /// More partitions, one for each list.
    case growTopic(name: String, [ReplicaList])
    case changeInSync(InSyncChange)
    /// Elects leaders: the first replica that is alive and in sync, or with `unclean` one that is alive.
    case elect([TopicPartition], unclean: Bool)
    case reassign([Reassignment])
    /// Offsets committed by the group's coordinator; refused once its claim has expired.
    case commitOffsets(by: CoordinatorClaim, group: GroupID, [OffsetEntry])
    /// These partitions have the marker of the transaction decided in this slot; -1, from earlier versions, matches any.
    case marked(transaction: String, ProducerIdentity, decided: Int64, [TopicPartition])
    /// A step of a transaction, checked by the group's coordinator; refused once its claim has expired.
    case stage(by: CoordinatorClaim, GroupID, TransactionCommand)
    /// A step of a transaction, from its coordinator; refused once its claim has expired. Otherwise a late step could change the next
    /// transaction of the same producer.
    case transact(by: CoordinatorClaim, TransactionCommand)
    /// Removes a broker from the cluster; refused while it holds partitions.
    case unregister(broker: Int32)

    package init() { self = .elect([], unclean: false) }

    private var tag: Int8 {
        switch self {
        case .register: 1
        case .fence: 2
        case .createTopic: 3
        case .growTopic: 4
        case .changeInSync: 5
        case .elect: 6
        case .reassign: 7
        case .commitOffsets(let claim, _, _): claim.standing == nil ? 8 : 14
        case .unregister: 10
        case .marked(_, _, let decided, _): decided < 0 ? 9 : 12
        case .stage(let claim, _, _): claim.standing == nil ? 13 : 15
        case .transact: 16
        }
    }

    private static func blank(_ tag: Int8) throws(WireError) -> ClusterCommand {
        switch tag {
        case 1: .register(BrokerRecord(), keepsLog: false)
        case 2: .fence(broker: 0, epoch: 0)
        case 3: .createTopic(TopicRecord(), [])
        case 4: .growTopic(name: "", [])
        case 5: .changeInSync(InSyncChange())
        case 6: .elect([], unclean: false)
        case 7: .reassign([])
        case 8: .commitOffsets(by: CoordinatorClaim(), group: GroupID(""), [])
        case 9: .marked(transaction: "", ProducerIdentity(), decided: -1, [])
        case 12: .marked(transaction: "", ProducerIdentity(), decided: 0, [])
        case 13: .stage(by: CoordinatorClaim(), GroupID(""), TransactionCommand())
        case 14: .commitOffsets(by: CoordinatorClaim(0, standing: 0), group: GroupID(""), [])
        case 15: .stage(by: CoordinatorClaim(0, standing: 0), GroupID(""), TransactionCommand())
        case 16: .transact(by: CoordinatorClaim(0, standing: 0), TransactionCommand())
        case 10: .unregister(broker: 0)
        default: throw .unknownTag("cluster command", Int(tag))
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = self.tag
        try io.int8(&tag)
        if tag != self.tag { self = try Self.blank(tag) }
        switch self {
        case .register(var broker, var keepsLog):
            try io.nested(&broker)
            try io.bool(&keepsLog)
            self = .register(broker, keepsLog: keepsLog)
        case .fence(var broker, var epoch):
            try io.int32(&broker)
            try io.int64(&epoch)
            self = .fence(broker: broker, epoch: epoch)
        case .createTopic(var topic, var places):
            try io.nested(&topic)
            try io.list(&places)
            self = .createTopic(topic, places)
        case .growTopic(var name, var places):
            try io.string(&name)
            try io.list(&places)
            self = .growTopic(name: name, places)
        case .changeInSync(var change):
            try io.nested(&change)
            self = .changeInSync(change)
        case .elect(var partitions, var unclean):
            try io.list(&partitions)
            try io.bool(&unclean)
            self = .elect(partitions, unclean: unclean)
        case .reassign(var changes):
            try io.list(&changes)
            self = .reassign(changes)
        case .commitOffsets(var claim, var group, var entries):
            try io.nested(&claim)
            try io.id(&group)
            try io.list(&entries)
            self = .commitOffsets(by: claim, group: group, entries)
        case .marked(var name, var producer, var decided, var partitions):
            try io.string(&name)
            try io.nested(&producer)
            try io.list(&partitions)
            if decided >= 0 { try io.int64(&decided) }
            self = .marked(transaction: name, producer, decided: decided, partitions)
        case .stage(var claim, var group, var command):
            try io.nested(&claim)
            try io.id(&group)
            try io.nested(&command)
            self = .stage(by: claim, group, command)
        case .transact(var claim, var command):
            try io.nested(&claim)
            try io.nested(&command)
            self = .transact(by: claim, command)
        case .unregister(var broker):
            try io.int32(&broker)
            self = .unregister(broker: broker)
        }
    }
}

/// A broker's registration.
package struct BrokerRecord: WireLayout, Hashable {
    package var id: Int32 = -1
    /// Drawn at every start; tells a restarted broker from its earlier life.
    package var incarnation = UUIDBytes()
    /// The advertised host for clients.
    package var host = ""
    package var port: Int32 = 0
    /// Its rack; empty if not stated.
    package var rack = ""
    /// The slot of its registration; set by the machine.
    package var epoch: Int64 = -1
    /// Silent: it leads nothing and counts for nothing until it registers again.
    package var isFenced = false

    package init() {}
    package init(id: Int32, incarnation: UUIDBytes, host: String, port: Int32, rack: String = "") {
        self.id = id
        self.incarnation = incarnation
        self.host = host
        self.port = port
        self.rack = rack
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&id)
        try io.uuid(&incarnation)
        try io.string(&host)
        try io.int32(&port)
        try io.string(&rack)
    }
}

/// The brokers that hold a partition; the first one is the preferred leader.
package struct ReplicaList: WireLayout, Hashable {
    package var brokers: [Int32] = []
    package init() {}
    package init(_ brokers: [Int32]) { self.brokers = brokers }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.int32s(&brokers) }
}

/// The replicas that have everything acknowledged, as the leader found them.
package struct InSyncChange: WireLayout, Hashable {
    package var topicID = UUIDBytes()
    package var partition: Int32 = 0
    package var leader: Int32 = -1
    package var leaderEpoch: Int32 = 0
    /// The version of the partition's state that the leader knows.
    package var version: Int32 = 0
    package var inSync: [Int32] = []

    package init() {}
    package init(topicID: UUIDBytes, partition: Int32, leader: Int32, leaderEpoch: Int32, version: Int32, inSync: [Int32]) {
        self.topicID = topicID
        self.partition = partition
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.version = version
        self.inSync = inSync
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uuid(&topicID)
        try io.int32(&partition)
        try io.int32(&leader)
        try io.int32(&leaderEpoch)
        try io.int32(&version)
        try io.int32s(&inSync)
    }
}

/// New replicas of a partition; an empty list cancels the reassignment under way.
package struct Reassignment: WireLayout, Hashable {
    package var partition = TopicPartition()
    package var target: [Int32] = []
    package init() {}
    package init(_ partition: TopicPartition, target: [Int32]) {
        self.partition = partition
        self.target = target
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.nested(&partition)
        try io.int32s(&target)
    }
}
