// The demo's input and the plain computation of every printed figure, for comparison with the services' results.
import Base
import Codecs
import DemoInput

/// Every flight from New York City in January 2013.
struct FlightRecords: Sendable {
    /// The column names, as one line.
    let header: String
    /// One line a flight, without its end.
    let lines: [String]

    /// Indexes of the columns in use.
    enum Column {
        static let arrivalDelay = 8
        static let carrier = 9
        static let destination = 13
    }

    /// Unpacks the records in the program.
    static func load() throws -> FlightRecords {
        var count = 0
        // The bytes are constant and live as long as the program.
        let packed = Array(UnsafeBufferPointer(start: demo_input_flights(&count), count: count))
        let stream = StreamOpener(.gzip, bytesMax: .max)
        stream.feed(packed, isLast: true)
        var bytes: [UInt8] = []
        while let piece = try stream.next() { bytes += piece }
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        let header = lines.removeFirst()
        return FlightRecords(header: header, lines: lines)
    }

    /// The fields of a line; the data has no quotes.
    static func fields(_ line: String) -> [Substring] { line.split(separator: ",", omittingEmptySubsequences: false) }
    static func carrier(_ line: String) -> String { String(fields(line)[Column.carrier]) }

    struct CarrierFigures: Equatable, Sendable {
        var flights = 0
        var delaySum = 0.0
        var delayCount = 0
        /// Minutes; nil if no flight of the carrier arrived.
        var averageDelay: Double? { delayCount == 0 ? nil : delaySum / Double(delayCount) }
    }

    /// Flights and average arrival delay per carrier.
    var perCarrier: [String: CarrierFigures] {
        var figures: [String: CarrierFigures] = [:]
        for line in lines {
            let fields = Self.fields(line)
            figures[String(fields[Column.carrier]), default: CarrierFigures()].flights += 1
            guard let delay = Double(fields[Column.arrivalDelay]) else { continue }
            figures[String(fields[Column.carrier])]?.delaySum += delay
            figures[String(fields[Column.carrier])]?.delayCount += 1
        }
        return figures
    }

    /// Flights per destination.
    var perDestination: [String: Int] {
        lines.reduce(into: [:]) { $0[String(Self.fields($1)[Column.destination]), default: 0] += 1 }
    }
}

/// Words as the demo's mapper counts them: runs of ASCII letters, in lower case.
enum PlainWordCount {
    static func count(_ text: [UInt8], into counts: inout [String: Int]) {
        var word: [UInt8] = []
        for byte in text + [0] {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): word.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): word.append(byte + 32)
            default:
                if !word.isEmpty { counts[String(decoding: word, as: UTF8.self), default: 0] += 1 }
                word.removeAll(keepingCapacity: true)
            }
        }
    }
}
