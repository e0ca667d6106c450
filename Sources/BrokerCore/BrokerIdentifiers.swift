// The broker's ids. A topic has a name chosen by people and an id that is never used twice, so that a topic made again under the same
// name is not taken for its predecessor.
import Base

/// A consumer group, by its name.
package struct GroupID: TypedID {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A member of a group, as the coordinator named it.
package struct MemberID: TypedID {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A request whose answer comes later; the shell keeps the connection to answer.
package struct ReplyToken: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// A partition of a named topic.
package struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    @ExactText package var topic: String
    package var partition: Int32
    package init(_ topic: String, _ partition: Int32) {
        _topic = ExactText(topic)
        self.partition = partition
    }
    package static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        left._topic == right._topic ? left.partition < right.partition : left._topic < right._topic
    }
    package var description: String { "\(topic)-\(partition)" }
}

extension TopicPartition: WireLayout {
    package init() { self.init("", 0) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&topic)
        try io.int32(&partition)
    }
}

/// The writer: a producer's id, and the epoch by which a later instance shuts out an earlier one.
package struct ProducerIdentity: WireLayout, Hashable {
    package var id: Int64
    package var epoch: Int16

    package init() { self.init(-1, -1) }
    package init(_ id: Int64, _ epoch: Int16) {
        self.id = id
        self.epoch = epoch
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&id)
        try io.int16(&epoch)
    }
}

extension UUIDBytes {
    /// A random id of version 4, as RFC 9562 shapes it.
    package static func drawn(from random: inout Prng) -> UUIDBytes {
        UUIDBytes(high: random.next() & ~0xF000 | 0x4000, low: random.next() & ~(0xC000 << 48) | (0x8000 << 48))
    }

    /// The usual text of 36 characters.
    package var uuidText: String {
        let digits = Array((hex(high) + hex(low)).utf8)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { text += "-" }
            text.unicodeScalars.append(Unicode.Scalar(digit))
        }
        return text
    }

    private func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The first eight hexadecimal digits, enough to tell two topics of one name apart in a directory listing.
    package var shortText: String { String(uuidText.prefix(8)) }
}
