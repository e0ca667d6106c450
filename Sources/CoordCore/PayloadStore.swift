// The names and data of nodes, packed into slabs: an allocation of its own for each would cost as much again as the bytes. Blocks are
// multiples of 16 bytes with a free list for each size; a payload above the largest block has an array of its own.
import Base

/// Where a node's name and data lie. 12 bytes.
struct Payload: Sendable, Hashable {
    /// The number of the block, or of the array for large ones.
    fileprivate var block: UInt32 = 0
    /// The name's length, and whether the bytes lie in an array of their own.
    private var nameBytesAndPlace: UInt32
    /// -1 for null, which is a value of its own.
    fileprivate var dataBytesOrNull: Int32

    private static let largeBit: UInt32 = 1 << 31

    fileprivate init(nameBytes: Int, data: Bytes?, isLarge: Bool) {
        nameBytesAndPlace = UInt32(nameBytes) | (isLarge ? Self.largeBit : 0)
        dataBytesOrNull = data.map { Int32($0.readableBytes) } ?? -1
    }

    var nameBytes: Int { Int(nameBytesAndPlace & ~Self.largeBit) }
    var isLarge: Bool { nameBytesAndPlace & Self.largeBit != 0 }
    var dataBytes: Int { Int(max(0, dataBytesOrNull)) }
    var isNull: Bool { dataBytesOrNull < 0 }
}

/// Bytes by block.
struct PayloadStore: Sendable {
    private static var unit: Int { 16 }
    private static var slabBits: Int { 14 }
    private static var slabUnits: Int { 1 << slabBits }
    /// The largest block in units: 2 KiB.
    private static var unitsMax: Int { 128 }
    private var slabs: [[UInt8]] = []
    /// The slab that is being filled, and its units that were given out.
    private var open = -1
    private var used = Self.slabUnits
    /// Units in use, by slab.
    private var use = PartUse()
    /// Slabs that gave their memory back.
    private var released: [Int] = []
    private var free = [[UInt32]](repeating: [], count: Self.unitsMax + 1)
    private var large = NumberedSlots<[UInt8]>()

    /// Slabs that have memory.
    var heldSlabs: Int { slabs.count - released.count }

    private static func units(_ bytes: Int) -> Int { max(1, (bytes + unit - 1) / unit) }

    /// Keeps a name and data.
    mutating func add(name: UnsafeBufferPointer<UInt8>, data: Bytes?) -> Payload {
        let size = name.count + (data?.readableBytes ?? 0)
        guard Self.units(size) <= Self.unitsMax else {
            var bytes = Array(name)
            if let data { bytes.append(contentsOf: data.readableBytesView) }
            var payload = Payload(nameBytes: name.count, data: data, isLarge: true)
            payload.block = large.add(bytes)
            return payload
        }
        var payload = Payload(nameBytes: name.count, data: data, isLarge: false)
        payload.block = allocate(Self.units(size))
        write(name, data, payload)
        return payload
    }

