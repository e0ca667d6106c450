// Snappy, reading only: the raw format and the framing of Kafka's Java clients. Every length and distance is checked against the available
// bytes, so damaged bytes end in an error. Sources: Snappy's format description (google/snappy, format_description.txt); the block framing
// of snappy-java, which begins with 0x82 "SNAPPY" 0x00.
import Base

enum SnappyDecoder {
    private static let javaMagic: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
    /// The magic and two version numbers.
    private static let javaHeaderBytes = 16

    static func decode(_ packed: Bytes, bytesMax: Int, _ sink: DecodedSink) throws(WireError) {
        let input = Array(packed.readableBytesView)
        guard input.starts(with: javaMagic) else {
            _ = try block(input[...], bytesMax, sink)
            return
        }
        var total = 0
        var place = javaHeaderBytes
        while place < input.count {
            guard place + 4 <= input.count else { throw .truncated(needed: 4, remaining: input.count - place) }
            let size = input[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
            place += 4
            guard size <= input.count - place else { throw .truncated(needed: size, remaining: input.count - place) }
            guard let opened = try block(input[place..<(place + size)], bytesMax - total, sink) else { return }
            total += opened
            place += size
        }
    }

    /// Decompresses a block and returns its size; nil if the sink ends early. A block can refer back to all of itself, so it is
    /// decompressed whole.
    private static func block(_ input: ArraySlice<UInt8>, _ bytesMax: Int, _ sink: DecodedSink) throws(WireError) -> Int? {
        var place = input.startIndex
        func byte() throws(WireError) -> Int {
            guard place < input.endIndex else { throw .truncated(needed: 1, remaining: 0) }
            defer { place += 1 }
            return Int(input[place])
        }
        func number(_ count: Int) throws(WireError) -> Int {
            var value = 0
            for shift in 0..<count { value |= try byte() << (8 * shift) }
            return value
        }
        var size = 0
        var shift = 0
        while true {
            let next = try byte()
            size |= (next & 0x7f) << shift
            if next < 0x80 { break }
            shift += 7
            guard shift < 35 else { throw .varintTooLong }
        }
        guard size <= bytesMax else { throw .overLimit("decompressed batch bytes", bytesMax) }
        var plain = DecodedWindow(reach: size, bytesMax: size)
        while place < input.endIndex {
            let tag = try byte()
            if tag & 3 == 0 {
                var length = tag >> 2
                if length >= 60 { length = try number(length - 59) }
                length += 1
                guard length <= input.endIndex - place else { throw .truncated(needed: length, remaining: input.endIndex - place) }
                try plain.append(input[place..<(place + length)])
                place += length
            } else {
                let (length, distance): (Int, Int)
                switch tag & 3 {
                case 1: (length, distance) = ((tag >> 2) & 7 + 4, (tag >> 5) << 8 | (try byte()))
                case 2: (length, distance) = (tag >> 2 + 1, try number(2))
                default: (length, distance) = (tag >> 2 + 1, try number(4))
                }
                try plain.copy(length, from: distance)
            }
        }
        guard plain.count == size else { throw .badLength(plain.count) }
        return try plain.hand(isLast: true, sink) ? size : nil
    }
}
