// An array that grows without ever copying what it holds: a million nodes must not stop the server while an array doubles.

/// Elements by number, in chunks of equal size.
struct ChunkedArray<Element: Sendable>: Sendable {
    private static var chunkBits: Int { 12 }
    private static var chunkSize: Int { 1 << chunkBits }
    private var chunks: [[Element]] = []
    private(set) var count = 0

    mutating func append(_ element: Element) {
        if count & (Self.chunkSize - 1) == 0 {
            var chunk: [Element] = []
            chunk.reserveCapacity(Self.chunkSize)
            chunks.append(chunk)
        }
        chunks[chunks.count - 1].append(element)
        count += 1
    }

    subscript(place: Int) -> Element {
        get { chunks[place >> Self.chunkBits][place & (Self.chunkSize - 1)] }
        _modify { yield &chunks[place >> Self.chunkBits][place & (Self.chunkSize - 1)] }
    }
}

/// Numbers that are given out, given back and given out again.
struct NumberedSlots<Element: Sendable>: Sendable {
    private var elements = ChunkedArray<Element>()
    private var free: [UInt32] = []
    init() {}

    mutating func add(_ element: Element) -> UInt32 {
        if let number = free.popLast() {
            elements[Int(number)] = element
            return number
        }
        elements.append(element)
        return UInt32(elements.count - 1)
    }

    /// The element stays in memory until its number is given out again.
    mutating func remove(_ number: UInt32) { free.append(number) }

    subscript(number: UInt32) -> Element {
        get { elements[Int(number)] }
        _modify { yield &elements[Int(number)] }
    }
}
