// Queries whose chains run side by side, stepped in a seeded order on one thread: they give the rows of one chain, in the same order,
// whatever the order of the steps; and text files in morsels of any size give the rows of the whole file.
import ComputeCore
import QueryCore
import Testing

/// Steps the tasks of a query in an order that the seed decides.
final class InterleavedWorkers: QueryWorkers {
    let width: Int
    private let random: Random

    /// Kept apart, since the port's calls change nothing of the implementer.
    private final class Random: @unchecked Sendable {  // used on the one thread of a test
        var state: UInt64

        init(_ seed: UInt64) { state = seed }

        func below(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }
    }

    private final class OneThread: Turn {
        func taken<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result { try body() }
    }

    init(width: Int, seed: UInt64) {
        self.width = width
        random = Random(seed)
    }

    func run(_ tasks: [any PipelineTask]) {
        var open = tasks
        while !open.isEmpty {
            let index = random.below(open.count)
            if !open[index].step() { open.remove(at: index) }
        }
    }

    func makeTurn() -> any Turn { OneThread() }
}

@Suite struct PipelineTests {
    private static let lines: [String] = (0..<1200).map { row in
        let pick = (row * 48271 + 11) % 65537
        let key = pick % 7 == 0 ? "" : "k\(pick % 23)"
        let number = pick % 11 == 0 ? "" : "\(pick % 400 - 200)"
        return "\(row),\(key),\(number),\"text, \(pick % 50)\",\(Double(pick % 1000) / 8),2024-0\(pick % 9 + 1)-1\(pick % 9)"
    }
    private static let file = "id,key,number,words,price,day\n" + lines.joined(separator: "\n") + "\n"
    private static let small = "name,label\n" + (0..<15).map { "k\($0),label \($0 % 4)" }.joined(separator: "\n") + "\n"

    private static func session(morselBytes: Int) throws -> QuerySession {
        var settings = QuerySettings()
        settings.morselBytes = morselBytes
        var session = QuerySession(files: MemoryFiles(["/t": file, "/s": small]), settings: settings)
        for name in ["t", "s"] {
            let options = [ReadOption("header", "true"), ReadOption("inferSchema", "true")]
            try session.createView(name, .files(FileSource(format: .csv, paths: ["/\(name)"], options: options)), replace: true)
        }
        return session
    }

    static let queries = [
        "select * from t where number > 50 and words like '%1%'",
        "select count(*), sum(number), min(day), max(price), avg(number), count(distinct key) from t",
        "select key, count(*), sum(number), min(words), max(day), count(number), var_pop(number) from t group by key",
        "select key, number, count(*) from t group by key, number",
        "select id, key, price from t order by key desc nulls last, price",
        "select id, words from t order by words",
        "select id, number from t order by number, key limit 17",
        "select id, number from t order by number desc limit 700",
        "select t.id, s.label from t join s on t.key = s.name where t.id % 3 = 0",
        "select t.id, s.label from t left join s on t.key = s.name and s.label <> 'label 1' order by t.id",
        "select s.name, t.id from t right join s on t.key = s.name and t.number = 7",
        "select id from t left anti join s on t.key = s.name",
        "select label, count(distinct number), sum(distinct number) from t join s on key = name group by label",
        "select distinct key, words from t",
        "select first(words), key from t group by key",
        "select key from t union all select name from s limit 1199",
        "select key from t except select name from s",
        "select id * 2 from range(30000) where id % 1000 = 3",
        "select k, count(*) from (select id % 20011 as k from range(40000)) group by k",
        "select a.id, b.id from range(150) a join range(150) b on a.id + b.id = 150",
    ]

    @Test(arguments: queries) func chainsGiveTheRowsOfOneChain(_ sql: String) throws {
        let whole = try Self.session(morselBytes: 1 << 20)
        let plan = try whole.plan(sql: sql)
        let wanted = try whole.run(plan, now: SQLScript.now).rows()
        #expect(!wanted.isEmpty)
        for seed in 1...4 {
            let session = try Self.session(morselBytes: [64, 997, 9000][seed % 3])
            let rows = try session.run(plan, now: SQLScript.now, workers: InterleavedWorkers(width: 1 + seed, seed: UInt64(seed))).rows()
            #expect(rows.map(Self.rounded) == wanted.map(Self.rounded), "seed \(seed)")
        }
    }

