// Listings that each broker knows only for itself, such as the groups that it coordinates: all brokers are asked, and the silent ones are
// named.
import Base
import KafkaWire

/// The joined answers of all brokers.
package struct KafkaListing<Entry: Sendable>: Sendable {
    package var entries: [Entry]
    /// The brokers without an answer, in order, with the reasons: entries that only they know are missing.
    package var missing: [(node: Int32, why: KafkaFailure)]

    /// Sorted, each name once: two brokers may list an entry while one takes it over from the other.
    func sorted(by name: KeyPath<Entry, String>) -> KafkaListing {
        let ordered = entries.sorted { $0[keyPath: name] < $1[keyPath: name] }
        var once: [Entry] = []
        for entry in ordered where once.last?[keyPath: name] != entry[keyPath: name] { once.append(entry) }
        return KafkaListing(entries: once, missing: missing)
    }
}

extension KafkaClient {
    /// Asks all live brokers at the same time. Throws the first failure if none of them answers.
    func list<Entry: Sendable, Request: KafkaRequest>(
        _ request: Request, _ read: @escaping @Sendable (Request.Response) throws(KafkaFailure) -> [Entry]
    ) async throws -> KafkaListing<Entry> {
        let nodes = try await nodes()
        let answers = await withTaskGroup(of: (node: Int32, result: Result<[Entry], KafkaFailure>).self) { group in
            for node in nodes { group.addTask { (node, await self.ask(node, request, read)) } }
            var answers: [(node: Int32, result: Result<[Entry], KafkaFailure>)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.node < $1.node }
        }
        var listing = KafkaListing<Entry>(entries: [], missing: [])
        for (node, result) in answers {
            switch result {
            case .success(let entries): listing.entries += entries
            case .failure(let failure): listing.missing.append((node, failure))
            }
        }
        if let first = listing.missing.first, listing.missing.count == nodes.count { throw first.why }
        return listing
    }

    private func ask<Entry: Sendable, Request: KafkaRequest>(
        _ node: Int32, _ request: Request, _ read: @Sendable (Request.Response) throws(KafkaFailure) -> [Entry]
    ) async -> Result<[Entry], KafkaFailure> {
        do { return .success(try read(try await connection(to: node).call(request, within: KafkaConnection.shortAnswerTime))) } catch {
            return .failure(error as? KafkaFailure ?? .damagedAnswer("\(error)"))
        }
    }
}
