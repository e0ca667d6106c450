// Finds nodes by the hash of their path. Buckets are split one at a time as nodes come (linear hashing), so that no insertion waits for the
// rebuilding of a table. The chains run through the nodes themselves. Hashes differ in every process; nothing depends on their order.

/// Buckets of node numbers.
struct PathIndex: Sendable {
    static let none = UInt32.max
    private var heads = ChunkedArray<UInt32>()
    /// Buckets that one more bit of the hash has not split yet begin at `split`; there are `1 << bits` in a round.
    private var bits: UInt32 = 0
    private var split = 0
    private(set) var count = 0

    init() { heads.append(Self.none) }

    private func bucket(_ hash: UInt32) -> Int {
        let low = Int(hash & ((1 << bits) - 1))
        return low < split ? Int(hash & ((1 << (bits + 1)) - 1)) : low
    }

    /// The first node of the chain in which a hash would be.
    func first(_ hash: UInt32) -> UInt32 { heads[bucket(hash)] }

    /// Splits buckets ahead of the nodes that they are for: cheap as long as there are few to move.
    mutating func reserve(_ count: Int, _ nodes: inout NumberedSlots<NodeRecord>) { while heads.count < count { grow(&nodes) } }

    mutating func insert(_ number: UInt32, _ nodes: inout NumberedSlots<NodeRecord>) {
        let place = bucket(nodes[number].hash)
        nodes[number].nextInBucket = heads[place]
        heads[place] = number
        count += 1
        if count > heads.count { grow(&nodes) }
    }

    private mutating func grow(_ nodes: inout NumberedSlots<NodeRecord>) {
        var rest = heads[split]
        heads[split] = Self.none
        heads.append(Self.none)
        let mask = UInt32((1 << (bits + 1)) - 1)
        while rest != Self.none {
            let next = nodes[rest].nextInBucket
            let place = Int(nodes[rest].hash & mask)
            nodes[rest].nextInBucket = heads[place]
            heads[place] = rest
            rest = next
        }
        split += 1
        if split == 1 << bits {
            bits += 1
            split = 0
        }
    }

    mutating func remove(_ number: UInt32, _ nodes: inout NumberedSlots<NodeRecord>) {
        let place = bucket(nodes[number].hash)
        count -= 1
        if heads[place] == number {
            heads[place] = nodes[number].nextInBucket
            return
        }
        var before = heads[place]
        while nodes[before].nextInBucket != number { before = nodes[before].nextInBucket }
        nodes[before].nextInBucket = nodes[number].nextInBucket
    }
}
