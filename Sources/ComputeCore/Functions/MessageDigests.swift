// Digests of bytes for `md5`, `sha1` and `sha2`. They name content; nothing is kept secret by them here. Source: RFC 1321, FIPS 180-4.

enum MessageDigests {
    /// The bytes with a one, zeros and their number of bits, up to whole blocks.
    private static func padded(_ bytes: ArraySlice<UInt8>, block: Int, littleEndian: Bool = false) -> [UInt8] {
        var out = Array(bytes)
        out.append(0x80)
        let room = block / 8
        while out.count % block != block - room { out.append(0) }
        let bits = UInt64(bytes.count) &* 8
        for _ in 8..<room { out.append(0) }
        for index in 0..<8 { out.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * (littleEndian ? index : 7 - index)))) }
        return out
    }

    private static func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }

    // MARK: MD5

    private static let sines: [UInt32] = (0..<64).map { UInt32(MathKernel.sin(Double($0 + 1)).magnitude * 4_294_967_296) }
    private static let turns: [[UInt32]] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]]

    static func md5(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let message = padded(bytes, block: 64, littleEndian: true)
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
        for start in stride(from: 0, to: message.count, by: 64) {
            let words = (0..<16).map { word in (0..<4).reduce(UInt32(0)) { $0 | UInt32(message[start + 4 * word + $1]) << UInt32(8 * $1) } }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            for step in 0..<64 {
                let (mixed, word) =
                    switch step / 16 {
                    case 0: (b & c | ~b & d, step)
                    case 1: (d & b | ~d & c, (5 * step + 1) % 16)
                    case 2: (b ^ c ^ d, (3 * step + 5) % 16)
                    default: (c ^ (b | ~d), 7 * step % 16)
                    }
                let sum = a &+ mixed &+ sines[step] &+ words[word]
                (a, d, c, b) = (d, c, b, b &+ rotated(sum, turns[step / 16][step % 4]))
            }
            state = [state[0] &+ a, state[1] &+ b, state[2] &+ c, state[3] &+ d]
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
    }

    // MARK: SHA-1

    static func sha1(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let message = padded(bytes, block: 64)
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        for start in stride(from: 0, to: message.count, by: 64) {
            var words: [UInt32] = big(message, start)
            for index in 16..<80 { words.append(rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)) }
            var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
            for step in 0..<80 {
                let (mixed, constant): (UInt32, UInt32) =
                    switch step / 20 {
                    case 0: (b & c | ~b & d, 0x5A82_7999)
                    case 1: (b ^ c ^ d, 0x6ED9_EBA1)
                    case 2: (b & c | b & d | c & d, 0x8F1B_BCDC)
                    default: (b ^ c ^ d, 0xCA62_C1D6)
                    }
                let sum = rotated(a, 5) &+ mixed &+ e &+ constant &+ words[step]
                (e, d, c, b, a) = (d, c, rotated(b, 30), a, sum)
            }
            state = zip(state, [a, b, c, d, e]).map { $0 &+ $1 }
        }
        return bytesOf(state)
    }

    // MARK: SHA-2

    /// Of 224, 256, 384 or 512 bits; 0 means 256. Nil for any other number.
    static func sha2(_ bytes: ArraySlice<UInt8>, bits: Int) -> [UInt8]? {
        switch bits {
        case 0, 256: return bytesOf(sha2(bytes, [UInt32](initial512.map { UInt32($0 >> 32) })))
        case 224: return Array(bytesOf(sha2(bytes, initial384.map { UInt32(truncatingIfNeeded: $0) })).prefix(28))
        case 384: return Array(bytesOf(sha2(bytes, initial384)).prefix(48))
        case 512: return bytesOf(sha2(bytes, initial512))
        default: return nil
        }
    }

    private static let initial512: [UInt64] = [
        0x6A09_E667_F3BC_C908, 0xBB67_AE85_84CA_A73B, 0x3C6E_F372_FE94_F82B, 0xA54F_F53A_5F1D_36F1,
        0x510E_527F_ADE6_82D1, 0x9B05_688C_2B3E_6C1F, 0x1F83_D9AB_FB41_BD6B, 0x5BE0_CD19_137E_2179,
    ]

    private static let initial384: [UInt64] = [
        0xCBBB_9D5D_C105_9ED8, 0x629A_292A_367C_D507, 0x9159_015A_3070_DD17, 0x152F_ECD8_F70E_5939,
        0x6733_2667_FFC0_0B31, 0x8EB4_4A87_6858_1511, 0xDB0C_2E0D_64F9_8FA7, 0x47B5_481D_BEFA_4FA4,
    ]

    /// The first 64 bits of the fractions of the cube roots of the first 80 primes, by whole numbers.
    private static let constants: [UInt64] = {
        var primes: [UInt64] = []
        var number: UInt64 = 2
        while primes.count < 80 {
            if !primes.contains(where: { number % $0 == 0 }) { primes.append(number) }
            number += 1
        }
        return primes.map { prime in
            // The greatest root whose cube is at most prime * 2^192, found bit by bit; its low 64 bits are the fraction.
            var root: UInt128 = 0
            for bit in stride(from: 67, through: 0, by: -1) {
                let candidate = root | UInt128(1) << UInt128(bit)
                if isCube(candidate, atMost: prime) { root = candidate }
            }
            return UInt64(truncatingIfNeeded: root)
        }
    }()

    /// Whether root³ <= prime * 2^192; the root has at most 68 bits.
    private static func isCube(_ root: UInt128, atMost prime: UInt64) -> Bool {
        let square = root.multipliedFullWidth(by: root)
        let low = square.low.multipliedFullWidth(by: root)
        // The square has at most 136 bits, the cube 204: high part above 128 bits.
        let high = square.high &* root &+ low.high
        let limit = UInt128(prime) << 64
        return high < limit || high == limit && low.low == 0
    }

    private static func sha2(_ bytes: ArraySlice<UInt8>, _ initial: [UInt32]) -> [UInt32] {
        let message = padded(bytes, block: 64)
        var state = initial
        for start in stride(from: 0, to: message.count, by: 64) {
            rounds(
                &state, big(message, start), constants.prefix(64).map { UInt32($0 >> 32) }, [2, 13, 22, 6, 11, 25, 7, 18, 3, 17, 19, 10])
        }
        return state
    }

    private static func sha2(_ bytes: ArraySlice<UInt8>, _ initial: [UInt64]) -> [UInt64] {
        let message = padded(bytes, block: 128)
        var state = initial
        for start in stride(from: 0, to: message.count, by: 128) {
            rounds(&state, big(message, start), constants, [28, 34, 39, 14, 18, 41, 1, 8, 7, 19, 61, 6])
        }
        return state
    }

    private static func rounds<Word: FixedWidthInteger & UnsignedInteger>(
        _ state: inout [Word], _ block: [Word], _ constants: [Word], _ turns: [Word]
    ) {
        func right(_ word: Word, _ bits: Word) -> Word { word >> bits | word << (Word(Word.bitWidth) - bits) }
        var words = block
        for index in 16..<constants.count {
            let (early, late) = (words[index - 15], words[index - 2])
            let one = right(early, turns[6]) ^ right(early, turns[7]) ^ early >> turns[8]
            let other = right(late, turns[9]) ^ right(late, turns[10]) ^ late >> turns[11]
            words.append(words[index - 16] &+ one &+ words[index - 7] &+ other)
        }
        var work = state
        for step in constants.indices {
            let (a, b, c, e, f, g) = (work[0], work[1], work[2], work[4], work[5], work[6])
            let turnedE = right(e, turns[3]) ^ right(e, turns[4]) ^ right(e, turns[5])
            let sum = work[7] &+ turnedE &+ (e & f ^ ~e & g) &+ constants[step] &+ words[step]
            let turnedA = right(a, turns[0]) ^ right(a, turns[1]) ^ right(a, turns[2])
            work = [sum &+ turnedA &+ (a & b ^ a & c ^ b & c), a, b, c, work[3] &+ sum, e, f, g]
        }
        for index in state.indices { state[index] = state[index] &+ work[index] }
    }

    // MARK: Words

    private static func big<Word: FixedWidthInteger>(_ bytes: [UInt8], _ start: Int) -> [Word] {
        let width = Word.bitWidth / 8
        return (0..<16).map { word in
            (0..<width).reduce(Word(0)) { $0 << 8 | Word(truncatingIfNeeded: bytes[start + word * width + $1]) }
        }
    }

    private static func bytesOf<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
        words.flatMap { word in stride(from: Word.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> Word($0)) } }
    }
}
