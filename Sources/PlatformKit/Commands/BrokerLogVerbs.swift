// `platform broker log`: the files of partitions, read without a broker. Changes nothing, so it can run beside one.
import ArgumentParser
import Base
import Foundation
import KafkaWire
import Storage

extension BrokerCommand {
    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "log", abstract: "Look into the files of partitions.",
            discussion:
                "EXAMPLES\n  platform broker log dump ~/.local/share/platform/broker/topics/events.0b7f6a2c/0\n  platform broker log verify ~/.local/share/platform/broker/topics",
            subcommands: [Dump.self, Verify.self])

        struct Dump: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "dump",
                abstract: "Print the record batches of a segment file or of all in a directory.",
                discussion:
                    "EXAMPLES\n  platform broker log dump ~/.local/share/platform/broker/topics/events.0b7f6a2c/0\n  platform broker log dump 00000000000000000000.log -o json"
            )
            @Argument(help: "A .log file, or a partition's directory.") var path: String
            @OptionGroup var output: OutputOptions

            func run() async throws {
                var rows: [[OutputValue]] = []
                for file in try SegmentFiles.under(path, recursive: false) {
                    try SegmentFiles.forEachBatch(file) { position, batch in
                        rows.append([
                            .text(Paths.name(file)), .number(position), .number(batch.baseOffset), .number(batch.nextOffset - 1),
                            .number(Int64(batch.recordCount)),
                            .number(Int64(batch.sizeBytes)), .text(SegmentFiles.codec(batch)), .text(SegmentFiles.kind(batch)),
                            batch.producerID < 0 ? .null : .number(batch.producerID), .number(batch.maxTimestamp), .flag(batch.isIntact),
                        ])
                    }
                }
                Output.rows(
                    ["file", "position", "first", "last", "records", "bytes", "codec", "kind", "producer", "time", "intact"], rows,
                    output.output)
            }
        }

        struct Verify: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "verify",
                abstract: "Check every record batch of every segment under a directory; exit 65 if one is damaged.",
                discussion:
                    "The last file of a partition may end in the middle of a batch while a broker runs or after a crash; that is told, and no damage.\n\nEXAMPLES\n  platform broker log verify ~/.local/share/platform/broker/topics\n  platform broker log verify /srv/broker/topics"
            )
            @Argument(help: "A .log file, or a directory with some below it.") var path: String

            func run() async throws {
                var batches = 0
                var damaged: [String] = []
                let files = try SegmentFiles.under(path, recursive: true)
                for (place, file) in files.enumerated() {
                    var expected: Int64 = 0
                    let batchesBefore = batches
                    let rest = try SegmentFiles.forEachBatch(file) { position, batch in
                        batches += 1
                        if !batch.isIntact { damaged.append("\(file) at byte \(position): the checksum does not match") }
                        if batch.baseOffset < expected {
                            damaged.append("\(file) at byte \(position): offset \(batch.baseOffset) comes after \(expected - 1)")
                        }
                        expected = batch.nextOffset
                    }
                    guard rest > 0 else { continue }
                    let isLast = place == files.count - 1 || Paths.parent(files[place + 1]) != Paths.parent(file)
                    if isLast, batches > batchesBefore {
                        Output.note("\(file): \(rest) bytes at the end are no whole batch")
                    } else {
                        damaged.append(
                            "\(file): \(batches == batchesBefore ? "it does not begin with a whole record batch" : "\(rest) bytes at the end are no whole batch")"
                        )
                    }
                }
                guard damaged.isEmpty else {
                    throw CommandFailure(
                        .corrupt,
                        "\(damaged.count == 1 ? "1 place is" : "\(damaged.count) places are") damaged; \(batches) record batches were found",
                        why: damaged.prefix(5).joined(separator: "; "),
                        next: "restore these files from a backup, or delete the records: `platform broker topic truncate`")
                }
                Output.line("\(batches) record batches in \(files.count) files, none is damaged")
            }
        }
    }
}

/// Segment files for the log verbs.
private enum SegmentFiles {
    static func under(_ path: String, recursive: Bool) throws(CommandFailure) -> [String] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure(
                .failed, "cannot read \(path)", why: "there is no such file or directory",
                next: "partitions lie in DATA/broker/topics/NAME.ID/PARTITION")
        }
        guard isDirectory.boolValue else { return [path] }
        let names = recursive ? FileManager.default.subpaths(atPath: path) : try? FileManager.default.contentsOfDirectory(atPath: path)  // it exists
        let found = (names ?? []).filter { $0.hasSuffix(".log") || $0.hasSuffix(".tail") }.sorted().map { Paths.join(path, $0) }
        guard !found.isEmpty else {
            throw CommandFailure(
                .failed, "nothing to read in \(path)", why: "it has no .log or .tail files",
                next: "partitions lie in DATA/broker/topics/NAME.ID/PARTITION")
        }
        return found
    }

    /// Visits the whole batches of a file with their positions; returns the number of bytes behind them that form none.
    @discardableResult static func forEachBatch(_ path: String, _ visit: (Int64, RecordBatch) -> Void) throws -> Int64 {
        let files = RealFileSystem()
        let file = Base.FileHandle(open(path, O_RDONLY | O_CLOEXEC))
        guard file.number >= 0 else {
            throw CommandFailure(.failed, "cannot read \(path)", why: String(cString: strerror(errno)), next: "check the path and its mode")
        }
        defer { files.close(file) }
        let size = try files.size(file)
        var position: Int64 = 0
        while let fields = RecordBatch.peek(try files.read(file, at: position, count: RecordBatchFormat.headerBytes)),
            position + Int64(fields.sizeBytes) <= size
        {
            visit(position, try RecordBatch(try files.read(file, at: position, count: fields.sizeBytes)))
            position += Int64(fields.sizeBytes)
        }
        return size - position
    }

    static func codec(_ batch: RecordBatch) -> String { Compression(rawValue: batch.codecNumber).map { "\($0)" } ?? "\(batch.codecNumber)" }

    static func kind(_ batch: RecordBatch) -> String {
        if let marker = batch.marker { return "\(marker)" }
        if batch.isControl { return "control" }
        return batch.isTransactional ? "transaction" : "records"
    }
}
