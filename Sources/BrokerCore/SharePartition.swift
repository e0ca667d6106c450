// What a share group knows of one partition (KIP-932): which records are free, who has acquired which and until when, what is done with. It lives at the
// partition's leader, sees offsets only and never records. Event and `now` in, ranges out; what an event has changed is stored before it is acknowledged.
// Offsets lie in runs of equal state, so that memory goes with what consumers did and not with the number of records.
import Base

/// Limits of one share partition; Kafka's names begin with `group.share.`.
package struct SharePartitionLimits: Sendable, Equatable {
    /// How long a record belongs to who acquired it.
    package var lockDuration: Duration = .seconds(30)
    /// Deliveries of a record; after the last one it is given up.
    package var deliveriesMax: Int16 = 5
    /// Records between the first that is not done with and the end of what was acquired.
    package var recordsMax: Int64 = 2000
    package init() {}
}

/// What a consumer says of a record. The numbers are those of the wire.
package enum ShareAcknowledgement: Int8, Sendable, CaseIterable {
    /// There is no record at this offset.
    case gap = 0
    case accept = 1
    /// Somebody may have it again.
    case release = 2
    /// Nobody shall have it again.
    case reject = 3
    /// Still at work on it; the lock begins anew.
    case renew = 4
}

/// Consecutive offsets that a consumer speaks of.
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

/// Why acknowledgements are refused. Nothing of what came with them is done then.
package enum ShareRefusal: Error, Sendable, Equatable {
    /// Ranges are out of order, overlap, or have another number of kinds than offsets.
    case malformed
    /// The records do not belong to this consumer: its lock has ended, or it never had them.
    case notAcquired
}

/// The offsets of a record batch as it lies in the log.
package struct ShareBatch: Sendable, Equatable {
    package var first: Int64
    package var last: Int64
    /// Nothing in it is for consumers: transaction markers, and aborted records where committed ones are read.
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
    /// Which delivery of these records it is, from 1.
    package var delivery: Int16

    package init(first: Int64, last: Int64, delivery: Int16) {
        self.first = first
        self.last = last
        self.delivery = delivery
    }
}

/// What is known of a record. The numbers are durable.
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
    /// Everything below is done with.
    package private(set) var start: Int64
    /// Nobody was given anything from here on.
    package private(set) var end: Int64
    /// From `start` to `end` without holes, in order; neighbours differ.
    private(set) var runs: [Run] = []
    /// Whether something is to be stored.
    package private(set) var hasChanged = false

    /// A partition that the group begins to read at `start`.
    package init(start: Int64, limits: SharePartitionLimits) {
        self.limits = limits
        self.start = start
        end = start
        hasChanged = true
    }

    /// A partition as it was stored; locks are over, and what the log does not hold any more, or never held, is forgotten.
    package init(_ stored: StoredShare, limits: SharePartitionLimits, logStart: Int64, logEnd: Int64) {
        self.limits = limits
        start = stored.start
        end = stored.start
        for piece in stored.runs {
            // What is stored may be damaged: no offset lies behind the last there can be.
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

    /// The first run that ends at `offset` or behind.
    private func place(of offset: Int64) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].last < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Lets a run begin at `offset`, if that lies within one.
    private mutating func split(at offset: Int64) {
        let place = place(of: offset)
        guard place < runs.count, runs[place].first < offset else { return }
        var rest = runs[place]
        rest.first = offset
        runs[place].last = offset - 1
        runs.insert(rest, at: place + 1)
    }

    /// Changes what is known of a range.
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

    /// Makes one of neighbours that do not differ, from one place to another.
    private mutating func join(_ from: Int, _ to: Int) {
        guard to - from > 1 else { return }
        var joined: [Run] = []
        for run in runs[from..<to] {
            if let last = joined.last, last.isLike(run) { joined[joined.count - 1].last = run.last } else { joined.append(run) }
        }
        if joined.count < to - from { runs.replaceSubrange(from..<to, with: joined) }
    }

    /// Passes over what is done with.
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

    /// The log begins at `offset`: what lay below is gone.
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

    /// Where a consumer that asks now would read; nil if there is nothing for it below `visible`, or as many records as may be are acquired.
    package func nextOffset(below visible: Int64) -> Int64? {
        if let free = runs.first(where: { $0.state == .available })?.first { return free < visible ? free : nil }
        return end < visible && end - start < limits.recordsMax ? end : nil
    }

    /// Gives a consumer what is free in batches that were read, beginning at `from`.
    ///
    /// About `recordsMax` records: the batch in which they are full is still taken whole, unless `isExact`.
    package mutating func acquire(
        _ member: MemberID, _ batches: [ShareBatch], from: Int64, recordsMax: Int64, isExact: Bool, now: Instant
    ) -> [AcquiredRecords] {
        var acquired: [AcquiredRecords] = []
        var room = recordsMax
        var cursor = max(from, start)
        for batch in batches where batch.last >= cursor {
            guard room > 0 else { break }
            // What lies between batches was compacted away.
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
        if let last = list.last, last.last + 1 == one.first, last.delivery == one.delivery { list[list.count - 1].last = one.last } else { list.append(one) }
    }

    /// No consumer has anything to do with these offsets.
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

    // MARK: what becomes of records

    /// Takes what a consumer says of records that it has: all of it, or nothing.
    package mutating func acknowledge(_ member: MemberID, _ ranges: [ShareAcknowledgementRange], now: Instant) throws(ShareRefusal) {
        var previous = Int64.min
        for range in ranges {
            guard range.first >= 0, range.first > previous, range.first <= range.last, !range.kinds.isEmpty,
                range.kinds.count == 1 || Int64(range.kinds.count - 1) == range.last - range.first
            else { throw .malformed }
            previous = range.last
            // What is done with already, because the log begins behind it, is nobody's any more.
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

    /// A consumer has gone: what it had is free again.
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

    // MARK: what is stored

    /// What is to be stored now. What is acquired is stored as free, with this delivery counted: who takes over knows of no locks.
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
