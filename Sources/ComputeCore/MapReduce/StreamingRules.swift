// The pure rules of Hadoop Streaming: the key and value of a line, the reducer of a key, the words of a command line, the environment
// variables of settings, the reports on standard error. Source: the Hadoop Streaming manual; Hadoop's HashPartitioner over Text keys.

package enum StreamingRules {
    /// The bytes before the first TAB and those after it; without a TAB the whole line is the key.
    package static func split(_ line: ArraySlice<UInt8>) -> (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        guard let tab = line.firstIndex(of: 0x09) else { return (line, line[line.endIndex...]) }
        return (line[..<tab], line[(tab + 1)...])
    }

    /// The reduce task of a key, as in Hadoop's default partitioner.
    package static func partition(_ key: ArraySlice<UInt8>, reduceTasks: Int) -> Int {
        if reduceTasks <= 1 { return 0 }
        var hash: Int32 = 1
        for byte in key { hash = 31 &* hash &+ Int32(Int8(bitPattern: byte)) }
        return Int(hash & Int32.max) % reduceTasks
    }

    /// Words of a command line; single and double quotes and a backslash quote as in a shell, nothing is expanded.
    package static func words(_ command: String) throws(StreamingRefusal) -> [String] {
        var words: [String] = []
        var word = ""
        var isWord = false
        var quote: Character?
        var isEscaped = false
        for character in command {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" && quote != "'" {
                isEscaped = true
                isWord = true
            } else if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                isWord = true
            } else if character == " " || character == "\t" || character == "\n" {
                if isWord { words.append(word) }
                word = ""
                isWord = false
            } else {
                word.append(character)
                isWord = true
            }
        }
        guard quote == nil, !isEscaped else { throw .unclosedQuote(command) }
        if isWord { words.append(word) }
        return words
    }

    /// The environment variable of a setting: `mapreduce_job_name` for `mapreduce.job.name`.
    package static func environmentName(_ setting: String) -> String {
        String(
            setting.unicodeScalars.map { scalar in
                let isPlain = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                return isPlain ? Character(scalar) : "_"
            })
    }

    package enum Report: Hashable, Sendable {
        case counter(group: String, name: String, amount: Int64)
        case status(String)
    }

    /// The report in a line of a child's standard error; nil for plain text.
    package static func report(_ line: String) -> Report? {
        if line.hasPrefix("reporter:status:") { return .status(String(line.dropFirst("reporter:status:".count))) }
        guard line.hasPrefix("reporter:counter:") else { return nil }
        let parts = line.dropFirst("reporter:counter:".count).split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count >= 3, let last = parts.last, let amount = Int64(String(last).filter { $0 != " " }) else { return nil }
        return .counter(group: String(parts[0]), name: parts[1..<(parts.count - 1)].joined(separator: ","), amount: amount)
    }
}

package enum StreamingRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case unclosedQuote(String)
    case emptyCommand

    package var description: String {
        switch self {
        case .unclosedQuote(let command): "unclosed quote in command: \(command)"
        case .emptyCommand: "a mapper or reducer command is empty"
        }
    }
}
