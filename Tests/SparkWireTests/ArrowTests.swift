// The Arrow reader against bytes that pyarrow wrote, the writer against the reader, and the reader against damaged bytes.
import Testing

@testable import SparkWire

@Suite struct ArrowTests {
    static let schema = ArrowSchema([
        ArrowField("id", .integer(bits: 64, signed: true), nullable: false),
        ArrowField("name", .utf8), ArrowField("ok", .bool), ArrowField("x", .floating(bits: 64)), ArrowField("day", .dateDay),
        ArrowField("at", .timestamp(.microsecond, zone: "UTC")), ArrowField("price", .decimal(precision: 10, scale: 2, bits: 128)),
        ArrowField("tags", .list, children: [ArrowField("item", .integer(bits: 32, signed: true))]),
        ArrowField("pair", .structure, children: [ArrowField("a", .integer(bits: 8, signed: true)), ArrowField("b", .utf8)]),
        ArrowField(
            "m", .map(keysSorted: false),
            children: [
                ArrowField(
                    "entries", .structure, nullable: false,
                    children: [ArrowField("key", .utf8, nullable: false), ArrowField("value", .integer(bits: 64, signed: true))])
            ]),
    ])

    @Test func readsWhatPyarrowWrote() throws {
        let stream = try ArrowReader(stream: ArrowGolden.pyarrowStream)
        #expect(stream.schema == Self.schema)
        let batch = try #require(stream.batches.first)
        #expect(stream.batches.count == 1 && batch.rowCount == 3)
        let column = batch.columns
        #expect((0..<3).map { column[0].integer($0, as: Int64.self) } == [1, 2, 3])
        #expect(column[1].isValid(0) && !column[1].isValid(1) && column[1].isValid(2))
        #expect(Array(column[1].buffers[1][column[1].range(0, offsetWidth: 4)]) == Array("ä".utf8))
        #expect(column[2].bit(0) && !column[2].bit(2))
        #expect(Double(bitPattern: column[3].integer(0, as: UInt64.self)) == 1.5)
        #expect(column[4].integer(0, as: Int32.self) == 15_706 && column[4].integer(2, as: Int32.self) == -1)
        #expect(column[5].integer(0, as: Int64.self) == 1_357_017_300_000_000)
        #expect(column[6].integer(0, as: Int128.self) == 1_234 && column[6].integer(2, as: Int128.self) == -1)
        #expect(column[7].range(0, offsetWidth: 4) == 0..<2 && column[7].children[0].integer(1, as: Int32.self) == 2)
        #expect(column[8].nullCount == 1 && column[8].children[0].integer(0, as: Int8.self) == 1)
        #expect(column[9].children[0].children[1].integer(0, as: Int64.self) == 9)
    }

    @Test func writesWhatItReads() throws {
        let golden = try ArrowReader(stream: ArrowGolden.pyarrowStream)
        let again = try ArrowReader(stream: ArrowWriter(schema: golden.schema).stream(golden.batches + golden.batches))
        #expect(again.schema == golden.schema)
        #expect(again.batches == golden.batches + golden.batches)
    }

    @Test func writesAnEmptyStreamWithItsSchema() throws {
        let stream = try ArrowReader(stream: ArrowWriter(schema: Self.schema).stream([]))
        #expect(stream.schema == Self.schema && stream.batches.isEmpty)
    }

    @Test func everyTruncationIsReadOrRefusedNeverACrash() {
        for length in 0..<ArrowGolden.pyarrowStream.count {
            do {
                let stream = try ArrowReader(stream: Array(ArrowGolden.pyarrowStream.prefix(length)))
                #expect(stream.schema == Self.schema)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test func everySingleByteMutationIsReadOrRefusedNeverACrash() {
        for index in ArrowGolden.pyarrowStream.indices {
            for flip in [0x01, 0x80, 0xFF] as [UInt8] {
                var bytes = ArrowGolden.pyarrowStream
                bytes[index] ^= flip
                do {
                    _ = try ArrowReader(stream: bytes)
                } catch {
                    #expect(!error.description.isEmpty)
                }
            }
        }
    }

    @Test func bitsArePackedLeastSignificantFirst() {
        #expect(ArrowBytes.bits([true, false, true, true, false, false, false, false, true]) == [0b0000_1101, 0b0000_0001])
    }
}