    /// Sums of doubles depend on the order of their terms in the last digits.
    private static func rounded(_ row: [Value]) -> [Value] {
        row.map { value in
            guard case .double(let number) = value else { return value }
            return .double((number * 1e6).rounded() / 1e6)
        }
    }

    @Test(arguments: SQLScript.names) func scriptsAnswerAsRecordedInChains(_ name: String) throws {
        var settings = QuerySettings()
        settings.morselBytes = 10
        var script = SQLScript(settings: settings, workers: InterleavedWorkers(width: 3, seed: 5))
        try script.run(name)
    }

    @Test func whatOneChainRefusesEndsTheQuery() throws {
        let session = try Self.session(morselBytes: 500)
        for sql in [
            "select count(100 / (id - 1100)) from t", "select id from t order by 1 / (id - 1100)",
            "select key, sum(1 / (id - 1100)) from t group by key",
        ] {
            let plan = try session.plan(sql: sql)
            #expect(throws: QueryError.self) { try session.run(plan, now: 0, workers: InterleavedWorkers(width: 4, seed: 3)).rows() }
        }
    }

    @Test func aLimitTakesFewMorsels() throws {
        let files = CountingFiles(Self.file)
        var settings = QuerySettings()
        settings.morselBytes = 1000
        let session = QuerySession(files: files, settings: settings)
        let plan = try session.plan(sql: "select * from csv.`/f` limit 3")
        #expect(try session.run(plan, now: 0, workers: InterleavedWorkers(width: 4, seed: 1)).rows().count == 3)
        #expect(files.bytesRead < 16_000)
    }

    /// The pairs of one morsel would fill the memory if a round kept them all.
    @Test func aLimitOverManyPairsMakesFewOfThem() throws {
        let session = try Self.session(morselBytes: 1000)
        let plan = try session.plan(sql: "select a.id + b.id from range(1000000) a cross join range(200000) b limit 5")
        let rows = try session.run(plan, now: 0, workers: InterleavedWorkers(width: 4, seed: 1)).rows()
        #expect(rows == (0..<5).map { [.integer(Int64($0))] })
    }

    @Test(arguments: [1, 2, 3, 5, 8, 13, 64, 4096]) func morselsOfAnySizeGiveTheRowsOfTheFile(_ bytes: Int) throws {
        let header = "#a comment that is longer than a morsel\n\n\na,b\n"
        for (text, rows) in [
            ("\u{FEFF}a,b\n1,x\n2,y\n", 2), ("a,b\r1,x\r2,y\r3,z", 3), ("a,b\r\n1,x\r\n\r\n2,y\r\n", 2),
            (header + "1,x\n#no row\n2,\"y, z\"", 2), ("a,b", 0),
        ] {
            var settings = QuerySettings()
            settings.morselBytes = bytes
            let session = QuerySession(files: MemoryFiles(["/f": text]), settings: settings)
            let source = FileSource(format: .csv, paths: ["/f"], options: [ReadOption("header", "true"), ReadOption("comment", "#")])
            let run = try session.run(.files(source), now: 0, workers: InterleavedWorkers(width: 3, seed: 9))
            #expect(run.schema.fields.map(\.name) == ["a", "b"])
            let got = try run.rows()
            #expect(got.map { $0[0] } == (0..<rows).map { .string("\($0 + 1)") }, "\(text.debugDescription)")
        }
    }
}

/// One file that counts what is read of it.
private final class CountingFiles: TableFiles {
    private let text: [UInt8]
    private let count = Count()

    private final class Count: @unchecked Sendable {  // used on the one thread of a test
        var bytes = 0
    }

    private final class Reader: TableFileReader {
        private var rest: ArraySlice<UInt8>
        private let count: Count

        init(_ bytes: [UInt8], _ count: Count) {
            rest = bytes[...]
            self.count = count
        }

        func read(upTo most: Int) throws(QueryError) -> [UInt8] {
            let chunk = rest.prefix(most)
            rest = rest.dropFirst(chunk.count)
            count.bytes += chunk.count
            return Array(chunk)
        }
    }

    init(_ text: String) { self.text = Array(text.utf8) }

    var bytesRead: Int { count.bytes }

    func list(_ path: String) throws(QueryError) -> [TableFile]? { [TableFile(path: path, byteCount: text.count)] }

    func openRanges(_ file: TableFile) throws(QueryError) -> any TableRanges { MemoryRanges(text) }

    func open(_ file: TableFile) throws(QueryError) -> any TableFileReader {
        count.bytes = 0
        return Reader(text, count)
    }
}
