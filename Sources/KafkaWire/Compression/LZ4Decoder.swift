// LZ4, reading only: the frame format that Kafka uses since message format 2, with its blocks. Frame checksums are ignored, since a record
// batch has one of its own. Every length and distance is checked against the available bytes. Sources: LZ4 frame and block format
// descriptions (lz4/lz4, doc).
import Base

enum LZ4Decoder {
    private static let magic: UInt32 = 0x184d_2204

    /// The window of back references, in bytes.
    private static let reach = 64 << 10

    static func decode(_ packed: Bytes, bytesMax: Int, _ sink: DecodedSink) throws(WireError) {
        let input = Array(packed.readableBytesView)
        var place = 0
        func word() throws(WireError) -> UInt32 {
            guard place + 4 <= input.count else { throw .truncated(needed: 4, remaining: input.count - place) }
            defer { place += 4 }
            return UInt32(input[place]) | UInt32(input[place + 1]) << 8 | UInt32(input[place + 2]) << 16 | UInt32(input[place + 3]) << 24
        }
        guard try word() == magic else { throw .unknownTag("LZ4 frame magic", Int(input.first ?? 0)) }
        guard place + 3 <= input.count else { throw .truncated(needed: 3, remaining: input.count - place) }
        let flags = input[place]
        guard flags >> 6 == 1 else { throw .unknownTag("LZ4 frame version", Int(flags >> 6)) }
        let (hasBlockChecksums, hasSize, hasChecksum, hasDictionary) = (
            flags & 0x10 != 0, flags & 0x08 != 0, flags & 0x04 != 0, flags & 0x01 != 0
        )
        guard !hasDictionary else { throw .unknownTag("LZ4 dictionary", 1) }
        // Flags, block size, the content's size if present, and a byte of checksum.
        place += 2 + (hasSize ? 8 : 0) + 1
        var plain = DecodedWindow(reach: reach, bytesMax: bytesMax)
        while true {
            let header = try word()
            if header == 0 { break }
            let size = Int(header & 0x7fff_ffff)
            guard size <= input.count - place else { throw .truncated(needed: size, remaining: input.count - place) }
            let block = input[place..<(place + size)]
            if header >> 31 == 1 {
                try plain.append(block)
            } else {
                try decode(block, into: &plain, bytesMax)
            }
            place += size + (hasBlockChecksums ? 4 : 0)
            if try !plain.hand(sink) { return }
        }
        if hasChecksum { _ = try word() }
        _ = try plain.hand(isLast: true, sink)
    }

    private static func decode(_ input: ArraySlice<UInt8>, into plain: inout DecodedWindow, _ bytesMax: Int) throws(WireError) {
        var place = input.startIndex
        func byte() throws(WireError) -> Int {
            guard place < input.endIndex else { throw .truncated(needed: 1, remaining: 0) }
            defer { place += 1 }
            return Int(input[place])
        }
        /// Four bits; 15 is continued by bytes up to the first below 255.
        func length(_ bits: Int) throws(WireError) -> Int {
            guard bits == 15 else { return bits }
            var sum = 15
            while true {
                let more = try byte()
                sum += more
                guard sum <= bytesMax else { throw .overLimit("decompressed batch bytes", bytesMax) }
                if more < 255 { return sum }
            }
        }
        while place < input.endIndex {
            let token = try byte()
            let literals = try length(token >> 4)
            guard literals <= input.endIndex - place else { throw .truncated(needed: literals, remaining: input.endIndex - place) }
            try plain.append(input[place..<(place + literals)])
            place += literals
            // The last sequence has literals only.
            if place == input.endIndex { return }
            let distance = try byte() | byte() << 8
            try plain.copy(try length(token & 15) + 4, from: distance)
        }
    }
}
