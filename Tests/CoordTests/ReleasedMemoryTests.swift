// A tree that was large once gives its memory back part by part, and what is in the rest stays what it was.
import Base
import Testing

@testable import CoordCore

@Suite struct ReleasedMemoryTests {
    @Test func numbersThatNobodyUsesLoseTheirChunks() {
        var slots = NumberedSlots<Int>()
        let numbers = (0..<50_000).map { slots.add($0) }
        #expect(slots.heldChunks == 13)
        // One of each thousand in the first half stays, and nothing of the second.
        let kept = Set(stride(from: 0, to: 25_000, by: 1000))
        for value in 0..<50_000 where !kept.contains(value) { slots.remove(numbers[value]) }
        #expect(slots.heldChunks <= 7 + 4 && slots.heldChunks >= 7)
        #expect(kept.allSatisfy { slots[numbers[$0]] == $0 })
        var again = Set(kept.map { numbers[$0] })
        for value in 0..<60_000 {
            let number = slots.add(-value)
            #expect(again.insert(number).inserted && slots[number] == -value)
        }
        #expect(slots.heldChunks == 15 && kept.allSatisfy { slots[numbers[$0]] == $0 })
    }

    @Test func blocksThatNobodyUsesLoseTheirSlabs() {
        var store = PayloadStore()
        var random = Prng(seed: 7)
        func bytes(_ seed: Int) -> Bytes { Bytes(repeating: UInt8(truncatingIfNeeded: seed), count: 40 + seed % 300) }
        func add(_ seed: Int) -> Payload { Array("n\(seed)".utf8).withUnsafeBufferPointer { store.add(name: $0, data: bytes(seed)) } }
        func isWhole(_ seed: Int, _ payload: Payload) -> Bool {
            store.data(payload) == bytes(seed) && String(decoding: store.name(payload), as: UTF8.self) == "n\(seed)"
        }
        var held: [(seed: Int, payload: Payload)] = []
        for round in 0..<4 {
            for seed in 0..<20_000 { held.append((seed, add(seed))) }
            let peak = store.heldSlabs
            #expect(peak >= 14)
            // The older half goes first in every second round; in the others whoever is drawn.
            while held.count > 100 {
                let place = round.isMultiple(of: 2) ? held.count - 1 : random.below(held.count)
                store.remove(held[place].payload)
                held[place] = held[held.count - 1]
                held.removeLast()
            }
            #expect(held.allSatisfy { isWhole($0.seed, $0.payload) })
            // Later those that stayed lie all over.
            if round == 0 { #expect(store.heldSlabs <= 8, "of \(peak)") }
        }
        for one in held { store.remove(one.payload) }
        #expect(store.heldSlabs <= 4)
    }

    @Test func aTreeThatWasLargeOnceStaysRight() {
        var tree = ZnodeTree()
        var stat = ZnodeStat()
        stat.czxid = 5
        func node(_ number: Int) -> Znode { Znode(data: Bytes(string: "data \(number)"), acl: [.open], stat: stat) }
        for number in 0..<30_000 { tree.put("/n\(number)", node(number)) }
        for number in 0..<30_000 where number % 5000 != 0 { tree.erase("/n\(number)") }
        var rows = RowChanges()
        tree.takeChanges(&rows)
        #expect(tree.children(of: "/")?.count == 6 + 1)
        for number in stride(from: 0, to: 30_000, by: 5000) { #expect(tree.node("/n\(number)")?.data?.text == "data \(number)") }
        for number in 30_000..<50_000 { tree.put("/n\(number)", node(number)) }
        #expect((30_000..<50_000).allSatisfy { tree.node("/n\($0)")?.data?.text == "data \($0)" } && tree.count == 20_006 + 4)
    }
}
