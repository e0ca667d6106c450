// Verbs that read files: to the standard output, to local files, and their checksums.
import Base
import Clients
import Codecs
import Foundation
import HadoopNet
import HadoopWire
import NetKit

extension DFSVerb {
    static let reading: [DFSVerb] = [
        DFSVerb("cat", "[-ignoreCrc] <src> ...", "Print files.", flags: ["ignoreCrc"], Reading.cat),
        DFSVerb("text", "[-ignoreCrc] <src> ...", "Print files that hold text.", flags: ["ignoreCrc"], Reading.text),
        DFSVerb("head", "<file>", "Print the first kilobyte of a file.", operands: 1...1, Reading.head),
        DFSVerb(
            "tail", "[-f] [-s <interval>] <file>", "Print the last kilobyte of a file, and go on as it grows.", flags: ["f", "s:"],
            operands: 1...1, Reading.tail),
        DFSVerb(
            "getmerge", "[-nl] [-skip-empty-file] <src> ... <localdst>", "Put files together into a local one.",
            flags: ["nl", "skip-empty-file"], operands: 2...Int.max, Reading.merge),
        DFSVerb("checksum", "[-v] <src> ...", "Tell checksums of files, made of those of their blocks.", flags: ["v"], Reading.checksum),
    ]
}

private enum Reading {
    private static func mustBeFile(_ path: ShellPath) throws {
        if path.status?.kind == .directory { throw ShellComplaint(path.shown, ShellComplaint.isDirectory) }
    }

    @Sendable static func cat(_ call: VerbCall) async throws {
        try await call.eachPath { path in
            try mustBeFile(path)
            try await path.access.read(path.path, offset: 0, lengthBytes: .max) { Output.raw($0) }
        }
    }

    /// The first bytes of files that are not plain text.
    private static let packed: [(start: [UInt8], codec: Codec)] = [
        ([0x1F, 0x8B], .gzip), ([0x28, 0xB5, 0x2F, 0xFD], .zstd), ([0x04, 0x22, 0x4D, 0x18], .lz4),
    ]
    private static let foreign: [(start: [UInt8], kind: String)] = [
        (Array("SEQ".utf8), "a SequenceFile"), (Array("Obj\u{1}".utf8), "an Avro file"), (Array("BZh".utf8), "compressed by bzip2"),
    ]

    @Sendable static func text(_ call: VerbCall) async throws {
        try await call.eachPath { path in
            try mustBeFile(path)
            var start: [UInt8] = []
            try await path.access.read(path.path, offset: 0, lengthBytes: 4) { start += $0.readableBytesView }
            if let kind = foreign.first(where: { start.starts(with: $0.start) })?.kind {
                throw ShellComplaint(path.shown, "it is \(kind), which is not unpacked here; get the file and unpack it")
            }
            guard let codec = packed.first(where: { start.starts(with: $0.start) })?.codec else {
                return try await path.access.read(path.path, offset: 0, lengthBytes: .max) { Output.raw($0) }
            }
            do { try await unpack(path, codec) } catch let error as CodecError { throw ShellComplaint(path.shown, error.description) }
        }
    }

    private static func unpack(_ path: ShellPath, _ codec: Codec) async throws {
        let opener = StreamOpener(codec, bytesMax: .max)
        func printed(_ bytes: [UInt8], isLast: Bool) throws {
            opener.feed(bytes, isLast: isLast)
            while let piece = try opener.next() { Output.raw(Bytes(bytes: piece)) }
        }
        try await path.access.read(path.path, offset: 0, lengthBytes: .max) { try printed(Array($0.readableBytesView), isLast: false) }
        try printed([], isLast: true)
    }

    private static let endBytes: Int64 = 1024

    @Sendable static func head(_ call: VerbCall) async throws {
        try await call.eachPath { path in
            try mustBeFile(path)
            try await path.access.read(path.path, offset: 0, lengthBytes: endBytes) { Output.raw($0) }
        }
    }

    @Sendable static func tail(_ call: VerbCall) async throws {
        let pause = call.values["s"].flatMap { Int64($0) } ?? 5000
        try await call.eachPath { path in
            try mustBeFile(path)
            var offset = max(0, Int64(clamping: path.status?.lengthBytes ?? 0) - endBytes)
            while true {
                var read: Int64 = 0
                try await path.access.read(path.path, offset: offset, lengthBytes: .max) {
                    Output.raw($0)
                    read += Int64($0.readableBytes)
                }
                offset += read
                guard call.has("f") else { return }
                try await Task.sleep(for: .milliseconds(max(1, pause)))
            }
        }
    }

    // MARK: to the local disk

    @Sendable static func merge(_ call: VerbCall) async throws {
        let target = call.operands[call.operands.count - 1]
        let file = try LocalFile.create(target, overwrite: true)
        do {
            try await call.eachPath(Array(call.operands.dropLast())) { path in
                let parts = path.status?.kind == .directory ? try await path.children().filter { $0.status?.kind == .file } : [path]
                for part in parts where !call.has("skip-empty-file") || part.status?.lengthBytes != 0 {
                    try await part.access.read(part.path, offset: 0, lengthBytes: .max) { try file.write($0) }
                    if call.has("nl") { try file.write(Bytes(string: "\n")) }
                }
            }
        } catch {
            file.discard()
            throw error
        }
        try file.commit()
    }

    // MARK: checksums

    @Sendable static func checksum(_ call: VerbCall) async throws {
        let combination = try call.shell.combination()
        try await call.eachPath { path in
            try mustBeFile(path)
            let sum = try await path.access.checksum(path.path, combination)
            Output.line("\(path.shown)\t\(sum.algorithm)\t\(sum.hex)")
        }
    }
}
