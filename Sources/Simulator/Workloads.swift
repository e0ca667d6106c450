// Random commands for each service, over few names so that they meet.
import Base
import BrokerCore
import CoordCore
import DFSCore

package enum Workloads {
    package static func coord(_ random: inout Prng) -> CoordCommand {
        let session = SessionID(Int64(1 + random.below(3)))
        switch random.below(12) {
        case 0: return .openSession(session, timeoutMilliseconds: 4000, password: Bytes(repeating: 7, count: 16))
        case 1: return .closeSession(session)
        case 2: return .write(session, identities: [], operations: (0...random.below(3)).map { _ in operation(&random) })
        case 3:
            let identities: [Identity]? =
                random.chance(1, in: 2) ? [Identity(scheme: "sasl", id: ["ann", "a\nb", "e\u{301}"][random.below(3)])] : nil
            return .writeAs(session, withinQuota: random.chance(1, in: 2), identities: identities, operations: [operation(&random)])
        default: return .write(session, identities: [], operations: [operation(&random)])
        }
    }

    private static func operation(_ random: inout Prng) -> CoordOperation {
        let path = ["/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/1"][random.below(6)]
        let data = random.chance(1, in: 5) ? nil : Bytes(repeating: UInt8(random.below(256)), count: random.below(30))
        switch random.below(8) {
        case 0: return .delete(path: path, version: random.chance(3, in: 4) ? -1 : 0)
        case 1: return .setData(path: path, data: data, version: random.chance(3, in: 4) ? -1 : 1)
        case 2:
            return .setACL(
                path: path, acl: random.chance(1, in: 2) ? [.open] : [AccessRight(.all, scheme: "auth", id: ""), .open], version: -1)
        case 3: return .check(path: path, version: 0)
        default:
            return .create(path: path, data: data, acl: [.open], ephemeral: random.chance(1, in: 3), sequential: random.chance(1, in: 4))
        }
    }

    package static func broker(_ random: inout Prng) -> BrokerCommand {
        let names = ["a", "b", "c.d", "bad name"]
        let name = names[random.below(names.count)]
        let id = UUIDBytes(high: 7, low: UInt64(1 + random.below(6)))
        let group = GroupID(random.chance(1, in: 2) ? "g" : "h")
        switch random.below(12) {
        case 0: return .identify(clusterID: id)
        case 1, 2, 3:
            return .createTopic(TopicRecord(name: name, id: id, partitions: Int32(1 + random.below(4)), configs: configs(&random)))
        case 4: return .deleteTopic(name: name)
        case 5: return .growTopic(name: name, partitions: Int32(random.below(8)))
        case 6: return .forgetDropped(topicID: id)
        case 7: return .deleteGroup(group)
        case 8: return .reserveProducerIDs(count: Int64(1 + random.below(1000)))
        default:
            let entries = (0...random.below(3)).map { _ in
                OffsetEntry(
                    topic: names[random.below(3)], partition: Int32(random.below(4)), offset: Int64(random.below(1000)),
                    leaderEpoch: Int32(random.below(3)) - 1,
                    metadata: random.chance(1, in: 3) ? "note" : "")
            }
            return .commitOffsets(group: group, entries)
        }
    }

    private static func configs(_ random: inout Prng) -> [TopicConfigEntry] {
        random.chance(1, in: 2) ? [] : [TopicConfigEntry(name: "retention.ms", value: "\(random.below(10_000))")]
    }

    package static func dfs(_ random: inout Prng) -> DFSCommand {
        let caller = Caller(user: random.chance(1, in: 4) ? "ann" : "root", isSuper: random.chance(3, in: 4))
        let paths = ["/a", "/a/b", "/a/b/c", "/d", "/d/e", "/f"]
        let path = paths[random.below(paths.count)]
        let inode = InodeID(InodeID.root.rawValue + Int64(1 + random.below(12)))
        let writer = "writer-\(random.below(2))"
        if random.chance(1, in: 6) { return snapshots(&random, path, inode, caller) }
        if random.chance(1, in: 2) { return hdfs(&random, path, inode, writer, caller) }
        switch random.below(12) {
        case 0, 1: return .makeDirectories(path: path, permission: 0o755, caller)
        case 2, 3:
            var options = CreateOptions()
            options.overwrite = random.chance(1, in: 2)
            return .create(path: path, options, writer: writer, caller)
        case 4: return .openForAppend(path: path, writer: writer, caller)
        case 5, 6:
            return .finishBlock(
                inode, writer: writer, BlockID(Int64(1_073_741_825 + random.below(50))), lengthBytes: Int64(random.below(1000)),
                last: random.chance(1, in: 2))
        case 7: return .close(inode, writer: writer)
        case 8: return .rename(source: path, target: paths[random.below(paths.count)], caller)
        case 9: return .delete(path: path, recursive: random.chance(1, in: 2), caller)
        case 10:
            var change = AttributeChange()
            change.permission = Int16(random.below(512))
            return .setAttributes(path: path, change, caller)
        default: return random.chance(1, in: 10) ? .closeAbandoned : .makeDirectories(path: path, permission: 0o700, caller)
        }
    }

    private static func snapshots(_ random: inout Prng, _ path: String, _ inode: InodeID, _ caller: Caller) -> DFSCommand {
        let (directory, name) = (["/a", "/d", "/"][random.below(3)], ["s", "t", "u"][random.below(3)])
        switch random.below(9) {
        case 0: return .snapshot(.allow(path: directory, caller))
        case 1: return .snapshot(.disallow(path: directory, caller))
        case 2, 3, 4: return .snapshot(.create(path: directory, name: name, caller))
        case 5: return .snapshot(.delete(path: directory, name: name, caller))
        case 6: return .snapshot(.rename(path: directory, name: name, to: "u", caller))
        default: return .snapshot(.trim(after: random.chance(1, in: 2) ? InodeID(0) : inode, upTo: InodeID(.max)))
        }
    }

    /// Commands as HDFS clients cause them; some are repeated.
    private static func hdfs(_ random: inout Prng, _ path: String, _ inode: InodeID, _ holder: String, _ caller: Caller) -> DFSCommand {
        let block = Block(
            id: BlockID(Int64(1_073_741_825 + random.below(20))), generation: Generation(Int64(1001 + random.below(30))),
            lengthBytes: Int64(random.below(1000)), state: .underConstruction)
        let command: DFSCommand
        switch random.below(14) {
        case 0, 1:
            var options = CreateOptions()
            options.overwrite = random.chance(1, in: 2)
            command = .file(.create(path: path, options, createParents: random.chance(1, in: 2), holder: holder, caller))
        case 2, 3: command = .file(.addBlock(inode, holder: holder, previous: random.chance(1, in: 2) ? nil : block))
        case 4: command = .file(.complete(inode, holder: holder, last: random.chance(1, in: 2) ? nil : block))
        case 5: command = .file(.append(path: path, ownBlock: random.chance(1, in: 2), holder: holder, caller))
        case 6: command = .file(.beginRecovery(inode))
        case 7: command = .file(.endRecovery(block, drop: random.chance(1, in: 3)))
        case 8: command = .file(.truncate(path: path, lengthBytes: Int64(random.below(1500)), caller))
        case 9: command = .file(.takeGeneration(holder: holder, block.id))
        case 10:
            command = .name(
                .setAttribute(
                    path: path,
                    ExtendedAttribute(space: 0, name: "n\(random.below(3))", value: Bytes(repeating: 1, count: random.below(9))), flags: 3,
                    caller))
        case 11:
            command = .name(
                .changeACL(
                    path: path, random.chance(1, in: 2) ? .modify : .removeAll, [AccessEntry(.user, "ann", Int16(random.below(8)))], caller)
            )
        case 12: command = .name(.setQuota(path: path, names: Int64(1 + random.below(6)), spaceBytes: nil, caller))
        default: command = .file(.sync(inode, holder: holder, lastBlockBytes: Int64(random.below(1000))))
        }
        return random.chance(1, in: 3)
            ? .once(RetryID(client: Bytes(repeating: 5, count: 16), call: Int64(random.below(30))), command) : command
    }
}
