// The records that a busy server reads and writes most, once more without type parameters: a layout that another module calls with a reader
// of its own is not compiled for it. Each goes through the record's one layout, but for those of most answers, which a test compares with
// it. hot: measured by `platform-bench coord`.
import Base

extension RequestHeader {
    package mutating func read(_ io: inout FieldReader<JuteDialect>) throws(WireError) { try layout(&io) }
}

extension PathWatchRequest {
    package mutating func read(_ io: inout FieldReader<JuteDialect>) throws(WireError) { try layout(&io) }
}

extension SetDataRequest {
    package mutating func read(_ io: inout FieldReader<JuteDialect>) throws(WireError) { try layout(&io) }
}

extension CreateRequest {
    package mutating func read(_ io: inout FieldReader<JuteDialect>) throws(WireError) { try layout(&io) }
}

extension StatRecord {
    /// The layout in one piece; `encode` writes each field by itself.
    package func write(into bytes: inout Bytes) {
        bytes.writeMultipleIntegers(czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, dataLength, numChildren, pzxid)
    }
}

extension PathResponse {
    package func write(into bytes: inout Bytes) throws(WireError) { try encode(into: &bytes, as: JuteDialect.self) }
}

extension GetDataResponse {
    package func write(into bytes: inout Bytes) {
        if let data {
            bytes.writeInteger(Int32(data.readableBytes))
            bytes.writeImmutableBuffer(data)
        } else {
            bytes.writeInteger(Int32(-1))
        }
        stat.write(into: &bytes)
    }
}
