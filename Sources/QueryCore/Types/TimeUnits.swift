// The units of `timestampadd`, `timestampdiff` and the fields of `extract`, by their names. Source: Spark SQL reference, "Date and
// Timestamp Functions".

package enum TimeUnits {
    /// Of `timestampadd` and `timestampdiff`, in capitals: months or microseconds.
    package static let steps: [String: (months: Int, micros: Int64)] = [
        "MICROSECOND": (0, 1), "MILLISECOND": (0, 1000), "SECOND": (0, 1_000_000), "MINUTE": (0, 60_000_000), "HOUR": (0, 3_600_000_000),
        "DAY": (0, CivilTime.microsPerDay), "DAYOFYEAR": (0, CivilTime.microsPerDay), "WEEK": (0, 7 * CivilTime.microsPerDay),
        "MONTH": (1, 0), "QUARTER": (3, 0), "YEAR": (12, 0),
    ]

    static let names = Set(steps.keys)

    /// The functions that give the fields of `extract`, by the fields' lower-case names.
    static let fields: [String: String] = {
        var table: [String: String] = [:]
        for (function, names) in [
            ("year", "year y years yr yrs"), ("year of week", "yearofweek"), ("quarter", "quarter qtr"),
            ("month", "month mon mons months"), ("weekofyear", "week w weeks"), ("day", "day d days"),
            ("dayofweek", "dayofweek dow"), ("day of iso week", "dayofweek_iso dow_iso"), ("dayofyear", "doy"),
            ("hour", "hour h hours hr hrs"), ("minute", "minute m min mins minutes"), ("second fraction", "second s sec seconds secs"),
        ] {
            for name in names.split(separator: " ") { table[String(name)] = function }
        }
        return table
    }()
}
