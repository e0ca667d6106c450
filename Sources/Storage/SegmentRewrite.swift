// Replacing sealed segments by a shorter version, for logs that are compacted. Any thread writes the replacement beside the log and makes
// it durable; it then takes the segments' place by renames that a crash can interrupt anywhere. A file that ends in `.cleaned` is
// unfinished and is removed; one that ends in `.swap` is finished and takes its place at the next opening.
import Base

/// A sealed segment, for a reader beside the log.
package struct SealedSegment: Sendable, Equatable {
    package var baseOffset: Int64
    package var sizeBytes: Int64
    package var nextOffset: Int64
    package var maxTimestamp: Int64
    package var path: String
}

extension SealedSegment {
    /// Visits the records in order, by a descriptor of its own, until `visit` returns false. Throws `notFound` for a segment removed
    /// meanwhile.
    package func forEachRecord<F: LogFraming>(
        _: F.Type, _ files: any FileSystem, _ visit: (RecordExtent, Bytes) throws(StorageError) -> Bool
    ) throws(StorageError) {
        let file = try files.open(path, create: false)
        defer { files.close(file) }
        var scan = RecordScan<F>(files: files, file: file, fileBytes: sizeBytes, position: 0)
        while let (extent, record) = try scan.peek(expecting: nil) {
            guard try visit(extent, record) else { return }
            scan.advance(extent)
        }
        guard scan.position == sizeBytes else {
            throw StorageError(.corrupt("a record at byte \(scan.position) fails its checksum"), "read", path)
        }
    }
}

/// The replacement of the segments from `firstBase` up to `endBase`.
package struct SegmentRewrite<Framing: LogFraming>: Sendable {
    package let firstBase: Int64
    /// The base offset of the first segment after the replaced ones.
    package let endBase: Int64
    private let files: any FileSystem
    private let directory: String
    var segment: Segment

    /// Begins a replacement; overwrites an earlier unfinished one.
    package init(files: any FileSystem, directory: String, firstBase: Int64, endBase: Int64) throws(StorageError) {
        self.files = files
        self.directory = directory
        self.firstBase = firstBase
        self.endBase = endBase
        segment = Segment(
            baseOffset: firstBase, file: try files.open(Self.path(directory, firstBase, endBase, Self.unfinished), create: true))
        try files.truncate(segment.file, to: 0)
    }

    package var sizeBytes: Int64 { segment.sizeBytes }

    static var unfinished: String { ".cleaned" }
    static var finished: String { ".swap" }

    static func path(_ directory: String, _ firstBase: Int64, _ endBase: Int64, _ suffix: String) -> String {
        directory + "/" + Segment.fileName(firstBase) + "-" + Segment.fileName(endBase) + suffix
    }

    /// Appends whole records in the order of their offsets.
    package mutating func append(_ records: Bytes) throws(StorageError) {
        var rest = records
        var extents: [RecordExtent] = []
        while rest.readableBytes > 0 {
            guard let extent = Framing.extent(rest), extent.bytes <= rest.readableBytes else {
                preconditionFailure("only whole records are appended")
            }
            extents.append(extent)
            rest.moveReaderIndex(forwardBy: extent.bytes)
        }
        try files.write(segment.file, at: segment.sizeBytes, records)
        for extent in extents { segment.note(extent) }
    }

    /// Makes the replacement durable, so that it can take its place.
    package func finish() throws(StorageError) { try files.sync(segment.file) }

    /// Gives the replacement up.
    package func abandon() throws(StorageError) {
        files.close(segment.file)
        try files.remove(Self.path(directory, firstBase, endBase, Self.unfinished))
    }
}

extension SegmentLog {
    /// The durable segments before the active one, oldest first.
    package var sealedSegments: [SealedSegment] {
        segments.dropLast().prefix(while: \.isSettled).map {
            SealedSegment(
                baseOffset: $0.baseOffset, sizeBytes: $0.sizeBytes, nextOffset: $0.nextOffset, maxTimestamp: $0.maxTimestamp,
                path: path(of: $0))
        }
    }

    /// Puts a finished replacement into the place of its segments. False, and the replacement is given up, if the segments are not the ones
    /// that it was made from. A failure in the middle is final, since the log's state is unknown then; an opening finishes the replacement.
    package func replace(with rewrite: SegmentRewrite<Framing>) throws(StorageError) -> Bool {
        if let failed { throw failed }
        guard let first = segments.firstIndex(where: { $0.baseOffset == rewrite.firstBase }),
            let end = segments.firstIndex(where: { $0.baseOffset == rewrite.endBase }), first < end
        else {
            try rewrite.abandon()
            return false
        }
        let finished = SegmentRewrite<Framing>.path(directory, rewrite.firstBase, rewrite.endBase, SegmentRewrite<Framing>.finished)
        do {
            try files.rename(
                SegmentRewrite<Framing>.path(directory, rewrite.firstBase, rewrite.endBase, SegmentRewrite<Framing>.unfinished),
                to: finished)
            try files.syncDirectory(directory)
            for segment in segments[first..<end] { files.close(segment.file) }
            try takePlace(finished, firstBase: rewrite.firstBase, covered: segments[first..<end].map(\.baseOffset))
        } catch {
            failed = error
            throw error
        }
        segments.replaceSubrange(first..<end, with: [rewrite.segment])
        try writeIndex(&segments[first])
        return true
    }

    /// Removes the covered segments and renames the replacement to the first one's name. Every step can be repeated.
    private func takePlace(_ finished: String, firstBase: Int64, covered: [Int64]) throws(StorageError) {
        for base in covered {
            try files.remove(indexPath(base))
            if base != firstBase { try files.remove(path(base, ".log")) }
        }
        try files.syncDirectory(directory)
        try files.rename(finished, to: path(firstBase, ".log"))
        try files.syncDirectory(directory)
    }

    /// Handles replacements left by a crash: removes unfinished ones, puts finished ones in their place. Returns the names in the directory
    /// then.
    func finishRewrites() throws(StorageError) -> [String] {
        let names = try files.list(directory)
        guard names.contains(where: { $0.hasSuffix(SegmentRewrite<Framing>.unfinished) || $0.hasSuffix(SegmentRewrite<Framing>.finished) })
        else { return names }
        for name in names where name.hasSuffix(SegmentRewrite<Framing>.unfinished) { try files.remove(directory + "/" + name) }
        let bases = names.filter { $0.hasSuffix(".log") }.compactMap { Int64($0.dropLast(4)) }
        for name in names where name.hasSuffix(SegmentRewrite<Framing>.finished) {
            let range = name.dropLast(SegmentRewrite<Framing>.finished.count).split(separator: "-").compactMap { Int64($0) }
            guard range.count == 2, range[0] < range[1] else {
                throw StorageError(.corrupt("its name tells no offsets"), "open", directory + "/" + name)
            }
            try takePlace(
                directory + "/" + name, firstBase: range[0], covered: bases.filter { $0 >= range[0] && $0 < range[1] } + [range[0]])
        }
        return try files.list(directory)
    }
}
