// When a replica may go on without its tables: if its log tells that it is whole from where it begins, and there are others.
import Base
import Consensus
import Replication
import Simulator
import Storage
import Testing

@Suite struct DamagedTablesTests {
    private let damage = StorageError(.corrupt("a page"), "read", "meta.sqlite")
    private let others = Membership(founding: Member(id: NodeID(1)), with: [NodeID(1), NodeID(2), NodeID(3)])

    private func open(_ disk: SimDisk) throws -> AcceptorLog {
        try AcceptorLog(files: disk, directory: "/log", options: SegmentLogOptions(segmentBytesMax: 2000))
    }

    private func entry(_ slot: Int64) -> AcceptorRecord {
        .accept(
            LogEntry(slot: Slot(slot), ballot: Ballot(round: 1, node: NodeID(1)), time: .zero, command: Bytes(repeating: 7, count: 100)))
    }

    /// A log of a hundred slots of which `trimmed` are given up, if any; with the record that says so, or without.
    private func disk(trimmed: Int64? = nil, isTold: Bool = true) throws -> SimDisk {
        let disk = SimDisk()
        let log = try open(disk)
        _ = try log.recover(applied: .zero)
        for slot in Int64(1)...100 { try log.persist(PersistBatch(records: [entry(slot)])) }
        if let trimmed { try log.trim(through: Slot(trimmed), keep: isTold ? [.installed(Slot(trimmed))] : [.began(incarnation: 1)]) }
        try log.close()
        return disk
    }

    private func recover(_ disk: SimDisk, _ tables: Result<Slot, StorageError>, _ membership: Membership, heals: Bool = true) throws
        -> ReplicaBeginning
    {
        try open(disk).recover(tables: tables, membership: membership, heals: heals)
    }

    private func refusal(_ disk: SimDisk, _ tables: Result<Slot, StorageError>, _ membership: Membership, heals: Bool = true) -> String {
        do { return "began at \(try recover(disk, tables, membership, heals: heals).applied)" } catch { return "\(error)" }
    }

    @Test func aLogThatWasNeverTrimmedNeedsNobodysTables() throws {
        let beginning = try recover(try disk(), .failure(damage), others)
        #expect(!beginning.awaitsTables && beginning.applied == .zero && beginning.acceptor.lastSlot == Slot(100))
    }

    @Test func behindATrimmedLogTheTablesOfOthersAreAwaited() throws {
        for tables in [Result<Slot, StorageError>.failure(damage), .success(.zero), .success(Slot(59))] {
            let beginning = try recover(try disk(trimmed: 60), tables, others)
            #expect(beginning.awaitsTables && beginning.applied == Slot(60) && beginning.acceptor.trimmedThrough == Slot(60))
        }
        #expect(try !recover(try disk(trimmed: 60), .success(Slot(60)), others).awaitsTables)
    }

    @Test func whoeverHasNobodyElseIsRefused() throws {
        #expect(refusal(try disk(trimmed: 60), .failure(damage), .alone) == "\(damage)")
        #expect(refusal(try disk(), .failure(damage), .alone) == "\(damage)")
        #expect(refusal(try disk(trimmed: 60), .success(Slot(59)), .alone).contains("the log begins at slot 61, the tables end at 59"))
        #expect(refusal(try disk(trimmed: 60), .failure(damage), others, heals: false) == "\(damage)")
        #expect(
            refusal(try disk(trimmed: 60), .success(Slot(59)), others, heals: false).contains(
                "the log begins at slot 61, the tables end at 59"))
    }

    @Test func aRosterInTheLogTellsOfOthersTheStartWasNotTold() throws {
        let disk = try disk()
        let log = try open(disk)
        _ = try log.recover(applied: .zero)
        let roster = Roster(members: [NodeID(1), NodeID(2)].map { Member(id: $0, isVoter: true, directory: 0, address: "", card: "") })
        let command = try roster.encoded(as: DurableDialect.self)
        let entry = LogEntry(slot: Slot(101), ballot: Ballot(round: 1, node: NodeID(1)), time: .zero, command: command, isRoster: true)
        try log.persist(PersistBatch(records: [.accept(entry)]))
        try log.close()
        #expect(
            try recover(disk, .failure(damage), Membership(founding: Member(id: NodeID(1)), with: [NodeID(1)])).acceptor.lastSlot
                == Slot(101))
    }

    @Test func aLogThatDoesNotTellItsBeginningIsRefused() throws {
        #expect(
            refusal(try disk(trimmed: 60, isTold: false), .failure(damage), others).contains("nothing in the log tells where it begins"))
        // As long as the tables are sound it is no matter.
        #expect(try !recover(try disk(trimmed: 60, isTold: false), .success(Slot(100)), others).awaitsTables)
    }

    @Test func aLogThatLostItsFirstSegmentsIsRefused() throws {
        let disk = try disk(trimmed: 60)
        for name in try disk.list("/log").filter({ $0.hasSuffix(".log") }).prefix(2) { try disk.remove("/log/" + name) }
        #expect(refusal(disk, .failure(damage), others).contains("the log begins at slot"))
    }
}
