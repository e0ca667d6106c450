// The laws' view of one share partition: the records, their consumers, their ends and the confirmed ends. Recorded from the leaders'
// actions, as consumers would see them; leaders never read it.
import Base
import BrokerCore

struct SharedRecords {
    private let seed: UInt64
    private let partition: Int32
    private(set) var batches: [ShareBatch] = []
    /// The log's beginning; records below were deleted.
    private(set) var logStart: Int64 = 0
    /// The lowest offset at which the group began to read.
    private var origin: Int64?
    /// Resets by an administrator.
    private(set) var resets = 0
    /// Records with an end confirmed by a leader: they must not come again.
    private var confirmed: Set<Int64> = []
    /// Records that a consumer has accepted or rejected, stored or not.
    private var concluded: Set<Int64> = []
    private var deliveries: [Int64: Int] = [:]

    init(seed: UInt64, partition: Int32) {
        self.seed = seed
        self.partition = partition
    }

    var end: Int64 { end(of: batches.count) }
    /// The end of the first `count` batches.
    func end(of count: Int) -> Int64 { count == 0 ? 0 : batches[count - 1].last + 1 }

    private func broken(_ text: String) -> LawBroken { LawBroken(seed, "partition \(partition): \(text)") }

    // MARK: the log

    /// Appends records; now and then with a gap, as after compaction, or with batches that have no records for consumers.
    mutating func append(_ random: inout Prng) {
        let first = end + (random.chance(1, in: 8) ? Int64(1 + random.below(3)) : 0)
        batches.append(ShareBatch(first: first, last: first + Int64(random.below(5)), isSkipped: random.chance(1, in: 8)))
    }

    /// Deletes the log's first batches.
    mutating func shorten(_ random: inout Prng) {
        let gone = end(of: random.below(batches.count + 1))
        logStart = max(logStart, min(gone, logStart + 10))
    }

    /// Batches from the one at or after `offset`, up to a count of batches from the log's beginning.
    func read(from offset: Int64, upTo count: Int, batchesMax: Int) -> [ShareBatch] {
        Array(batches.prefix(count).drop { $0.last < offset }.prefix(batchesMax))
    }

    // MARK: leaders' actions

    /// A consumer gets records; `isLeader` if no other broker leads by then.
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

    /// A leader took a consumer's acknowledgement.
    mutating func took(_ range: ShareAcknowledgementRange) {
        if Self.ends(range) { concluded.formUnion(range.first...range.last) }
    }

    /// A leader confirmed an acknowledgement; `known` is the number of resets that it knew by then.
    mutating func confirmed(_ range: ShareAcknowledgementRange, knowing known: Int) {
        if Self.ends(range), known == resets { confirmed.formUnion(range.first...range.last) }
    }

    private static func ends(_ range: ShareAcknowledgementRange) -> Bool { range.kinds == [.accept] || range.kinds == [.reject] }

    // MARK: storage

    /// A leader's write was stored, over an earlier one or as the first.
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

    /// Checks that no record was skipped: each was finished by a consumer, delivered to the limit, or deleted.
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
