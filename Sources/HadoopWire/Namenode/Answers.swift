// Answers of one field, each shared by many methods.
import Base

/// `{1: bool}`
package struct FlagAnswer: ProtoLayout {
    package var result = false
    package init() {}
    package init(_ result: Bool) { self.result = result }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.bool(1, &result) }
}

/// `{1: uint64}`
package struct NumberAnswer: ProtoLayout {
    package var value: UInt64 = 0
    package init() {}
    package init(_ value: UInt64) { self.value = value }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.uint64(1, &value) }
}

/// `{1: string}`
package struct TextAnswer: ProtoLayout {
    package var text = ""
    package init() {}
    package init(_ text: String) { self.text = text }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.string(1, &text) }
}

/// `{1: message}`, absent if there is none.
package struct OptionalAnswer<M: ProtoLayout>: ProtoLayout {
    package var content: M?
    package init() {}
    package init(_ content: M?) { self.content = content }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.message(1, &content) }
}

/// `{1: repeated message}`
package struct ListAnswer<M: ProtoLayout>: ProtoLayout {
    package var elements: [M] = []
    package init() {}
    package init(_ elements: [M]) { self.elements = elements }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.messages(1, &elements) }
}

/// A request with only a path.
package struct PathRequest: ProtoLayout {
    package var path = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.string(1, &path) }
}

/// A request with one number or choice.
package struct ChoiceRequest: ProtoLayout {
    package var choice: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.uint32(1, &choice) }
}
