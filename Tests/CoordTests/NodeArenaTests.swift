// The tree in memory against the plainest tree there could be: a dictionary of paths. Random lives, every node compared at the end.
import Base
import CoordCore
import Testing

@testable import CoordCore

@Suite struct NodeArenaTests {
    /// What a node should be.
    private struct Expected: Equatable {
        var data: Bytes?
        var acl: [AccessRight]
        var stat: ZnodeStat
    }

    private func randomNode(_ random: inout Prng) -> Znode {
        var stat = ZnodeStat()
        (stat.czxid, stat.ctime) = (Int64(random.below(1000)), Int64(random.below(1000)))
        (stat.mzxid, stat.pzxid, stat.mtime) = (stat.czxid, stat.czxid, stat.ctime)
        if random.chance(1, in: 3) { (stat.version, stat.mzxid, stat.childrenCreated) = (3, stat.czxid + 1, 2) }
        let sizes = [0, 1, 15, 16, 17, 100, 1000, 2040, 2048, 2049, 5000]
        let data = random.chance(1, in: 6) ? nil : Bytes(repeating: UInt8(random.below(256)), count: sizes[random.below(sizes.count)])
        let acl = random.chance(1, in: 2) ? [AccessRight.open] : [AccessRight(.read, scheme: "digest", id: "user\(random.below(5)):x")]
        return Znode(data: data, acl: acl, stat: stat)
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func aRandomLifeEndsInTheTreeThatItShould(seed: UInt64) {
        var random = Prng(seed: seed)
        var tree = ZnodeTree()
        var model: [String: Expected] = [:]
        var paths: [String] = []
        func isLeaf(_ path: String) -> Bool { !paths.contains { $0.hasPrefix(path + "/") } }
        for step in 0..<1500 {
            if random.below(10) < 6 || paths.isEmpty {
                let parent = paths.isEmpty || random.chance(1, in: 3) ? "" : paths[random.below(paths.count)]
                let long = random.chance(1, in: 20) ? String(repeating: "n", count: 3000) : ""
                let path = parent + "/\(step)\(long)"
                guard parent.count < 20_000 else { continue }
                let node = randomNode(&random)
                tree.put(path, node)
                model[path] = Expected(data: node.data, acl: node.acl, stat: node.stat)
                paths.append(path)
            } else {
                let place = random.below(paths.count)
                let path = paths[place]
                if random.chance(1, in: 2), isLeaf(path) {
                    tree.erase(path)
                    model[path] = nil
                    paths.remove(at: place)
                } else {
                    let node = randomNode(&random)
                    tree.put(path, node)
                    model[path] = Expected(data: node.data, acl: node.acl, stat: node.stat)
                }
            }
        }
        #expect(tree.count == model.count + 4)
        #expect(tree.dataBytes == model.values.reduce(0) { $0 + ($1.data?.readableBytes ?? 0) })
        for (path, expected) in model {
            let node = tree.node(path)
            #expect(node.map { Expected(data: $0.data, acl: $0.acl, stat: $0.stat) } == expected, "\(path.prefix(40))")
            let children = paths.filter { $0.hasPrefix(path + "/") && !$0.dropFirst(path.count + 1).contains("/") }.map {
                String($0.dropFirst(path.count + 1))
            }
            #expect(tree.children(of: path) == children.sorted() && node?.childCount == children.count)
        }
        #expect(tree.node("/none") == nil && tree.node("") == nil && tree.node("//") == nil && tree.node("nothing") == nil)
    }

    @Test func pathsThatOnlyLookAlikeAreTwoNodes() {
        var bench = Bench()
        let (one, other) = ("/\u{e9}", "/e\u{301}")
        #expect(one == other, "to Swift they are equal")
        #expect(refusal(bench.write(Bench.create(one), Bench.create(other))) == nil)
        #expect(bench.machine.tree.children(of: "/")?.count == 3)
        #expect(
            bench.rows.changes.filter { if case .upsert("znodes", let row) = $0, row[0].text == one { true } else { false } }.count == 2)
        _ = bench.write(.delete(path: one, version: -1))
        #expect(bench.machine.tree.node(one) == nil && bench.machine.tree.node(other) != nil)
    }

    @Test func manyChildrenComeUnsorted() {
        var bench = Bench()
        _ = bench.write(Bench.create("/many"))
        let names = (0...ZnodeTree.sortedNamesMax).map { "n\($0)" }
        for name in names { _ = bench.write(Bench.create("/many/" + name)) }
        #expect(Set(bench.machine.tree.children(of: "/many") ?? []) == Set(names))
    }
}
