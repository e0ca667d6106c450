// Transactions as stored, and the commands that change them. A transactional id keeps its producer's identity for ever and runs one
// transaction after the other. Source: Kafka KIP-98, KIP-360 and KIP-890; the phases are Kafka's.
import Base

/// The phase of a transactional id.
package enum TransactionPhase: Int8, Sendable, CaseIterable {
    case empty = 0
    case ongoing = 1
    case prepareCommit = 2
    case prepareAbort = 3
    case completeCommit = 4
    case completeAbort = 5

    /// Kafka's name of the phase.
    package var name: String {
        switch self {
        case .empty: "Empty"
        case .ongoing: "Ongoing"
        case .prepareCommit: "PrepareCommit"
        case .prepareAbort: "PrepareAbort"
        case .completeCommit: "CompleteCommit"
        case .completeAbort: "CompleteAbort"
        }
    }

    /// Decided, but not yet written to every partition.
    package var isPrepared: Bool { self == .prepareCommit || self == .prepareAbort }
    package var isAtRest: Bool { !isPrepared && self != .ongoing }
}

/// An offset that takes effect once its transaction commits.
package struct StagedOffset: WireLayout, Hashable {
    package var group: GroupID
    package var entry: OffsetEntry

    package init() { self.init(GroupID(""), OffsetEntry()) }
    package init(_ group: GroupID, _ entry: OffsetEntry) {
        self.group = group
        self.entry = entry
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&group)
        try io.nested(&entry)
    }

    /// The key of an offset: a later commit replaces one of the same key.
    struct Place: Hashable {
        var group: GroupID
        var partition: TopicPartition
    }

    var place: Place { Place(group: group, partition: TopicPartition(entry.topic, entry.partition)) }
}

/// The partitions, groups and offsets of a transaction.
package struct TransactionContent: WireLayout, Equatable {
    /// In the order in which they joined.
    package var partitions: [TopicPartition] = []
    package var groups: [GroupID] = []
    package var staged: [StagedOffset] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&partitions)
        try io.array(&groups, empty: GroupID("")) { (group: inout GroupID, io: inout C) throws(WireError) in try io.id(&group) }
        try io.list(&staged)
    }
}

/// A transactional id with its producer and the transaction under way.
package struct Transaction: Sendable, Equatable {
    package var name: String
    package var producer: ProducerIdentity
    /// The epoch before the present one, to recognise a repeated request; -1 for none.
    package var previousEpoch: Int16 = -1
    /// The producer's id after this transaction, since its epochs are used up; -1 for none.
    package var successor: Int64 = -1
    package var timeoutMilliseconds: Int32
    package var phase = TransactionPhase.empty
    /// When the transaction under way began.
    package var started = WallTime.zero
    package var updated = WallTime.zero
    package var content = TransactionContent()
    /// The slot of the command that decided the last transaction, which tells apart transactions of one producer; 0 before.
    package var decided: Int64 = 0

    package init(name: String, producer: ProducerIdentity, timeoutMilliseconds: Int32) {
        self.name = name
        self.producer = producer
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    package func contains(_ partition: TopicPartition) -> Bool { content.partitions.contains(partition) }

    /// The highest epoch of a producer; one more is left to shut it out.
    static let epochMax = Int16.max - 1
}

/// The effect of a decision on the producer's epoch.
package enum EpochChange: Int8, Sendable, CaseIterable {
    /// The epoch stays.
    case kept = 0
    /// The producer continues with the next epoch; late requests of the ended transaction do not reach the next one (KIP-890).
    case raised = 1
    /// The holder of the present epoch is shut out.
    case fencing = 2
}

/// A change of one transactional id.
package struct TransactionCommand: WireLayout, Equatable {
    package enum Action: Sendable, Equatable {
        /// A producer begins, or comes back as `expected`; earlier producers of this name are shut out.
        case begin(timeoutMilliseconds: Int32)
        case addPartitions([TopicPartition])
        case addGroup(GroupID)
        /// `joining` also adds the group.
        case stageOffsets(GroupID, [OffsetEntry], joining: Bool)
        /// Decides the outcome.
        case decide(commits: Bool, EpochChange)
        /// Every partition has its marker.
        case complete
        /// The id has not been used for long.
        case forget
    }
    package var name = ""
    package var producer = ProducerIdentity()
    package var action = Action.complete

    package init() {}
    package init(_ name: String, _ producer: ProducerIdentity, _ action: Action) {
        self.name = name
        self.producer = producer
        self.action = action
    }

    private var tag: Int8 {
        switch action {
        case .begin: 1
        case .addPartitions: 2
        case .addGroup: 3
        case .stageOffsets: 4
        case .decide: 5
        case .complete: 6
        case .forget: 7
        }
    }

    private static func blank(_ tag: Int8) throws(WireError) -> Action {
        switch tag {
        case 1: .begin(timeoutMilliseconds: 0)
        case 2: .addPartitions([])
        case 3: .addGroup(GroupID(""))
        case 4: .stageOffsets(GroupID(""), [], joining: false)
        case 5: .decide(commits: false, .kept)
        case 6: .complete
        case 7: .forget
        default: throw .unknownTag("transaction command", Int(tag))
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = self.tag
        try io.int8(&tag)
        if tag != self.tag { action = try Self.blank(tag) }
        try io.string(&name)
        try io.nested(&producer)
        switch action {
        case .begin(var timeout):
            try io.int32(&timeout)
            action = .begin(timeoutMilliseconds: timeout)
        case .addPartitions(var partitions):
            try io.list(&partitions)
            action = .addPartitions(partitions)
        case .addGroup(var group):
            try io.id(&group)
            action = .addGroup(group)
        case .stageOffsets(var group, var entries, var joining):
            try io.id(&group)
            try io.list(&entries)
            try io.bool(&joining)
            action = .stageOffsets(group, entries, joining: joining)
        case .decide(var commits, let epoch):
            var number = epoch.rawValue
            try io.bool(&commits)
            try io.int8(&number)
            guard let epoch = EpochChange(rawValue: number) else { throw .unknownTag("epoch change", Int(number)) }
            action = .decide(commits: commits, epoch)
        case .complete, .forget: break
        }
    }
}
