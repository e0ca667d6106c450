// A share group's state of one partition (KIP-932): free records, acquired records with their consumer and deadline, finished records.
// It lives at the partition's leader and sees offsets only, never records. Event and `now` in, ranges out; each change is stored before
// it is acknowledged. Offsets form runs of equal state, so that memory grows with the consumers' activity and not with the number of
// records.
import Base

/// Limits of one share partition; Kafka's names begin with `group.share.`.
package struct SharePartitionLimits: Sendable, Equatable {
    /// How long a consumer keeps an acquired record.
    package var lockDuration: Duration = .seconds(30)
    /// Deliveries of a record; after the last one it is archived.
    package var deliveriesMax: Int16 = 5
    /// Limit of records from the first unfinished one to the end of the acquired ones.
    package var recordsMax: Int64 = 2000
    package init() {}
}

/// A consumer's verdict on a record. The numbers are those of the wire.
package enum ShareAcknowledgement: Int8, Sendable, CaseIterable {
    /// There is no record at this offset.
    case gap = 0
    case accept = 1
    /// The record is free again.
    case release = 2
    /// No consumer gets it again.
    case reject = 3
    /// Still being processed; the lock restarts.
    case renew = 4
}

/// Consecutive offsets of one acknowledgement.
package struct ShareAcknowledgementRange: Sendable, Equatable {
    package var first: Int64
    package var last: Int64
    /// One for all, or one for each offset.
    package var kinds: [ShareAcknowledgement]

    package init(first: Int64, last: Int64, kinds: [ShareAcknowledgement]) {
        self.first = first
        self.last = last
        self.kinds = kinds
    }
}

/// Why acknowledgements are refused. The whole request has no effect then.
package enum ShareRefusal: Error, Sendable, Equatable {
    /// Ranges are out of order, overlap, or differ in their numbers of kinds and offsets.
    case malformed
    /// The records do not belong to this consumer: its lock has ended, or it never had them.
    case notAcquired
}

/// The offsets of a record batch in the log.
package struct ShareBatch: Sendable, Equatable {
    package var first: Int64
    package var last: Int64
    /// Without records for consumers: transaction markers, and aborted records for readers of committed ones.
    package var isSkipped: Bool

    package init(first: Int64, last: Int64, isSkipped: Bool = false) {
        self.first = first
        self.last = last
        self.isSkipped = isSkipped
    }
}

/// Consecutive records that a consumer has acquired.
package struct AcquiredRecords: Sendable, Equatable {
    package var first: Int64
    package var last: Int64
    /// The number of this delivery, from 1.
    package var delivery: Int16

    package init(first: Int64, last: Int64, delivery: Int16) {
        self.first = first
        self.last = last
        self.delivery = delivery
    }
}

/// The state of a record. The numbers are durable.
package enum ShareRecordState: Int8, Sendable {
    case available = 0
    case acquired = 1
    case acknowledged = 2
    /// Rejected, delivered too often, or no record.
    case archived = 4

    var isDone: Bool { self == .acknowledged || self == .archived }
}

