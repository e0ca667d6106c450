// Queries whose operators hold a tenth of what they want: they give the same rows as with all memory, whatever the order of the chains'
// steps, and leave no file behind.
import ComputeCore
import QueryCore
import Testing

/// Files in memory, counted.
private final class MemorySpill: SpillFiles, @unchecked Sendable {  // used on the one thread of a test
    var open = 0
    var written = 0
    /// Bytes of all files; more are refused.
    var room = Int.max

    func makeFile() throws(QueryError) -> any SpillFile { File(self) }

    private final class File: SpillFile {
        private let owner: MemorySpill
        private var bytes: [UInt8] = []

        init(_ owner: MemorySpill) {
            self.owner = owner
            owner.open += 1
        }

        deinit { owner.open -= 1 }

        func append(_ more: [UInt8]) throws(QueryError) -> Int {
            guard owner.written + more.count <= owner.room else { throw QueryError.unsupported("more of the disk") }
            defer { bytes += more }
            owner.written += more.count
            return bytes.count
        }

        func read(at offset: Int, count: Int) throws(QueryError) -> [UInt8] {
            Array(bytes[offset..<offset + count])
        }
    }
}

@Suite struct SpillTests {
    /// Columns of many types: `id` ascends, the others repeat and have nulls. Small morsels make small batches.
    private static let table = """
        select id, if(id % 13 = 0, null, id * 7919 % 2011) as k, concat('text ', cast(id * 31 % 997 as string)) as s,
            cast(id % 100 / 8 as decimal(12,3)) as m, id % 3 = 0 as b, array(id % 5, null) as l, named_struct('x', id % 7, 'y', 'z') as r,
            cast(id % 50 as double) as d, date_add(date'2024-01-01', cast(id % 900 as int)) as t from n
        """
    private static let rowCount = 3000
    private static let bytes = 1 << 17

    private static func session(bytes: Int?, _ spill: MemorySpill?) throws -> QuerySession {
        var settings = QuerySettings()
        if let bytes { settings.memoryBytesMax = bytes }
        settings.spill = spill
        settings.morselBytes = 200
        let lines = "id\n" + (0..<rowCount).map { "\($0)\n" }.joined()
        var session = QuerySession(files: MemoryFiles(["/n": lines]), settings: settings)
        let options = [ReadOption("header", "true"), ReadOption("inferSchema", "true")]
        try session.createView("n", .files(FileSource(format: .csv, paths: ["/n"], options: options)), replace: true)
        try session.createView("t", try session.plan(sql: table), replace: true)
        return session
    }

    static let ordered = [
        "select * from t order by k desc nulls last, id", "select s, id from t order by s", "select id, k from t order by b, d, m desc",
        "select l, r, t, id from t order by t, k",
    ]
    static let unordered = [
        "select k, count(*), sum(id), min(s), max(m), avg(d), var_pop(d) from t group by k",
        "select s, k, count(*), first(id), collect_list(t) from t group by s, k",
        "select k, count(distinct s), sum(distinct m) from t group by k",
        "select distinct s, k from t", "select distinct l, r, s from t",
        "select a.id, b.id, b.l from t a join t b on a.k = b.k and a.id < b.id", "select a.id, b.s from t a left join t b on a.k = b.id",
        "select a.id, a.s, b.id, b.s, b.r from t a full join t b on a.k = b.id + 1500",
        "select a.id, a.s from t a left anti join t b on a.k = b.k and a.s < b.s",
        "select a.id from t a left semi join t b on a.s = b.s and a.id <> b.id",
        "select a.id, b.id, c.s from t a join t b on a.k = b.id join t c on b.k = c.id",
        "select b.id, a.r from t a right join t b on a.s = b.s and a.b",
        "select id, row_number() over (partition by k order by s, id), sum(id) over (partition by k order by id) from t",
        "select k % 11, count(*) from (select distinct k from t) group by k % 11",
    ]

    private static func texts(_ rows: [[Value]]) -> [String] {
        rows.map { row in
            row.map { value in
                // Sums of doubles depend on the order of their terms in the last digits.
                if case .double(let number) = value { "\((number * 1e6).rounded() / 1e6)" } else { "\(value)" }
            }.joined(separator: "|")
        }
    }

    private func compare(_ sql: String, ordered: Bool) throws {
        let whole = try Self.session(bytes: nil, nil)
        let wanted = Self.texts(try whole.run(try whole.plan(sql: sql), now: 0).rows())
        #expect(!wanted.isEmpty)
        for width in 1...3 {
            let spill = MemorySpill()
            let session = try Self.session(bytes: Self.bytes, spill)
            let workers: any QueryWorkers = width == 1 ? SerialWorkers() : InterleavedWorkers(width: width, seed: UInt64(width))
            let found = Self.texts(try session.run(try session.plan(sql: sql), now: 0, workers: workers).rows())
            #expect(ordered ? found == wanted : found.sorted() == wanted.sorted(), "\(width) chains")
            #expect(spill.written > 0 && spill.open == 0, "\(width) chains, \(spill.written) bytes, \(spill.open) files")
        }
    }

    @Test(arguments: ordered) func sortsOnDiskGiveTheSameRows(_ sql: String) throws { try compare(sql, ordered: true) }

    @Test(arguments: unordered) func groupsAndJoinsOnDiskGiveTheSameRows(_ sql: String) throws { try compare(sql, ordered: false) }

    @Test func smallQueriesWriteNothing() throws {
        let spill = MemorySpill()
        let session = try Self.session(bytes: nil, spill)
        for sql in Self.ordered + Self.unordered { _ = try session.run(try session.plan(sql: sql), now: 0).rows() }
        #expect(spill.written == 0)
    }

    @Test func aFullDiskEndsTheQuery() throws {
        let spill = MemorySpill()
        spill.room = 1 << 16
        let session = try Self.session(bytes: Self.bytes, spill)
        let plan = try session.plan(sql: Self.ordered[0])
        #expect(throws: QueryError.self) { try session.run(plan, now: 0).rows() }
        #expect(spill.open == 0)
    }
}
