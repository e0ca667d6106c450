// Tries the decoders with damaged bytes: `platform-fuzz run SECONDS [FIRST [GOLDEN]]` changes seeds by number and says which numbers it is at, so that a crash
// can be repeated from there; `platform-fuzz seeds DIRECTORY [GOLDEN]` writes a corpus. Built with FUZZER (`make fuzz`) it is a libFuzzer program, which
// finds its own way by what each input reaches.
import Base
import Foundation
import FuzzTargets

@main enum PlatformFuzz {
    private static let slowest = Duration.seconds(2)

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        switch (words.first, words.count) {
        case ("seeds", 2...3): write(seeds(words.count > 2 ? words[2] : nil), to: words[1])
        case ("run", 2...4):
            guard let seconds = Int(words[1]), let first = UInt64(words.count > 2 ? words[2] : "1") else { return usage() }
            run(seconds, from: first, seeds(words.count > 3 ? words[3] : nil))
        default:
            #if FUZZER
                var count = CommandLine.argc
                var arguments = CommandLine.unsafeArgv
                // libFuzzer may change both, and lends each input for the length of the call.
                exit(
                    runDriver(&count, &arguments) { bytes, count in
                        FuzzTarget.run(Bytes(bytes: UnsafeBufferPointer(start: bytes, count: count)))
                        return 0
                    })
            #else
                usage()
            #endif
        }
    }

    private static func usage() {
        FileHandle.standardError.write(Data("usage: platform-fuzz run SECONDS [FIRST [GOLDEN]] | seeds DIRECTORY [GOLDEN]\n".utf8))
        exit(64)
    }

    /// Samples, and requests that were recorded from real clients (files of hex digits).
    private static func seeds(_ golden: String?) -> [Bytes] {
        var seeds = FuzzSeeds.all()
        for path in golden.map(files) ?? [] {
            let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let digits = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined()
            let bytes = stride(from: 0, to: digits.utf8.count - 1, by: 2).compactMap { UInt8(digits.dropFirst($0).prefix(2), radix: 16) }
            seeds.append(
                Bytes(bytes: [path.contains("batches") ? FuzzTarget.recordBatches.rawValue : FuzzTarget.kafkaRequest.rawValue] + bytes))
        }
        return seeds
    }

    private static func files(_ directory: String) -> [String] {
        (FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".hex") }.sorted().map
        { directory + "/" + $0 }
    }

    private static func write(_ seeds: [Bytes], to directory: String) {
        for (number, seed) in seeds.enumerated() {
            guard FileManager.default.createFile(atPath: "\(directory)/seed-\(number)", contents: Data(seed.readableBytesView)) else {
                print("\(directory) cannot be written; make it first")
                exit(1)
            }
        }
        print("\(seeds.count) seeds")
    }

    private static func run(_ seconds: Int, from first: UInt64, _ seeds: [Bytes]) {
        let mutator = FuzzMutator(seeds)
        let end = ContinuousClock.now + .seconds(seconds)
        var number = first
        while ContinuousClock.now < end {
            if (number - first) % 100_000 == 0 { print("at input \(number)") }
            let began = ContinuousClock.now
            FuzzTarget.run(mutator.input(number))
            guard ContinuousClock.now - began < slowest else {
                print("input \(number) took longer than \(slowest)")
                exit(1)
            }
            number += 1
        }
        print("\(number - first) inputs of \(seeds.count) seeds, nothing broke")
    }
}

#if FUZZER
    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<CInt>, _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
        _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    ) -> CInt
#endif
