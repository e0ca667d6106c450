// An array that grows without copying its elements: a million nodes must not stop the server while an array doubles. Unused chunks are
// given back, so that the memory of a tree shrinks with it.

/// Elements by place, in chunks of equal size.
struct ChunkedArray<Element: Sendable>: Sendable {
    private static var chunkBits: Int { 12 }
    static var chunkSize: Int { 1 << chunkBits }
    private var chunks: [[Element]] = []
    /// The chunk that is being filled.
    private var open = 0
    /// Chunks that were given back.
    private var released: [Int] = []
    /// Elements in all chunks.
    private(set) var count = 0

    /// Returns the new element's place. Places are given out from 0 on without gaps as long as no chunk is released.
    @discardableResult mutating func append(_ element: Element) -> Int {
        if chunks.isEmpty || chunks[open].count == Self.chunkSize { addChunk() }
        chunks[open].append(element)
        count += 1
        return open << Self.chunkBits | (chunks[open].count - 1)
    }

    private mutating func addChunk() {
        var chunk: [Element] = []
        chunk.reserveCapacity(Self.chunkSize)
        if let place = released.popLast() {
            open = place
            chunks[place] = chunk
        } else {
            open = chunks.count
            chunks.append(chunk)
        }
    }

    static func chunk(of place: Int) -> Int { place >> chunkBits }

    /// Chunks that there are, and those of them that have memory.
    var chunkCount: Int { chunks.count }
    var heldChunks: Int { chunks.count - released.count }

    /// Whether there is an element at a place that was given out once.
    func holds(_ place: Int) -> Bool { place & (Self.chunkSize - 1) < chunks[place >> Self.chunkBits].count }

    /// Whether a chunk has memory to give back and is not being filled.
    func canRelease(_ chunk: Int) -> Bool { chunk != open && !chunks[chunk].isEmpty }

    /// Gives a chunk back; its places are given out again one day.
    mutating func release(_ chunk: Int) {
        count -= chunks[chunk].count
        chunks[chunk] = []
        released.append(chunk)
    }

    subscript(place: Int) -> Element {
        get { chunks[place >> Self.chunkBits][place & (Self.chunkSize - 1)] }
        _modify { yield &chunks[place >> Self.chunkBits][place & (Self.chunkSize - 1)] }
    }
}

/// The used parts of a store: decides when the unused ones are worth a search and their release.
struct PartUse: Sendable {
    private var used: [Int] = []
    /// Parts without anything in use.
    private var unusedCount = 0
    /// Fewer are not worth it.
    private static var unusedMin: Int { 4 }

    func isUnused(_ part: Int) -> Bool { used[part] == 0 }

    mutating func take(_ amount: Int, of part: Int) {
        while used.count <= part {
            used.append(0)
            unusedCount += 1
        }
        if used[part] == 0 { unusedCount -= 1 }
        used[part] += amount
    }

    mutating func giveBack(_ amount: Int, of part: Int) {
        used[part] -= amount
        if used[part] == 0 { unusedCount += 1 }
    }

    /// Whether at least half of the parts that have memory have nothing in it. So each search is paid for by as much that has gone.
    func isWorthReleasing(held: Int) -> Bool { unusedCount - (used.count - held) >= max(Self.unusedMin, held / 2) }
}

/// Numbers that are given out, given back and given out again.
struct NumberedSlots<Element: Sendable>: Sendable {
    private var elements = ChunkedArray<Element>()
    private var free: [UInt32] = []
    private var use = PartUse()
    var heldChunks: Int { elements.heldChunks }
    init() {}

    mutating func add(_ element: Element) -> UInt32 {
        let number: UInt32
        if let place = free.popLast() {
            number = place
            elements[Int(number)] = element
        } else {
            number = UInt32(elements.append(element))
        }
        use.take(1, of: ChunkedArray<Element>.chunk(of: Int(number)))
        return number
    }

    /// The element stays in memory until its number is given out again, or its chunk is released.
    mutating func remove(_ number: UInt32) {
        free.append(number)
        let chunk = ChunkedArray<Element>.chunk(of: Int(number))
        use.giveBack(1, of: chunk)
        if use.isUnused(chunk), use.isWorthReleasing(held: heldChunks) { releaseUnused() }
    }

    private mutating func releaseUnused() {
        let going = (0..<elements.chunkCount).map { use.isUnused($0) && elements.canRelease($0) }
        free = free.filter { !going[ChunkedArray<Element>.chunk(of: Int($0))] }
        for chunk in going.indices where going[chunk] { elements.release(chunk) }
    }

    /// Whether a number that was given out once still has an element, if only an old one.
    func holds(_ number: UInt32) -> Bool { elements.holds(Int(number)) }

    subscript(number: UInt32) -> Element {
        get { elements[Int(number)] }
        _modify { yield &elements[Int(number)] }
    }
}
