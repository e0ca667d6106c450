// Row numbers in the order of their keys: runs of entries are sorted side by side, by their bits from the highest byte down, and merged.
// The order is stable: equal rows keep their order.

import QueryCore

struct RowOrder {
    /// Rows of one run at least; below that, a second thread gains nothing.
    private static let runRowsMin = 1 << 15

    private let keys: [SortKey]
    private let layout: SortLayout
    private let columns: [Column]
    private let rowCount: Int

    /// `columns` are the values of `orders` for all rows. `marksNulls` nil: wherever the columns have nulls.
    init(_ columns: [Column], _ orders: [BoundOrder], rowCount: Int) {
        layout = SortLayout(orders, marksNulls: columns.map { $0.nullCount > 0 })
        self.columns = columns
        self.rowCount = rowCount
        keys = zip(columns, orders).dropFirst(layout.exactKeys).map { SortKey($0, $1) }
    }

    func sorted(_ workers: any QueryWorkers, _ check: @escaping () throws(QueryError) -> Void) throws(QueryError) -> [Int32] {
        let runCount = max(1, min(workers.width, rowCount / Self.runRowsMin))
        let entries = UnsafeMutableBufferPointer<SortEntry>.allocate(capacity: rowCount)
        let scratch = UnsafeMutableBufferPointer<SortEntry>.allocate(capacity: rowCount)
        // Both live until the row numbers are copied out; entries are plain numbers, which need no end of their own.
        defer {
            entries.deallocate()
            scratch.deallocate()
        }
        func run(_ index: Int) -> Range<Int> { rowCount * index / runCount..<rowCount * (index + 1) / runCount }
        let (layout, columns, keys) = (layout, columns, keys)
        try workers.each(runCount) { (index) throws(QueryError) in
            // Runs are disjoint parts of the buffers.
            let range = run(index)
            let part = UnsafeMutableBufferPointer(rebasing: entries[range])
            layout.fill(columns, range, part)
            try EntrySort(keys, check).sort(part, UnsafeMutableBufferPointer(rebasing: scratch[range]), bit: 128)
        }
        var runs = (0..<runCount).map(run)
        var (source, target) = (entries, scratch)
        while runs.count > 1 {
            let pairs = stride(from: 0, to: runs.count, by: 2).map { ($0, min($0 + 1, runs.count - 1)) }
            let (from, to, present) = (source, target, runs)
            try workers.each(pairs.count) { (index) throws(QueryError) in
                let (left, right) = pairs[index]
                try check()
                EntrySort(keys, check).merge(
                    from, present[left], left == right ? present[right].upperBound..<present[right].upperBound : present[right], to)
            }
            runs = pairs.map { present[$0].lowerBound..<present[$1].upperBound }
            swap(&source, &target)
        }
        return [Int32](unsafeUninitializedCapacity: rowCount) { out, filled in
            for index in 0..<rowCount { out.initializeElement(at: index, to: source[index].row) }
            filled = rowCount
        }
    }

    /// Positions of the numbers in ascending order; nil if they already ascend.
    static func ascending(_ numbers: [Int64]) -> [Int32]? {
        if zip(numbers, numbers.dropFirst()).allSatisfy({ $0 <= $1 }) { return nil }
        var entries = numbers.enumerated().map { SortEntry(high: UInt64(bitPattern: $1), low: 0, row: Int32($0)) }
        var scratch = entries
        entries.withUnsafeMutableBufferPointer { entries in
            // Both have the same count.
            scratch.withUnsafeMutableBufferPointer { scratch in EntrySort([], {}).sortByBits(entries, scratch, bit: 128) }
        }
        return entries.map(\.row)
    }
}

/// Sorts stretches of entries. The rows of a stretch ascend beforehand, so that a stable sort leaves them so among equal keys.
struct EntrySort {
    /// Below this many entries comparisons are faster than counting bytes.
    private static let entriesMin = 40
    /// Comparisons of values between two looks at the query's cancellation.
    private static let comparisonsAtOnce = 1 << 16

    private let keys: [SortKey]
    private let check: () throws(QueryError) -> Void

    init(_ keys: [SortKey], _ check: @escaping () throws(QueryError) -> Void) {
        self.keys = keys
        self.check = check
    }