    private mutating func write(_ name: UnsafeBufferPointer<UInt8>, _ data: Bytes?, _ payload: Payload) {
        let (slab, start) = place(payload.block)
        // Both copies stay within the block, whose size was made from these counts.
        slabs[slab].withUnsafeMutableBytes { memory in
            UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + name.count]).copyBytes(from: name)
            Self.copy(data, into: memory, at: start + name.count)
        }
    }

    private static func copy(_ data: Bytes?, into memory: UnsafeMutableRawBufferPointer, at start: Int) {
        guard let data, data.readableBytes > 0 else { return }
        // The slice is bounds-checked; the bytes are read within the call.
        data.withUnsafeReadableBytes { UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + $0.count]).copyMemory(from: $0) }
    }

    /// Replaces the data; the block stays if the new data fits the same size.
    mutating func replace(_ payload: Payload, data: Bytes?) -> Payload {
        let size = payload.nameBytes + (data?.readableBytes ?? 0)
        if !payload.isLarge, Self.units(size) == Self.units(payload.nameBytes + payload.dataBytes) {
            var same = payload
            same.dataBytesOrNull = data.map { Int32($0.readableBytes) } ?? -1
            let (slab, start) = place(payload.block)
            slabs[slab].withUnsafeMutableBytes { Self.copy(data, into: $0, at: start + payload.nameBytes) }  // within the block: its size is the same
            return same
        }
        let name = self.name(payload)
        remove(payload)
        return name.withUnsafeBufferPointer { add(name: $0, data: data) }  // copied within the call
    }

    mutating func remove(_ payload: Payload) {
        if payload.isLarge {
            large[payload.block] = []
            large.remove(payload.block)
        } else {
            let units = Self.units(payload.nameBytes + payload.dataBytes)
            free[units].append(payload.block)
            let (slab, _) = place(payload.block)
            use.giveBack(units, of: slab)
            if use.isUnused(slab), use.isWorthReleasing(held: heldSlabs) { releaseUnused() }
        }
    }

    private mutating func releaseUnused() {
        let going = slabs.indices.map { $0 != open && use.isUnused($0) }
        for units in free.indices { free[units] = free[units].filter { !going[place($0).slab] } }
        for slab in slabs.indices where going[slab] && !slabs[slab].isEmpty {
            slabs[slab] = []
            released.append(slab)
        }
    }

    private mutating func allocate(_ units: Int) -> UInt32 {
        let block = free[units].popLast() ?? cut(units)
        use.take(units, of: place(block).slab)
        return block
    }

    /// A block that was never used.
    private mutating func cut(_ units: Int) -> UInt32 {
        if used + units > Self.slabUnits {
            // The rest of a slab becomes a smaller block.
            if used < Self.slabUnits { free[min(Self.unitsMax, Self.slabUnits - used)].append(number(open, used)) }
            let slab = [UInt8](repeating: 0, count: Self.slabUnits * Self.unit)
            if let place = released.popLast() {
                open = place
                slabs[place] = slab
            } else {
                open = slabs.count
                slabs.append(slab)
            }
            used = 0
        }
        defer { used += units }
        return number(open, used)
    }

    private func number(_ slab: Int, _ unit: Int) -> UInt32 { UInt32(slab << Self.slabBits | unit) }
    private func place(_ block: UInt32) -> (slab: Int, start: Int) {
        (Int(block) >> Self.slabBits, (Int(block) & (Self.slabUnits - 1)) * Self.unit)
    }

    // MARK: reading

    private func withBytes<R>(_ payload: Payload, _ body: (ArraySlice<UInt8>) -> R) -> R {
        let size = payload.nameBytes + payload.dataBytes
        if payload.isLarge { return body(large[payload.block][0..<size]) }
        let (slab, start) = place(payload.block)
        return body(slabs[slab][start..<start + size])
    }

    /// Copies the name to where it ends at `end`; there is room for it.
    func copyName(_ payload: Payload, to text: UnsafeMutableBufferPointer<UInt8>, endingAt end: Int) {
        withBytes(payload) { all in
            _ = UnsafeMutableBufferPointer(rebasing: text[(end - payload.nameBytes)..<end]).update(
                fromContentsOf: all.prefix(payload.nameBytes))
        }
    }

    func writeName(_ payload: Payload, into bytes: inout Bytes) {
        bytes.writeInteger(Int32(payload.nameBytes))
        withBytes(payload) { _ = bytes.writeBytes($0.prefix(payload.nameBytes)) }
    }

    func name(_ payload: Payload) -> [UInt8] { withBytes(payload) { Array($0.prefix(payload.nameBytes)) } }

    func data(_ payload: Payload) -> Bytes? {
        if payload.isNull { return nil }
        if payload.dataBytes == 0 { return Bytes() }
        return withBytes(payload) { all in
            var bytes = ByteBufferAllocator().buffer(capacity: payload.dataBytes)
            bytes.writeBytes(all.dropFirst(payload.nameBytes))
            return bytes
        }
    }

    /// Whether the name equals the bytes of `path` that end at `end`.
    func nameEquals(_ payload: Payload, _ path: UnsafeBufferPointer<UInt8>, endingAt end: Int) -> Bool {
        let count = payload.nameBytes
        guard count <= end else { return false }
        return withBytes(payload) { all in
            var place = end - count
            for byte in all.prefix(count) {
                guard byte == path[place] else { return false }
                place += 1
            }
            return true
        }
    }
}
