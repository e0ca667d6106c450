// Kafka's encoding of lengths, and the few field kinds of Kafka alone. Classic versions have int16 strings and int32 byte fields and
// arrays; flexible versions (KIP-482) have varints and end each structure with tagged fields.
import Base

/// Kafka's encoding of strings, byte fields and arrays.
package enum KafkaDialect: WireDialect {
    package static func form(of kind: LengthKind, flexible: Bool) -> LengthForm {
        if flexible { return .varintPlusOne }
        return kind == .string ? .int16 : .int32
    }
    package static var hasTags: Bool { true }
}

/// The value of an unrequested or unknown "authorized operations" field.
package let unknownOperations = Int32.min

extension FieldCoder where Self: ~Copyable {
    package mutating func errorCode(_ value: inout KafkaErrorCode) throws(WireError) {
        var raw = value.rawValue
        try int16(&raw)
        value = KafkaErrorCode(rawValue: raw)
    }

    /// A string that is nullable from version `first` on and is empty instead before.
    mutating func string(_ value: inout String?, nullableFrom first: Int16) throws(WireError) {
        if version >= first { return try optionalString(&value) }
        var text = value ?? ""
        try string(&text)
        value = text
    }

    /// A list that is nullable from version `first` on and is empty instead before.
    mutating func list<L: WireLayout>(_ value: inout [L]?, nullableFrom first: Int16) throws(WireError) {
        if version >= first { return try optionalList(&value) }
        var elements = value ?? []
        try list(&elements)
        value = elements
    }

    mutating func int64s(_ value: inout [Int64]) throws(WireError) {
        try array(&value, empty: 0) { (element: inout Int64, io: inout Self) throws(WireError) in try io.int64(&element) }
    }

    mutating func int8s(_ value: inout [Int8]) throws(WireError) {
        try array(&value, empty: 0) { (element: inout Int8, io: inout Self) throws(WireError) in try io.int8(&element) }
    }

    mutating func optionalInt32s(_ value: inout [Int32]?) throws(WireError) {
        try optionalArray(&value, empty: 0) { (element: inout Int32, io: inout Self) throws(WireError) in try io.int32(&element) }
    }

    /// A nullable structure: a byte precedes it, -1 for null (KIP-893).
    mutating func optionalNested<L: WireLayout>(_ value: inout L?) throws(WireError) {
        var presence: Int8 = value == nil ? -1 : 1
        try int8(&presence)
        guard presence >= 0 else {
            value = nil
            return
        }
        var structure = value ?? L()
        try structure.layout(&self)
        value = structure
    }

    mutating func optionalStrings(_ value: inout [String]?) throws(WireError) {
        try optionalArray(&value, empty: "") { (element: inout String, io: inout Self) throws(WireError) in try io.string(&element) }
    }
}
