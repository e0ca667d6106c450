// The fields of the commands of one family. A command writes the fields of its tag, in this order; so a family's layout is one table of
// tags and not a nest of switches. A released tag never changes its fields.
import Base

/// The fields of a command.
struct CommandFieldSet: OptionSet, Sendable {
    let rawValue: UInt16
    static let path = CommandFieldSet(rawValue: 1 << 0)
    static let other = CommandFieldSet(rawValue: 1 << 1)
    static let holder = CommandFieldSet(rawValue: 1 << 2)
    static let caller = CommandFieldSet(rawValue: 1 << 3)
    static let options = CommandFieldSet(rawValue: 1 << 4)
    static let inode = CommandFieldSet(rawValue: 1 << 5)
    static let block = CommandFieldSet(rawValue: 1 << 6)
    static let next = CommandFieldSet(rawValue: 1 << 7)
    static let flag = CommandFieldSet(rawValue: 1 << 8)
    static let number = CommandFieldSet(rawValue: 1 << 9)
    static let second = CommandFieldSet(rawValue: 1 << 10)
    static let paths = CommandFieldSet(rawValue: 1 << 11)
    static let entries = CommandFieldSet(rawValue: 1 << 12)
    static let attribute = CommandFieldSet(rawValue: 1 << 13)
}

/// All fields of a family's commands.
struct CommandFields: WireLayout {
    var tag: Int8 = 0
    var path = ""
    var other = ""
    var holder = ""
    var caller = Caller()
    var options = CreateOptions()
    var inode = InodeID(0)
    var block: Block?
    var next = Block()
    var flag = false
    var number: Int64 = 0
    var second: Int64 = 0
    var paths: [String] = []
    var entries: [AccessEntry] = []
    var attribute = ExtendedAttribute()
    /// The fields of each tag; set by the family before the layout runs.
    var uses: [Int8: CommandFieldSet] = [:]

    init() {}
    init(_ tag: Int8, _ uses: [Int8: CommandFieldSet], _ fill: (inout CommandFields) -> Void) {
        self.tag = tag
        self.uses = uses
        fill(&self)
    }

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int8(&tag)
        guard let set = uses[tag] else { throw .unknownTag("dfs command", Int(tag)) }
        if set.contains(.path) { try io.string(&path) }
        if set.contains(.other) { try io.string(&other) }
        if set.contains(.holder) { try io.string(&holder) }
        if set.contains(.caller) { try io.nested(&caller) }
        if set.contains(.options) { try io.nested(&options) }
        if set.contains(.inode) { try io.id(&inode) }
        if set.contains(.block) {
            var present = block != nil
            try io.bool(&present)
            var value = block ?? Block()
            if present { try io.nested(&value) }
            block = present ? value : nil
        }
        if set.contains(.next) { try io.nested(&next) }
        if set.contains(.flag) { try io.bool(&flag) }
        if set.contains(.number) { try io.int64(&number) }
        if set.contains(.second) { try io.int64(&second) }
        if set.contains(.paths) { try io.strings(&paths) }
        if set.contains(.entries) { try io.list(&entries) }
        if set.contains(.attribute) { try io.nested(&attribute) }
    }
}