/// One share partition at its leader.
package struct SharePartition: Sendable {
    /// Consecutive offsets with the same state.
    struct Run: Sendable, Equatable {
        var first: Int64
        var last: Int64
        var state: ShareRecordState
        var deliveries: Int16 = 0
        var member: MemberID?
        var deadline: Instant?

        func isLike(_ other: Run) -> Bool {
            state == other.state && deliveries == other.deliveries && member == other.member && deadline == other.deadline
        }
    }

    package var limits: SharePartitionLimits
    /// Everything below is finished.
    package private(set) var start: Int64
    /// No consumer has acquired records from here on.
    package private(set) var end: Int64
    /// From `start` to `end` without holes, in order; neighbours differ.
    private(set) var runs: [Run] = []
    /// Whether changes are to be stored.
    package private(set) var hasChanged = false

    /// A partition that the group starts reading at `start`.
    package init(start: Int64, limits: SharePartitionLimits) {
        self.limits = limits
        self.start = start
        end = start
        hasChanged = true
    }

    /// A stored partition; locks are over. Records outside the log are forgotten.
    package init(_ stored: StoredShare, limits: SharePartitionLimits, logStart: Int64, logEnd: Int64) {
        self.limits = limits
        start = stored.start
        end = stored.start
        for piece in stored.runs {
            // The stored state may be damaged: no offset is beyond the last possible one.
            guard end < Int64.max - piece.count else { break }
            append(Run(first: end, last: end + piece.count - 1, state: piece.state, deliveries: piece.deliveries))
        }
        if end > logEnd { cut(at: logEnd) }
        begin(at: logStart)
    }

    // MARK: runs

    private mutating func append(_ run: Run) {
        end = run.last + 1
        if let last = runs.last, last.isLike(run) { runs[runs.count - 1].last = run.last } else { runs.append(run) }
    }

    /// The first run that ends at or after `offset`.
    private func place(of offset: Int64) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].last < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Splits the run around `offset`, so that a run begins there.
    private mutating func split(at offset: Int64) {
        let place = place(of: offset)
        guard place < runs.count, runs[place].first < offset else { return }
        var rest = runs[place]
        rest.first = offset
        runs[place].last = offset - 1
        runs.insert(rest, at: place + 1)
    }

    /// Changes the state of a range.
    private mutating func change(_ first: Int64, _ last: Int64, _ body: (inout Run) -> Void) {
        guard first <= last else { return }
        split(at: first)
        split(at: last + 1)
        let from = place(of: first)
        var to = from
        while to < runs.count, runs[to].first <= last {
            body(&runs[to])
            to += 1
        }
        join(max(0, from - 1), min(runs.count, to + 1))
    }

    /// Joins equal neighbours between two places.
    private mutating func join(_ from: Int, _ to: Int) {
        guard to - from > 1 else { return }
        var joined: [Run] = []
        for run in runs[from..<to] {
            if let last = joined.last, last.isLike(run) { joined[joined.count - 1].last = run.last } else { joined.append(run) }
        }
        if joined.count < to - from { runs.replaceSubrange(from..<to, with: joined) }
    }

    /// Skips finished runs.
    private mutating func advance() {
        var done = 0
        while done < runs.count, runs[done].state.isDone {
            start = runs[done].last + 1
            done += 1
        }
        if done > 0 {
            runs.removeFirst(done)
            hasChanged = true
        }
    }

    private mutating func cut(at offset: Int64) {
        split(at: offset)
        runs.removeSubrange(place(of: offset)...)
        end = max(start, min(end, offset))
        if start > offset {
            start = offset
            end = offset
            runs = []
        }
        hasChanged = true
    }

    /// The log begins at `offset`: drops everything below.
    package mutating func begin(at offset: Int64) {
        guard offset > start else { return advance() }
        split(at: offset)
        runs.removeSubrange(..<place(of: offset))
        start = offset
        end = max(end, offset)
        hasChanged = true
        advance()
    }

    // MARK: reading

    /// A consumer's next offset; nil if there is none below `visible`, or if the limit of acquired records is reached.
    package func nextOffset(below visible: Int64) -> Int64? {
        if let free = runs.first(where: { $0.state == .available })?.first { return free < visible ? free : nil }
        return end < visible && end - start < limits.recordsMax ? end : nil
    }

    /// Gives a consumer the free records of batches that were read, beginning at `from`.
    ///
    /// About `recordsMax` records: the batch that fills them is still taken whole, unless `isExact`.
    package mutating func acquire(
        _ member: MemberID, _ batches: [ShareBatch], from: Int64, recordsMax: Int64, isExact: Bool, now: Instant
    ) -> [AcquiredRecords] {
        var acquired: [AcquiredRecords] = []
        var room = recordsMax
        var cursor = max(from, start)
        for batch in batches where batch.last >= cursor {
            guard room > 0 else { break }
            // Offsets between batches were compacted away.
            if batch.first > cursor { skip(cursor, batch.first - 1) }
            cursor = max(cursor, batch.first)
            guard !batch.isSkipped else {
                skip(cursor, batch.last)
                cursor = batch.last + 1
                continue
            }
            let last = min(batch.last, start + limits.recordsMax - 1)
            let taken = take(member, cursor, max(last, min(batch.last, end - 1)), room: isExact ? room : .max, now: now)
            for one in taken { Self.add(one, to: &acquired) }
            room -= taken.reduce(0) { $0 + $1.last - $1.first + 1 }
            cursor = batch.last + 1
        }
        advance()
        return acquired
    }

    private static func add(_ one: AcquiredRecords, to list: inout [AcquiredRecords]) {
        if let last = list.last, last.last + 1 == one.first, last.delivery == one.delivery {
            list[list.count - 1].last = one.last
        } else {
            list.append(one)
        }
    }

    /// Archives offsets without records for consumers.
    private mutating func skip(_ first: Int64, _ last: Int64) {
        change(first, min(last, end - 1)) { if $0.state == .available { $0.state = .archived } }
        let fresh = max(first, end)
        if fresh == end, fresh <= last { append(Run(first: fresh, last: last, state: .archived)) }
        hasChanged = true
        advance()
    }

    private mutating func take(_ member: MemberID, _ first: Int64, _ last: Int64, room: Int64, now: Instant) -> [AcquiredRecords] {
        var free: [(first: Int64, last: Int64)] = []
        var left = room
        var place = place(of: first)
        while place < runs.count, runs[place].first <= last, left > 0 {
            if runs[place].state == .available {
                let begin = max(first, runs[place].first)
                let until = min(last, runs[place].last, begin &+ left &- 1 < begin ? .max : begin &+ left &- 1)
                free.append((begin, until))
                left -= until - begin + 1
            }
            place += 1
        }
        let deadline = now + limits.lockDuration
        if left > 0, max(first, end) == end, end <= last {
            let until = min(last, left > last - end ? last : end + left - 1)
            let begin = end
            append(Run(first: begin, last: until, state: .available))
            free.append((begin, until))
        }
        var taken: [AcquiredRecords] = []
        for (first, last) in free {
            change(first, last) { run in
                run.state = .acquired
                run.deliveries += 1
                run.member = member
                run.deadline = deadline
                taken.append(AcquiredRecords(first: run.first, last: run.last, delivery: run.deliveries))
            }
        }
        return taken
    }

    // MARK: acknowledgements

    /// Takes a consumer's acknowledgements of its records: all of them, or none.
    package mutating func acknowledge(_ member: MemberID, _ ranges: [ShareAcknowledgementRange], now: Instant) throws(ShareRefusal) {
        var previous = Int64.min
        for range in ranges {
            guard range.first >= 0, range.first > previous, range.first <= range.last, !range.kinds.isEmpty,
                range.kinds.count == 1 || Int64(range.kinds.count - 1) == range.last - range.first
            else { throw .malformed }
            previous = range.last
            // Records below the log's beginning belong to no consumer any more.
            guard range.last >= start else { continue }
            guard isAcquired(max(range.first, start), range.last, by: member) else { throw .notAcquired }
        }
        for range in ranges where range.last >= start {
            let first = max(range.first, start)
            guard range.kinds.count > 1 else {
                settle(first, range.last, range.kinds[0], now: now)
                continue
            }
            var begin = first
            while begin <= range.last {
                let kind = range.kinds[Int(begin - range.first)]
                var until = begin
                while until < range.last, range.kinds[Int(until + 1 - range.first)] == kind { until += 1 }
                settle(begin, until, kind, now: now)
                begin = until + 1
            }
        }
        advance()
    }

    private func isAcquired(_ first: Int64, _ last: Int64, by member: MemberID) -> Bool {
        guard last < end else { return false }
        return runs[place(of: first)...].prefix { $0.first <= last }.allSatisfy { $0.state == .acquired && $0.member == member }
    }

    private mutating func settle(_ first: Int64, _ last: Int64, _ kind: ShareAcknowledgement, now: Instant) {
        let limits = limits
        guard kind != .renew else { return change(first, last) { $0.deadline = now + limits.lockDuration } }
        change(first, last) { run in
            run.member = nil
            run.deadline = nil
            switch kind {
            case .accept: run.state = .acknowledged
            case .gap, .reject: run.state = .archived
            case .release, .renew: run.state = run.deliveries >= limits.deliveriesMax ? .archived : .available
            }
        }
        hasChanged = true
    }

    /// A consumer has gone: its records are free again.
    package mutating func release(_ member: MemberID) { giveBack { $0.member == member } }

    /// Ends locks whose time is over.
    package mutating func expire(now: Instant) { giveBack { $0.deadline.map { $0 <= now } ?? false } }

    private mutating func giveBack(_ isOver: (Run) -> Bool) {
        let over = runs.filter { $0.state == .acquired && isOver($0) }
        for run in over { settle(run.first, run.last, .release, now: .zero) }
        if !over.isEmpty { advance() }
    }

    /// When the next lock ends; nil if there is none.
    package var nextDeadline: Instant? { runs.lazy.compactMap(\.deadline).min() }

    // MARK: storage

    /// The state to store now. Acquired records are stored as free, with this delivery counted: the next leader knows no locks.
    package mutating func takeChange() -> StoredShare {
        hasChanged = false
        var stored = StoredShare(start: start)
        for run in runs {
            let state = run.state == .acquired ? (run.deliveries >= limits.deliveriesMax ? .archived : .available) : run.state
            stored.append(count: run.last - run.first + 1, state: state, deliveries: run.deliveries)
        }
        return stored
    }
}
