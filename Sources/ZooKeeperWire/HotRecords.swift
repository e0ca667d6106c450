// The records that a busy server reads and writes most, once more without type parameters: a layout that another module calls with a reader of its
// own is not compiled for it. Each goes through the record's one layout. hot: measured by `platform-bench coord`.
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

extension StatResponse {
    package func write(into bytes: inout Bytes) throws(WireError) { try encode(into: &bytes, as: JuteDialect.self) }
}

extension PathResponse {
    package func write(into bytes: inout Bytes) throws(WireError) { try encode(into: &bytes, as: JuteDialect.self) }
}

extension GetDataResponse {
    package func write(into bytes: inout Bytes) throws(WireError) { try encode(into: &bytes, as: JuteDialect.self) }
}
