// Runs one step of a task (map, combine or reduce) as a function of this process or as a child process that reads and prints lines. It
// counts records, reads counters and status from a child's standard error, and turns a failing child into an error with the end of that
// output.
import ComputeCore

final class StepRunner {
    /// Bytes of a child's standard error kept for the message of its failure.
    private static let errorTailBytes = 4 << 10

    private(set) var counters = JobCounters()
    private let environment: [(String, String)]
    private let token: JobToken
    private let onStatus: @Sendable (String) -> Void

    init(environment: [(String, String)], token: JobToken, onStatus: @escaping @Sendable (String) -> Void) {
        self.environment = environment
        self.token = token
        self.onStatus = onStatus
    }

    func add(_ name: JobCounters.Name, _ amount: Int64) {
        counters.add(name, amount)
    }

    /// Feeds lines to a mapper and emits its records.
    func map(_ step: MapStep, lines: ((ArraySlice<UInt8>) throws -> Bool) throws -> Void, emit: @escaping RecordEmitter) throws {
        var inputRecords: Int64 = 0
        var outputRecords: Int64 = 0
        func counted(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws {
            outputRecords += 1
            try emit(key, value)
        }
        switch step {
        case .identity:
            try lines { line in
                inputRecords += 1
                let (key, value) = StreamingRules.split(line)
                try counted(key, value)
                return !self.token.isCancelled
            }
        case .function(let function):
            try lines { line in
                inputRecords += 1
                try function(line, counted)
                return true
            }
        case .command(let arguments):
            try runChild(
                arguments,
                onLine: { line in
                    let (key, value) = StreamingRules.split(line)
                    try counted(key, value)
                }
            ) { child in
                try lines { line in
                    inputRecords += 1
                    try child.write(line)
                    try child.write(Self.newline)
                    return true
                }
            }
        }
        add(.mapInputRecords, inputRecords)
        add(.mapOutputRecords, outputRecords)
    }

    /// Feeds sorted records to a combiner or reducer. `onGroup` and `onRecord` count; `emit` takes the output.
    func reduce(
        _ step: ReduceStep, _ source: any RecordSource, onGroup: () -> Void, onRecord: () -> Void, emit: @escaping RecordEmitter
    ) throws {
        switch step {
        case .identity:
            var last: [UInt8]?
            while try source.next() {
                onRecord()
                if last.map({ $0[...] != source.key }) ?? true {
                    onGroup()
                    last = Array(source.key)
                }
                try emit(source.key, source.value)
            }
        case .function(let function):
            try reduceGroups(source, onGroup: onGroup, onRecord: onRecord) { key, values in try function(key, values, emit) }
        case .command(let arguments):
            try runChild(
                arguments,
                onLine: { line in
                    let (key, value) = StreamingRules.split(line)
                    try emit(key, value)
                }
            ) { child in
                var last: [UInt8]?
                while try source.next() {
                    onRecord()
                    if last.map({ $0[...] != source.key }) ?? true {
                        onGroup()
                        last = Array(source.key)
                    }
                    try child.write(source.key)
                    try child.write(Self.tab)
                    try child.write(source.value)
                    try child.write(Self.newline)
                }
            }
        }
    }

    private func reduceGroups(
        _ source: any RecordSource, onGroup: () -> Void, onRecord: () -> Void,
        _ body: (ArraySlice<UInt8>, GroupValues) throws -> Void
    ) throws {
        var hasRecord = try source.next()
        while hasRecord {
            let key = Array(source.key)
            onGroup()
            var isFirst = true
            func pull() throws -> ArraySlice<UInt8>? {
                if !isFirst { hasRecord = try source.next() }
                isFirst = false
                guard hasRecord, source.key == key[...] else { return nil }
                onRecord()
                return source.value
            }
            try withoutActuallyEscaping(pull) { pull in
                let values = GroupValues(pull: pull)
                try body(key[...], values)
                // Values that the function left unread are skipped, so that the next group starts with its own key.
                while hasRecord, source.key == key[...], try values.next() != nil {}
            }
        }
    }

    private static let newline: ArraySlice<UInt8> = [0x0A]
    private static let tab: ArraySlice<UInt8> = [0x09]

    private func runChild(
        _ arguments: [String], onLine: @escaping (ArraySlice<UInt8>) throws -> Void, feed: (ChildProcess) throws -> Void
    ) throws {
        var output = LineAssembler()
        var errors = LineAssembler()
        var tail: [UInt8] = []
        let child = try ChildProcess(
            arguments: arguments, environment: environment, onOutput: { try output.feed($0, onLine) },
            onErrors: { chunk in
                try errors.feed(chunk) { line in self.readErrorLine(line, tail: &tail) }
            })
        let status = try token.withCancelHandler(child.killer) {
            try feed(child)
            return try child.finish()
        }
        try output.finish(onLine)
        try errors.finish { readErrorLine($0, tail: &tail) }
        if token.isCancelled { throw JobCancelled() }
        if let failure = ChildProcess.failure(status) {
            let text = String(decoding: tail.suffix(Self.errorTailBytes), as: UTF8.self)
            throw ChildError.failed(program: arguments.joined(separator: " "), status: failure, errorTail: text)
        }
    }

    private func readErrorLine(_ line: ArraySlice<UInt8>, tail: inout [UInt8]) {
        switch StreamingRules.report(String(decoding: line, as: UTF8.self)) {
        case .counter(let group, let name, let amount): counters.add(JobCounters.Name(group, name), amount)
        case .status(let status): onStatus(status)
        case nil:
            tail.append(contentsOf: line)
            tail.append(0x0A)
            if tail.count > 2 * Self.errorTailBytes { tail.removeFirst(tail.count - Self.errorTailBytes) }
        }
    }
}
