// Members as ZooKeeper writes them: what is read, what is refused, and that `/zookeeper/config` tells them with the events that watches
// wait for.
import Base
import Testing

@testable import CoordCore

@Suite struct MemberTextTests {
    private func members(_ text: String) throws -> [Member] { try MemberText.members(text) }

    @Test func aServerIsWrittenAsItWasRead() throws {
        let lines = ["server.5=125.23.63.23:1234:1235:participant;125.23.63.24:1236", "server.6=[::1]:1:2:observer;0.0.0.0:3"]
        let roster = Roster(version: 26, members: try members(lines.joined(separator: ",")))
        #expect(MemberText.config(roster) == lines.joined(separator: "\n") + "\nversion=1a")
        #expect(roster.voters == [NodeID(5)])
    }

    @Test func roleAndClientAddressHaveDefaults() throws {
        let roster = Roster(members: try members("server.1=a:1:2;3\nserver.2=b:1:2:OBSERVER;3\nversion=5"))
        #expect(MemberText.config(roster) == "server.1=a:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:observer;0.0.0.0:3\nversion=0")
    }

    @Test(arguments: [
        "some thing", "server.1=a:1:2;3,server.1=b:1:2;3", "server.1=a:1:2;3,server.2=a:1:9;9", "server.x=a:1:2;3", "server.1=a:1;3",
        "server.1=a:1:99999;3",
        "server.1=a:1:2;x", "server.1=:1:2;3", "server.0=a:1:2;3", "1=a:1:2;3", "server.1=a:1:2;3;4",
    ])
    func whatNamesNoServerIsRefused(_ text: String) { #expect(throws: MemberText.Unreadable.self) { try members(text) } }

    @Test func serversJoinLeaveAndChange() throws {
        let present = try members("server.1=a:1:2;3,server.2=b:1:2;3")
        let next = try MemberText.members(present, joining: "server.2=b:7:8:observer;9,server.3=c:1:2;3", leaving: "1")
        #expect(
            MemberText.config(Roster(members: next)) == "server.2=b:7:8:observer;0.0.0.0:9\nserver.3=c:1:2:participant;0.0.0.0:3\nversion=0"
        )
        #expect(throws: MemberText.Unreadable.self) { try MemberText.members(present, joining: "server.3=c:1:2", leaving: nil) }
        #expect(throws: MemberText.Unreadable.self) { try MemberText.members(present, joining: nil, leaving: "one") }
    }

    @Test func theConfigurationNodeTellsTheMembers() throws {
        var machine = CoordMachine()
        var rows = RowChanges()
        let roster = Roster(members: try members("server.1=a:1:2;3"))
        let outcome = machine.noteMembers(roster, at: ApplyPosition(slot: Slot(7), time: WallTime(milliseconds: 9)), rows: &rows)
        #expect(outcome?.events.map(\.path) == ["/zookeeper/config"] && outcome?.zxid == 7)
        let node = machine.tree.node("/zookeeper/config")
        #expect(node?.data?.text == MemberText.config(roster) && node?.stat.mzxid == 7)
        machine.completeRows(&rows)
        machine.completeRows(&rows)
        #expect(rows.changes.count == 1)
    }
}
