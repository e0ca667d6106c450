// What the laws of share groups know of one partition: which records there are, who was given which, what became of them and what was
// promised. Taken down from what leaders do, as consumers would see it; nothing here tells a leader anything.
import Base
import BrokerCore

struct SharedRecords {
    private let seed: UInt64
    private let partition: Int32
    private(set) var batches: [ShareBatch] = []
    /// The log begins here; what lay below was deleted.
    private(set) var logStart: Int64 = 0
    /// Where the group began to read, at the lowest.
    private var origin: Int64?
    /// How often an administrator set the group back.
    private(set) var resets = 0
    /// Records whose end a leader has confirmed: they must not come again.
    private var confirmed: Set<Int64> = []
    /// Records that a consumer has accepted or rejected, whether or not that was stored.
    private var concluded: Set<Int64> = []
    private var deliveries: [Int64: Int] = [:]

    init(seed: UInt64, partition: Int32) {
        self.seed = seed
        self.partition = partition
    }

    var end: Int64 { end(of: batches.count) }
    /// The end of the first batches.
    func end(of count: Int) -> Int64 { count == 0 ? 0 : batches[count - 1].last + 1 }

    private func broken(_ text: String) -> LawBroken { LawBroken(seed, "partition \(partition): \(text)") }

    // MARK: the log

    /// Records are appended; now and then there are none where some were compacted away, or only such as are nothing for consumers.
    mutating func append(_ random: inout Prng) {
        let first = end + (random.chance(1, in: 8) ? Int64(1 + random.below(3)) : 0)
        batches.append(ShareBatch(first: first, last: first + Int64(random.below(5)), isSkipped: random.chance(1, in: 8)))
    }

    /// The log loses its first batches.
    mutating func shorten(_ random: inout Prng) {
        let gone = end(of: random.below(batches.count + 1))
        logStart = max(logStart, min(gone, logStart + 10))
    }

    /// Batches from the one that holds `offset`, or follows it, up to a count of batches from the log's beginning.
    func read(from offset: Int64, upTo count: Int, batchesMax: Int) -> [ShareBatch] {
        Array(batches.prefix(count).drop { $0.last < offset }.prefix(batchesMax))
    }

    // MARK: what leaders do

    /// A consumer is given records; `isLeader` if nobody else leads by then.
    mutating func given(_ acquired: [AcquiredRecords], limit: Int16, isLeader: Bool) throws {
        for one in acquired {
            guard one.delivery >= 1, one.delivery <= limit else { throw broken("\(one) is a delivery beyond the limit") }
            for offset in one.first...one.last {
                guard let batch = batches.last(where: { $0.first <= offset }), offset <= batch.last, !batch.isSkipped else {
                    throw broken("\(offset) is no record for consumers")
                }
                if isLeader, confirmed.contains(offset) { throw broken("record \(offset) is given out again after its end was confirmed") }
                deliveries[offset, default: 0] += 1
            }
        }
    }

    /// A leader took what a consumer says.
    mutating func took(_ range: ShareAcknowledgementRange) {
        if Self.ends(range) { concluded.formUnion(range.first...range.last) }
    }

    /// A leader confirmed it; it knew of so many resets by then.
    mutating func confirmed(_ range: ShareAcknowledgementRange, knowing known: Int) {
        if Self.ends(range), known == resets { confirmed.formUnion(range.first...range.last) }
    }

    private static func ends(_ range: ShareAcknowledgementRange) -> Bool { range.kinds == [.accept] || range.kinds == [.reject] }

    // MARK: what is stored

    /// A leader's write was stored in the place of another one, or as the first.
    mutating func stored(_ record: ShareRecord, over earlier: ShareRecord?, leaderEpoch: Int32) throws {
        guard record.leaderEpoch == leaderEpoch else { throw broken("a leader of term \(record.leaderEpoch) wrote in term \(leaderEpoch)") }
        if let earlier, record.share.start < earlier.share.start {
            throw broken("the start went from \(earlier.share.start) back to \(record.share.start)")
        }
        if origin == nil { origin = record.share.start }
    }

    mutating func reset(to start: Int64) {
        resets += 1
        origin = min(origin ?? start, start)
        confirmed = []
    }

    /// Nothing was passed over: each record came to its end by a consumer, or as often as it may, or was deleted.
    func checkEnd(limit: Int16) throws {
        for batch in batches where !batch.isSkipped {
            for offset in batch.first...batch.last where offset >= max(origin ?? 0, logStart) && !concluded.contains(offset) {
                let count = deliveries[offset] ?? 0
                guard count >= Int(limit) else {
                    throw broken("record \(offset) was done with after \(count) deliveries, and nobody has acknowledged it")
                }
            }
        }
    }
}
