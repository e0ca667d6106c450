// A node without tables: its log begins behind slot 10. It votes for those who know as much, tells what it accepted, and leads only once it
// has tables.
import Base
import Testing

@testable import Consensus

private let low = Ballot(round: 1, node: NodeID(2))
private let members = [NodeID(1), NodeID(2), NodeID(3)]
private let start = Instant(nanoseconds: 1_000_000_000)

/// Node 1, which holds slots 11 to 15, and nothing that was executed.
private func node() -> PaxosNode {
    var acceptor = Acceptor()
    for slot in Int64(11)...15 {
        acceptor.recover(
            .accept(LogEntry(slot: Slot(slot), ballot: low, time: WallTime(milliseconds: slot), command: Bytes(string: "\(slot)"))))
    }
    return PaxosNode(.settled(NodeID(1), members), acceptor: acceptor, applied: acceptor.trimmedThrough, awaitsTables: true, now: start)
}

/// A time at which nothing is granted to anybody any more.
private let later = start + .seconds(5)

extension PaxosNode {
    /// What it answers to node 3 at once, or when its promise is durable.
    fileprivate mutating func answers(_ message: PaxosMessage) -> [PaxosMessage] {
        let effects = step(.received(Envelope(from: NodeID(3), to: NodeID(1), message)), now: later)
        var notice = DurableNotice()
        for case .promise(let ballot) in effects.append { notice.promised = ballot }
        let durable = notice.promised == nil ? PaxosEffects() : step(.durable(notice), now: later)
        return (effects.messages + durable.messages).map(\.message)
    }
}

@Suite struct AwaitingTablesTests {
    private let ballot = Ballot(round: 7, node: NodeID(3))

    @Test func itHelpsNobodyWhoKnowsLessThanWhatItsLogLacks() {
        var one = node()
        #expect(one.answers(.canvass(ballot, committed: Slot(9))) == [.canvassed(ballot, granted: false, promised: low)])
        #expect(one.answers(.prepare(ballot, committed: Slot(9))) == [.refuse(promised: low)])
    }

    @Test func itPromisesAndTellsWhatItAccepted() {
        var one = node()
        let told = one.answers(.prepare(ballot, committed: Slot(10)))
        guard case .promise(ballot, previous: Slot(10), let accepted, isLast: true)? = told.last else {
            return #expect(Bool(false), "\(told)")
        }
        #expect(accepted.map(\.command.text) == ["11", "12", "13", "14", "15"])
    }

    /// It cannot lead in the other's place, however far that one is behind.
    @Test func itHelpsACandidateThatLagsFar() {
        var acceptor = Acceptor()
        acceptor.recover(.installed(Slot(10)))
        for slot in Int64(11)...6000 { acceptor.recover(.accept(LogEntry(slot: Slot(slot), ballot: low, time: .zero, command: Bytes()))) }
        for awaits in [true, false] {
            var one = PaxosNode(
                .settled(NodeID(1), members), acceptor: acceptor, applied: Slot(awaits ? 10 : 6000), awaitsTables: awaits, now: start)
            if awaits {
                let entries = acceptor.suffix(from: Slot(11))
                _ = one.step(
                    .received(
                        Envelope(
                            from: NodeID(2), to: NodeID(1),
                            .accept(low, previous: Slot(10), entries: entries, committed: Slot(6000), probe: .zero))), now: start)
                var notice = DurableNotice()
                (notice.accepted, notice.through) = (low, Slot(6000))
                #expect(one.step(.durable(notice), now: start).committed.count == 5990)
            }
            #expect(one.answers(.canvass(ballot, committed: Slot(10))) == [.canvassed(ballot, granted: awaits, promised: low)])
        }
    }

    @Test func itLooksForNoVotesUntilItHasTables() {
        var one = node()
        var now = later
        func hears(_ seconds: Int64) -> [PaxosMessage] {
            (0..<seconds * 10).flatMap { _ in
                now = now + .milliseconds(100)
                return one.step(.tick, now: now).messages.map(\.message)
            }
        }
        func isVoteSought(_ messages: [PaxosMessage]) -> Bool {
            messages.contains { if case .canvass = $0 { true } else if case .prepare = $0 { true } else { false } }
        }
        let silent = hears(20)
        #expect(!silent.isEmpty && !isVoteSought(silent), "it tells who it is, and no more")
        #expect(one.step(.campaign, now: now) == PaxosEffects())
        _ = one.step(.installed(Slot(12), nil), now: now)
        #expect(!one.awaitsTables && one.committed == Slot(12))
        #expect(isVoteSought(hears(3)))
    }

    @Test func itGoesOnFromWhereItsLogHasLedMeanwhile() {
        var one = node()
        let entries = (Int64(11)...15).map { LogEntry(slot: Slot($0), ballot: ballot, time: .zero, command: Bytes(string: "\($0)")) }
        let accept = PaxosMessage.accept(ballot, previous: Slot(10), entries: entries, committed: Slot(15), probe: .zero)
        _ = one.step(.received(Envelope(from: NodeID(3), to: NodeID(1), accept)), now: later)
        var notice = DurableNotice()
        (notice.accepted, notice.through) = (ballot, Slot(15))
        #expect(one.step(.durable(notice), now: later).committed.map(\.slot.rawValue) == [11, 12, 13, 14, 15])
        let effects = one.step(.installed(Slot(12), nil), now: later)
        #expect(effects.append.isEmpty && one.committed == Slot(15), "tables from before take nothing back")
    }
}
