// A place in a topic in a person's words: an end, an offset, a distance, a time.
import Base
import Clients
import Foundation

enum ReadingPlace: Equatable {
    case beginning
    case end
    case offset(Int64)
    /// From the reader's position, or from the end without one.
    case distance(Int64)
    /// Milliseconds since 1970.
    case time(Int64)

    init(_ text: String, flag: String) throws(CommandFailure) {
        if text == "beginning" {
            self = .beginning
        } else if text == "end" {
            self = .end
        } else if let distance = Int64(text), text.hasPrefix("+") || text.hasPrefix("-") {
            self = .distance(distance)
        } else if let offset = Int64(text) {
            self = .offset(offset)
        } else if let time = Self.milliseconds(text) {
            self = .time(time)
        } else {
            throw CommandFailure(
                .usage, "\(flag) \(text) is no place in a topic",
                why: "it must be beginning, end, an offset, a distance such as -100, or a time in UTC such as 2026-01-31T12:00:00",
                next: "for example \(flag) beginning")
        }
    }

    private static func milliseconds(_ text: String) -> Int64? {
        let parser = ISO8601DateFormatter()
        parser.formatOptions = [.withFullDate, .withTime, .withDashSeparatorInDate, .withColonSeparatorInTime]
        parser.timeZone = TimeZone(secondsFromGMT: 0)
        if let date = parser.date(from: text.hasSuffix("Z") ? String(text.dropLast()) : text) {
            return Int64(date.timeIntervalSince1970 * 1000)
        }
        parser.formatOptions = [.withFullDate, .withDashSeparatorInDate]
        return parser.date(from: text).map { Int64($0.timeIntervalSince1970 * 1000) }
    }

    /// The offset of this place in a partition, within its bounds.
    func offset(_ client: KafkaClient, _ topic: String, _ partition: Int32, from present: Int64?) async throws -> Int64 {
        let first = try await client.offset(of: topic, partition, at: KafkaClient.earliest) ?? 0
        let end = try await client.offset(of: topic, partition, at: KafkaClient.latest) ?? first
        switch self {
        case .beginning: return first
        case .end: return end
        case .offset(let offset): return min(max(offset, first), end)
        case .distance(let distance):
            let (sum, overflow) = (present ?? end).addingReportingOverflow(distance)
            return overflow ? (distance > 0 ? end : first) : min(max(sum, first), end)
        case .time(let time): return try await client.offset(of: topic, partition, at: time) ?? end
        }
    }
}
