// Tries the real program with well-formed, unusual requests: boundary values in every field, in sequences by several sessions. After each
// sequence the program is stopped or killed and restarted, and all of its state is compared, with the state before and between servers.
// `platform-fuzz-api run PROTOCOL SECONDS [SEED] [--servers N]`; a failure names the seed, and `SEED` alone repeats it. `platform-fuzz-api
// differ PROTOCOL REQUESTS SEED ADDRESS` sends the same requests, one after the other, to our server and an equally empty other one, and
// compares the answers; `conceal broker REQUESTS SEED` those of a user without rights to brokers with and without hidden resources.
import Base
import Foundation
import TestKit

/// A fault of the program.
struct Finding: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

@main enum FuzzAPI {
    /// The protocols, by name.
    static var subjects: [String: any Subject.Type] {
        [
            "coord": CoordSubject.self, "broker": KafkaSubject.self, "dfs": WebHDFSSubject.self, "dfs-rpc": RPCSubject.self,
            "compute": SparkSubject.self,
        ]
    }

    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
        var servers = 1
        if let place = words.firstIndex(of: "--servers"), place + 1 < words.count, let count = Int(words[place + 1]) {
            servers = count
            words.removeSubrange(place...place + 1)
        }
        guard words.count >= 3, let subject = subjects[words[1]], let amount = Int(words[2]) else { return usage() }
        let seed = words.count > 3 ? UInt64(words[3]) : 1
        guard let seed else { return usage() }
        switch (words[0], words.count) {
        case ("run", 3...4): run(subject, amount, from: seed, servers)
        case ("conceal", 4): if words[1] == KafkaSubject.name { conceal(amount, seed) } else { usage() }
        case ("differ", 5): differ(subject, amount, seed, words[4])
        default: usage()
        }
    }

    private static func usage() {
        say(
            """
            usage: platform-fuzz-api run coord|broker|dfs|dfs-rpc|compute SECONDS [SEED] [--servers N]
                   platform-fuzz-api differ coord REQUESTS SEED HOST:PORT
                   platform-fuzz-api conceal broker REQUESTS SEED
            """)
        exit(64)
    }

    static func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    private static func run(_ subject: any Subject.Type, _ seconds: Int, from first: UInt64, _ servers: Int) {
        let end = ContinuousClock.now + .seconds(seconds)
        var seed = first
        var requests = 0
        repeat {
            do {
                let run = try SequenceRun(subject, seed: seed, servers: servers)
                requests += try run.run()
            } catch {
                let more = servers == 1 ? "" : " --servers \(servers)"
                say("seed \(seed): \(error)\nagain: platform-fuzz-api run \(subject.name) 0 \(seed)\(more)")
                exit(1)
            }
            seed += 1
        } while ContinuousClock.now < end
        say("\(subject.name): \(seed - first) sequences from seed \(first) on, \(requests) requests: no finding")
    }

    private static func conceal(_ requests: Int, _ seed: UInt64) {
        do {
            let told = try SecrecyRun(seed: seed, requests: requests).run()
            for line in told.prefix(20) { say("seed \(seed): \(line)") }
            say("broker: \(requests) requests of a user without rights, seed \(seed): \(told.count) answers tell of hidden resources")
            exit(told.isEmpty ? 0 : 1)
        } catch {
            say("seed \(seed): \(error)")
            exit(1)
        }
    }

    private static func differ(_ subject: any Subject.Type, _ requests: Int, _ seed: UInt64, _ other: String) {
        do {
            let differences = try DifferentialRun(subject, seed: seed, requests: requests, other).run()
            for line in differences.prefix(100) { say("seed \(seed): \(line)") }
            say("\(subject.name): \(requests) requests to both, seed \(seed): \(differences.count) differences")
            exit(differences.isEmpty ? 0 : 1)
        } catch {
            say("seed \(seed): \(error)")
            exit(1)
        }
    }
}
