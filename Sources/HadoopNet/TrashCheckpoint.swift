// The names in a user's trash. Files go into Current; a checkpoint gives Current the time of day as its name, and goes once it is older
// than the interval. Source: Hadoop's TrashPolicyDefault, whose clients make and delete checkpoints as well.
import Base
import Foundation

/// A checkpoint of a trash, by its name: yyMMddHHmmss in local time, and behind a dash a number where a second saw several.
package enum TrashCheckpoint {
    package static let current = "Current"

    /// The directory of a user's trash.
    package static func root(of user: String) -> String { "/user/\(user)/.Trash" }

    package static func name(_ time: WallTime) -> String {
        var seconds = time_t(time.milliseconds / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(
            format: "%02d%02d%02d%02d%02d%02d", Int(parts.tm_year) % 100, Int(parts.tm_mon) + 1, Int(parts.tm_mday), Int(parts.tm_hour),
            Int(parts.tm_min), Int(parts.tm_sec))
    }

    /// The time in a name; nil if it is no checkpoint's.
    package static func time(_ name: String) -> WallTime? {
        let bytes = Array(name.utf8)
        guard bytes.count == 12 || bytes.count > 13 && bytes[12] == UInt8(ascii: "-"), bytes.prefix(12).allSatisfy(isDigit),
            bytes.dropFirst(13).allSatisfy(isDigit)
        else { return nil }
        func number(_ place: Int) -> Int32 { Int32(bytes[place] - 48) * 10 + Int32(bytes[place + 1] - 48) }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (number(0) + 100, number(2) - 1, number(4))
        (parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_isdst) = (number(6), number(8), number(10), -1)
        guard (0...11).contains(parts.tm_mon), (1...31).contains(parts.tm_mday), parts.tm_hour < 24, parts.tm_min < 60, parts.tm_sec < 61
        else { return nil }
        return WallTime(milliseconds: Int64(mktime(&parts)) * 1000)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    /// The checkpoints among the names of a trash that are older than `interval` milliseconds.
    package static func expired(_ names: [String], now: WallTime, interval: Int64) -> [String] {
        names.filter { name in time(name).map { now.milliseconds(since: $0.milliseconds) > interval } ?? false }
    }

    /// A name for a checkpoint that is not among those given.
    package static func fresh(_ now: WallTime, among names: [String]) -> String {
        let taken = Set(names)
        let plain = name(now)
        guard taken.contains(plain) else { return plain }
        var number = 1
        while taken.contains("\(plain)-\(number)") { number += 1 }
        return "\(plain)-\(number)"
    }
}
