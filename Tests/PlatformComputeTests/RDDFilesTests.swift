// Text files into RDDs and back: the split law over all split sizes, the layout of the output directory, and its refusal.
import ComputeCore
import Foundation
import Testing

@testable import ComputeRuntime
@testable import PlatformCompute

@Suite struct RDDFilesTests {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("rdd-\(UUID().uuidString)").path

    @Test func everyLineBelongsToExactlyOneSplitWhateverTheCuts() throws {
        let text = "one\n\ntwo words\r\nthree\nlast without end"
        let bytes = Array(text.utf8)
        let expected = ["one", "", "two words", "three", "last without end"]
        for size in 1...(bytes.count + 2) {
            for chunk in [1, 3, 7, 1_000] {
                var lines: [String] = []
                let file = InputFile(path: "x", bytes: Int64(bytes.count), blockBytes: Int64(size))
                for split in InputSplits.plan([file], splitBytesMax: 0) {
                    var finder = SplitLines(split: split)
                    var offset = Int(finder.readStart)
                    while !finder.isFinished {
                        let piece = bytes[offset..<min(offset + chunk, bytes.count)]
                        try finder.feed(piece) { line in
                            lines.append(String(decoding: line, as: UTF8.self))
                            return true
                        }
                        offset += piece.count
                        if piece.isEmpty {
                            try finder.finish { line in
                                lines.append(String(decoding: line, as: UTF8.self))
                                return true
                            }
                        }
                    }
                }
                #expect(lines == expected, "splits of \(size) bytes, chunks of \(chunk)")
            }
        }
    }

    @Test func savesPartsAndSuccessAndReadsThemBack() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }  // left behind at worst
        let sc = try SparkContext(appName: "tests", master: "local[2]")
        try sc.parallelize(1...9, numSlices: 3).saveAsTextFile(directory)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == [
                "_SUCCESS", "part-00000", "part-00001", "part-00002",
            ])
        #expect(try sc.textFile(directory).map { Int($0) ?? 0 }.collect() == Array(1...9))
        let error = #expect(throws: ComputeError.self) { try sc.parallelize([1]).saveAsTextFile(directory) }
        #expect(String(describing: error).contains("FileAlreadyExistsException"))
        #expect(throws: ComputeError.self) { try sc.textFile(directory + "-absent") }
    }
}
