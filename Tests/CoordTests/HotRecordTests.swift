// The answers that are written in one piece are what their layouts write field by field.
import Base
import Testing
import ZooKeeperWire

@Suite struct HotRecordTests {
    private static let stat: StatRecord = {
        var stat = StatRecord()
        (stat.czxid, stat.mzxid, stat.ctime, stat.mtime) = (1 << 40 | 1, 1 << 41 | 2, 1_700_000_000_003, 1_700_000_000_004)
        (stat.version, stat.cversion, stat.aversion) = (5, -6, 7)
        (stat.ephemeralOwner, stat.dataLength, stat.numChildren, stat.pzxid) = (.max - 8, 9, 10, 1 << 42 | 11)
        return stat
    }()

    @Test func aStatIsWrittenAsItsLayoutSays() throws {
        var bytes = Bytes()
        Self.stat.write(into: &bytes)
        #expect(bytes == (try Self.stat.encoded(as: JuteDialect.self)))
        #expect(bytes.readableBytes == StatRecord.byteCount)
        #expect(try StatRecord(decoding: bytes, as: JuteDialect.self) == Self.stat)
    }

    @Test(arguments: [nil, Bytes(), Bytes(repeating: 0x61, count: 100)]) func anAnswerWithDataIsWrittenAsItsLayoutSays(_ data: Bytes?)
        throws
    {
        var bytes = Bytes(string: "before")
        let answer = GetDataResponse(data: data, stat: Self.stat)
        answer.write(into: &bytes)
        var expected = Bytes(string: "before")
        try answer.encode(into: &expected, as: JuteDialect.self)
        #expect(bytes == expected)
    }
}
