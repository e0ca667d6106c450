// Messages of Spark Connect with drawn values in every field, for tests. The generated messages read themselves from a decoder; this one
// invents the values. Texts come from the caller, who knows the columns, functions and statements that meet something.
import Base
import FoundationEssentials  // Data, the library's type of byte fields
import SwiftProtobuf

/// The meaning of a text field.
package enum SampleRole: Sendable {
    case column, function, statement, expression, type, option, other
}

/// Draws one message. Types of many alternatives get one of them, other types most of their fields.
package struct SparkSampler: SwiftProtobuf.Decoder {
    package typealias Text = @Sendable (SampleRole, inout Prng) -> String

    private var random: Prng
    private let text: Text
    private let role: SampleRole
    private let depth: Int
    /// Further messages of this draw.
    private var messages: Int
    /// Field numbers to come, the last one first; numbers without a field are passed over.
    private var fields: [Int]

    /// Messages in a drawn one, which bounds its size.
    private static var messagesMax: Int { 120 }
    /// Relations and expressions below have no children.
    private static var depthMax: Int { 9 }
    private static var fieldsMax: Int { 24 }

    package static func draw<M: SparkMessage>(_: M.Type, _ random: inout Prng, text: @escaping Text) -> M {
        var root = SparkSampler(random: random, text: text, role: .other, depth: 0, messages: messagesMax, fields: [])
        let message = root.nested(M.self)
        random = root.random
        return message
    }

    private init(random: Prng, text: @escaping Text, role: SampleRole, depth: Int, messages: Int, fields: [Int]) {
        self.random = random
        self.text = text
        self.role = role
        self.depth = depth
        self.messages = messages
        self.fields = fields
    }

    private mutating func nested<M: SparkMessage>(_: M.Type) -> M {
        var message = M()
        guard messages > 0 else { return message }
        let fields = numbers(of: M.self)
        var inner = SparkSampler(
            random: random, text: text, role: Self.roles[ObjectIdentifier(M.self)] ?? .other, depth: depth + 1, messages: messages - 1,
            fields: fields)
        // Nothing is read, so nothing can be refused.
        try? message.decodeMessage(decoder: &inner)
        random = inner.random
        messages = inner.messages
        return message
    }

    /// One alternative of the large choices, otherwise nearly all numbers, in any order: of a small choice the last one stays.
    private mutating func numbers<M: SparkMessage>(of _: M.Type) -> [Int] {
        if let choices = Self.choices[ObjectIdentifier(M.self)] {
            let places = depth >= Self.depthMax ? choices.leaves : choices.all
            return [places[random.below(places.count)]]
        }
        return (1...Self.fieldsMax).filter { _ in random.below(12) > 0 }.shuffled(using: &random)
    }

    private static let roles: [ObjectIdentifier: SampleRole] = [
        ObjectIdentifier(Spark_Connect_Expression.UnresolvedAttribute.self): .column,
        ObjectIdentifier(Spark_Connect_Expression.UnresolvedFunction.self): .function,
        ObjectIdentifier(Spark_Connect_Expression.ExpressionString.self): .expression,
        ObjectIdentifier(Spark_Connect_Expression.Cast.self): .type,
        ObjectIdentifier(Spark_Connect_SQL.self): .statement,
        ObjectIdentifier(Spark_Connect_SqlCommand.self): .statement,
        ObjectIdentifier(Spark_Connect_LocalRelation.self): .type,
        ObjectIdentifier(Spark_Connect_Read.DataSource.self): .option,
        ObjectIdentifier(Spark_Connect_KeyValue.self): .option,
        ObjectIdentifier(Spark_Connect_ConfigRequest.Get.self): .option,
        ObjectIdentifier(Spark_Connect_Deduplicate.self): .column, ObjectIdentifier(Spark_Connect_Drop.self): .column,
        ObjectIdentifier(Spark_Connect_StatDescribe.self): .column, ObjectIdentifier(Spark_Connect_NAFill.self): .column,
        ObjectIdentifier(Spark_Connect_NADrop.self): .column, ObjectIdentifier(Spark_Connect_Expression.Alias.self): .column,
        ObjectIdentifier(Spark_Connect_SubqueryAlias.self): .column, ObjectIdentifier(Spark_Connect_Join.self): .column,
        ObjectIdentifier(Spark_Connect_AnalyzePlanRequest.DDLParse.self): .type,
    ]

    /// The field numbers of a message with one field of many; `leaves` have no relation or expression below them.
    private struct Choices {
        var all: [Int]
        var leaves: [Int]
    }

    private static let choices: [ObjectIdentifier: Choices] = [
        ObjectIdentifier(Spark_Connect_Relation.self): Choices(
            all: [Int](2...44) + [Int](90...110) + [10, 10, 10, 3, 3, 4, 5, 6, 7, 9, 9, 15, 15, 20], leaves: [10, 10, 15, 15, 11]),
        ObjectIdentifier(Spark_Connect_Expression.self): Choices(
            all: [Int](1...24) + [1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 6, 7, 11], leaves: [1, 2, 2, 4, 5]),
        ObjectIdentifier(Spark_Connect_Expression.Literal.self): Choices(all: [Int](1...28), leaves: [Int](1...17)),
        ObjectIdentifier(Spark_Connect_DataType.self): Choices(all: [Int](1...27), leaves: [Int](1...14)),
        ObjectIdentifier(Spark_Connect_Plan.self): Choices(all: [1, 1, 1, 1, 2, 2, 3, 4], leaves: [1]),
        ObjectIdentifier(Spark_Connect_Command.self): Choices(all: [Int](1...18) + [5, 5, 5, 3], leaves: [5]),
        ObjectIdentifier(Spark_Connect_Catalog.self): Choices(all: [Int](1...32), leaves: [1]),
    ]

    package mutating func handleConflictingOneOf() {}
    package mutating func nextFieldNumber() -> Int? { messages > 0 ? fields.popLast() : nil }

    // MARK: values

    private static let edges: [Int64] = [
        .min, .min + 1, -(1 << 53), Int64(Int32.min) - 1, Int64(Int32.min), -1, 0, 1, 31, 32, 38, 63, 64, 255, 256, 1000, 65_536,
        Int64(Int32.max), Int64(Int32.max) + 1, 1 << 32, 1 << 53, 1 << 62, .max - 1, .max,
    ]

    private mutating func integer<I: FixedWidthInteger>(_: I.Type = I.self) -> I {
        random.below(6) == 0 ? I(truncatingIfNeeded: Self.edges[random.below(Self.edges.count)]) : I(random.below(12))
    }

    private mutating func double() -> Double {
        let values = [
            0.5, 0, -0.0, 1, -1, 2.5, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e18, 9.3e18,
        ]
        return values[random.below(values.count)]
    }

    private mutating func bytes() -> Data {
        Data(repeating: UInt8(random.below(256)), count: random.below(40) == 0 ? random.below(100_000) : random.below(20))
    }

    private mutating func string() -> String { text(random.below(10) == 0 ? .other : role, &random) }
    private mutating func count() -> Int { random.below(60) == 0 ? random.below(3000) : random.below(4) }

    private mutating func list<T>(_ values: inout [T], _ draw: (inout Self) -> T) {
        for _ in 0..<count() { values.append(draw(&self)) }
    }

    private mutating func enumeration<E: SwiftProtobuf.Enum>(_: E.Type) -> E where E.RawValue == Int {
        E(rawValue: random.below(20) == 0 ? Int(integer(Int32.self)) : random.below(8)) ?? E()
    }

    // MARK: fields

    package mutating func decodeSingularFloatField(value: inout Float) { value = Float(double()) }
    package mutating func decodeSingularFloatField(value: inout Float?) { value = Float(double()) }
    package mutating func decodeRepeatedFloatField(value: inout [Float]) { list(&value) { Float($0.double()) } }
    package mutating func decodeSingularDoubleField(value: inout Double) { value = double() }
    package mutating func decodeSingularDoubleField(value: inout Double?) { value = double() }
    package mutating func decodeRepeatedDoubleField(value: inout [Double]) { list(&value) { $0.double() } }
    package mutating func decodeSingularInt32Field(value: inout Int32) { value = integer() }
    package mutating func decodeSingularInt32Field(value: inout Int32?) { value = integer(Int32.self) }
    package mutating func decodeRepeatedInt32Field(value: inout [Int32]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularInt64Field(value: inout Int64) { value = integer() }
    package mutating func decodeSingularInt64Field(value: inout Int64?) { value = integer(Int64.self) }
    package mutating func decodeRepeatedInt64Field(value: inout [Int64]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularUInt32Field(value: inout UInt32) { value = integer() }
    package mutating func decodeSingularUInt32Field(value: inout UInt32?) { value = integer(UInt32.self) }
    package mutating func decodeRepeatedUInt32Field(value: inout [UInt32]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularUInt64Field(value: inout UInt64) { value = integer() }
    package mutating func decodeSingularUInt64Field(value: inout UInt64?) { value = integer(UInt64.self) }
    package mutating func decodeRepeatedUInt64Field(value: inout [UInt64]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularSInt32Field(value: inout Int32) { value = integer() }
    package mutating func decodeSingularSInt32Field(value: inout Int32?) { value = integer(Int32.self) }
    package mutating func decodeRepeatedSInt32Field(value: inout [Int32]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularSInt64Field(value: inout Int64) { value = integer() }
    package mutating func decodeSingularSInt64Field(value: inout Int64?) { value = integer(Int64.self) }
    package mutating func decodeRepeatedSInt64Field(value: inout [Int64]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularFixed32Field(value: inout UInt32) { value = integer() }
    package mutating func decodeSingularFixed32Field(value: inout UInt32?) { value = integer(UInt32.self) }
    package mutating func decodeRepeatedFixed32Field(value: inout [UInt32]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularFixed64Field(value: inout UInt64) { value = integer() }
    package mutating func decodeSingularFixed64Field(value: inout UInt64?) { value = integer(UInt64.self) }
    package mutating func decodeRepeatedFixed64Field(value: inout [UInt64]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularSFixed32Field(value: inout Int32) { value = integer() }
    package mutating func decodeSingularSFixed32Field(value: inout Int32?) { value = integer(Int32.self) }
    package mutating func decodeRepeatedSFixed32Field(value: inout [Int32]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularSFixed64Field(value: inout Int64) { value = integer() }
    package mutating func decodeSingularSFixed64Field(value: inout Int64?) { value = integer(Int64.self) }
    package mutating func decodeRepeatedSFixed64Field(value: inout [Int64]) { list(&value) { $0.integer() } }
    package mutating func decodeSingularBoolField(value: inout Bool) { value = random.below(2) == 0 }
    package mutating func decodeSingularBoolField(value: inout Bool?) { value = random.below(2) == 0 }
    package mutating func decodeRepeatedBoolField(value: inout [Bool]) { list(&value) { $0.random.below(2) == 0 } }
    package mutating func decodeSingularStringField(value: inout String) { value = string() }
    package mutating func decodeSingularStringField(value: inout String?) { value = string() }
    package mutating func decodeRepeatedStringField(value: inout [String]) { list(&value) { $0.string() } }
    package mutating func decodeSingularBytesField(value: inout Data) { value = bytes() }
    package mutating func decodeSingularBytesField(value: inout Data?) { value = bytes() }
    package mutating func decodeRepeatedBytesField(value: inout [Data]) { list(&value) { $0.bytes() } }

    package mutating func decodeSingularEnumField<E: SwiftProtobuf.Enum>(value: inout E) where E.RawValue == Int {
        value = enumeration(E.self)
    }
    package mutating func decodeSingularEnumField<E: SwiftProtobuf.Enum>(value: inout E?) where E.RawValue == Int {
        value = enumeration(E.self)
    }
    package mutating func decodeRepeatedEnumField<E: SwiftProtobuf.Enum>(value: inout [E]) where E.RawValue == Int {
        list(&value) { $0.enumeration(E.self) }
    }

    package mutating func decodeSingularMessageField<M: SparkMessage>(value: inout M?) { value = nested(M.self) }
    package mutating func decodeRepeatedMessageField<M: SparkMessage>(value: inout [M]) {
        for _ in 0..<random.below(4) { value.append(nested(M.self)) }
    }
    package mutating func decodeSingularGroupField<G: SparkMessage>(value: inout G?) { value = nested(G.self) }
    package mutating func decodeRepeatedGroupField<G: SparkMessage>(value: inout [G]) { value.append(nested(G.self)) }

    package mutating func decodeMapField<Key, Value: MapValueType>(
        fieldType: _ProtobufMap<Key, Value>.Type, value: inout _ProtobufMap<Key, Value>.BaseType
    ) throws {
        for _ in 0..<random.below(4) {
            var (key, content) = (Key.BaseType?.none, Value.BaseType?.none)
            try Key.decodeSingular(value: &key, from: &self)
            try Value.decodeSingular(value: &content, from: &self)
            if let key, let content { value[key] = content }
        }
    }

    package mutating func decodeMapField<Key, Value>(
        fieldType: _ProtobufEnumMap<Key, Value>.Type, value: inout _ProtobufEnumMap<Key, Value>.BaseType
    ) throws where Value.RawValue == Int {
        var key = Key.BaseType?.none
        try Key.decodeSingular(value: &key, from: &self)
        if let key { value[key] = enumeration(Value.self) }
    }

    package mutating func decodeMapField<Key, Value>(
        fieldType: _ProtobufMessageMap<Key, Value>.Type, value: inout _ProtobufMessageMap<Key, Value>.BaseType
    ) throws {
        for _ in 0..<random.below(4) {
            var key = Key.BaseType?.none
            try Key.decodeSingular(value: &key, from: &self)
            if let key { value[key] = nested(Value.self) }
        }
    }

    package mutating func decodeExtensionField(values: inout ExtensionFieldValueSet, messageType: any Message.Type, fieldNumber: Int) {}
}