    typealias Entries = UnsafeMutableBufferPointer<SortEntry>

    /// The order of two entries whose bits are equal.
    private func order(_ left: SortEntry, _ right: SortEntry) -> Int {
        for key in keys {
            let order = key.compare(Int(left.row), Int(right.row))
            if order != 0 { return order }
        }
        return Int(left.row) - Int(right.row)
    }

    // hot: `platform-bench compute`, SQL sort
    /// `scratch` has as many entries. `bit` is the position above the bits in which the entries differ.
    func sort(_ entries: Entries, _ scratch: Entries, bit: Int) throws(QueryError) {
        sortByBits(entries, scratch, bit: bit)
        if keys.isEmpty { return try check() }
        var start = 0
        while start < entries.count {
            var end = start + 1
            while end < entries.count, SortEntry.prefixIsEqual(entries[start], entries[end]) { end += 1 }
            if end - start > 1 { try sortByValues(Entries(rebasing: entries[start..<end])) }
            start = end
        }
        try check()
    }

    private func sortByValues(_ entries: Entries) throws(QueryError) {
        var entries = entries
        var comparisons = 0
        do {
            try entries.sort { left, right in
                comparisons &+= 1
                if comparisons & (Self.comparisonsAtOnce - 1) == 0 { try check() }
                return order(left, right) < 0
            }
        } catch let error as QueryError { throw error } catch { preconditionFailure("only the check throws: \(error)") }
    }

    /// By one byte after the other from the highest on; few entries by insertion. Stable.
    func sortByBits(_ entries: Entries, _ scratch: Entries, bit: Int) {
        if entries.count < Self.entriesMin { return insertionSort(entries) }
        var bit = bit
        while bit > 0 {
            bit -= 8
            var counts = InlineArray<256, Int>(repeating: 0)
            for entry in entries { counts[Self.byte(entry, bit)] &+= 1 }
            if counts[Self.byte(entries[0], bit)] == entries.count { continue }
            var starts = InlineArray<256, Int>(repeating: 0)
            var total = 0
            for value in 0..<256 {
                starts[value] = total
                total += counts[value]
            }
            // Each entry goes to its own place below the count, which both buffers have.
            for entry in entries {
                let value = Self.byte(entry, bit)
                scratch[starts[value]] = entry
                starts[value] &+= 1
            }
            entries.update(fromContentsOf: scratch)
            if bit == 0 { return }
            var start = 0
            for value in 0..<256 where counts[value] > 0 {
                let range = start..<start + counts[value]
                if range.count > 1 { sortByBits(Entries(rebasing: entries[range]), Entries(rebasing: scratch[range]), bit: bit) }
                start = range.upperBound
            }
            return
        }
    }

    @inline(__always)
    private static func byte(_ entry: SortEntry, _ bit: Int) -> Int {
        Int(truncatingIfNeeded: (bit >= 64 ? entry.high >> UInt64(bit - 64) : entry.low >> UInt64(bit)) & 0xFF)
    }

    private func insertionSort(_ entries: Entries) {
        for index in 1..<max(1, entries.count) {
            let entry = entries[index]
            var at = index
            while at > 0, SortEntry.prefixIsLess(entry, entries[at - 1]) {
                entries[at] = entries[at - 1]
                at -= 1
            }
            entries[at] = entry
        }
    }

    /// Merges two runs that lie side by side in `source` to the same places of `target`.
    func merge(_ source: Entries, _ left: Range<Int>, _ right: Range<Int>, _ target: Entries) {
        var (one, other, at) = (left.lowerBound, right.lowerBound, left.lowerBound)
        while one < left.upperBound, other < right.upperBound {
            let (a, b) = (source[one], source[other])
            let takesOther = SortEntry.prefixIsLess(b, a) || (SortEntry.prefixIsEqual(a, b) && order(b, a) < 0)
            target[at] = takesOther ? b : a
            if takesOther { other += 1 } else { one += 1 }
            at += 1
        }
        while one < left.upperBound {
            target[at] = source[one]
            (one, at) = (one + 1, at + 1)
        }
        while other < right.upperBound {
            target[at] = source[other]
            (other, at) = (other + 1, at + 1)
        }
    }
}
