// What is left of older code under the rules of LedgerTests. The numbers only shrink.

enum Ledgers {
    /// The parts of the benchmark program.
    static let benchmarks = ["broker", "compute", "coord", "dfs", "start"]

    /// Words that make comments hard to read, and what to say.
    nonisolated(unsafe) static let hardWords: [(words: Regex<Substring>, instead: String)] = [
        (#/\b[Ww]ho(?:ever)? (?:is|was|asks|may|has|leads|watches|comes|goes)\b/#, "the noun: the client, the leader, the caller"),
        (#/\b(?:[Ww]hoever|[Ss]omebody|[Ee]verybody|[Aa]nybody)\b/#, "the noun: any client, every broker"),
        (#/\b[Nn]obody\b/#, "`no client`, `no replica`, or an active sentence"),
        (#/\b[Aa]new\b/#, "`again`, or a verb with re-"),
        (#/\b[Ww]hat (?:is|was|it|they|nobody|somebody|others) /#, "the noun: the value, the rest, the pending records"),
        (#/\b(?:is|are|was|were) told\b/#, "`gets`, `learns`, `is notified`, or the sender as subject"),
        (#/\bhear[ds]? of\b/#, "`gets`, `is notified of`"),
        (#/\bas good as\b/#, "`counts as`"),
    ]
    static let hardComments: [String: Int] = [:]

    static let longLines: [String: Int] = [:]

    static let propertiesMax = 12
    static let manyProperties: [String: Int] = [:]
}
