// Debug text of any layout, in field order, for logs and test failures. Never parsed.

/// Prints the fields of a layout as `a, "b", [c]`; byte fields as their length and a checksum, so that logs carry no payload.
public struct FieldPrinter: FieldCoder, ~Copyable {
    public let version: Int16
    public let flexible: Bool
    public private(set) var text = ""

    public init(version: Int16 = 0, flexible: Bool = false) {
        self.version = version
        self.flexible = flexible
    }

    mutating func add(_ piece: String) { text += text.isEmpty || text.last == "[" ? piece : ", " + piece }

    public mutating func bool(_ value: inout Bool) { add("\(value)") }
    public mutating func int8(_ value: inout Int8) { add("\(value)") }
    public mutating func int16(_ value: inout Int16) { add("\(value)") }
    public mutating func int32(_ value: inout Int32) { add("\(value)") }
    public mutating func int64(_ value: inout Int64) { add("\(value)") }
    public mutating func double(_ value: inout Double) { add("\(value)") }
    public mutating func varint(_ value: inout UInt64) { add("\(value)") }
    public mutating func string(_ value: inout String) { add("\"\(value)\"") }
    public mutating func optionalString(_ value: inout String?) { add(value.map { "\"\($0)\"" } ?? "null") }
    public mutating func bytes(_ value: inout Bytes) { add("\(value.readableBytes)B#\(CRC32C.checksum(value))") }
    public mutating func optionalBytes(_ value: inout Bytes?) {
        guard var bytes = value else { return add("null") }
        self.bytes(&bytes)
    }
    public mutating func optionalBytesOrFile(_ value: inout BytesOrFile?) {
        if case .file(let extent) = value { return add("\(extent.count)B of a file") }
        var bytes = value?.bytes
        optionalBytes(&bytes)
    }
    public mutating func uuid(_ value: inout UUIDBytes) { add("uuid(\(value.high),\(value.low))") }

    public mutating func array<E>(
        _ value: inout [E], empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        add("[")
        for index in value.indices { try each(&value[index], &self) }
        text += "]"
    }

    public mutating func optionalArray<E>(
        _ value: inout [E]?, empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        guard var elements = value else { return add("null") }
        try array(&elements, empty: empty, each)
    }

    public mutating func tags(_ unknown: inout [TaggedField]) {
        if !unknown.isEmpty { add("\(unknown.count) tagged") }
    }
}

extension WireLayout {
    /// The fields in order, for logs and test failures.
    public func printed(version: Int16 = 0, flexible: Bool = false) -> String {
        var printer = FieldPrinter(version: version, flexible: flexible)
        var copy = self
        do { try copy.layout(&printer) } catch { return "\(Self.self)(unprintable: \(error))" }
        return "\(Self.self)(\(printer.text))"
    }
}
