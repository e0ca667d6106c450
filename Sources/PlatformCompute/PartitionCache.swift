// Kept partitions (`persist`, `cache`). Evicted or lost partitions are computed again from the lineage, so this holds nothing that matters.
// It is bounded in elements, since it cannot know their bytes; the least recently used partition goes first.
import Collections
import ComputeCore
import Synchronization

final class PartitionCache: Sendable {
    /// Elements kept over all cached partitions.
    static let elementsMax = 50_000_000

    private struct Key: Hashable {
        let dataset: DatasetID
        let partition: Int
    }

    private struct Entry {
        let elements: any Sendable
        let count: Int
    }

    private struct State {
        var persisted: Set<DatasetID> = []
        /// Oldest use first.
        var entries: OrderedDictionary<Key, Entry> = [:]
        var count = 0
    }

    private let state = Mutex(State())

    func persist(_ dataset: DatasetID) {
        state.withLock { _ = $0.persisted.insert(dataset) }
    }

    func unpersist(_ dataset: DatasetID) {
        state.withLock { state in
            state.persisted.remove(dataset)
            for key in state.entries.keys where key.dataset == dataset { Self.remove(key, from: &state) }
        }
    }

    /// Forgets one partition, as losing a worker would.
    func lose(_ dataset: DatasetID, partition: Int) {
        state.withLock { Self.remove(Key(dataset: dataset, partition: partition), from: &$0) }
    }

    func clear() {
        state.withLock { $0 = State() }
    }

    func isPersisted(_ dataset: DatasetID) -> Bool {
        state.withLock { $0.persisted.contains(dataset) }
    }

    func elements<Element: Sendable>(_ dataset: DatasetID, partition: Int, of type: Element.Type) -> [Element]? {
        state.withLock { state in
            let key = Key(dataset: dataset, partition: partition)
            guard let entry = state.entries.removeValue(forKey: key) else { return nil }
            state.entries[key] = entry
            return entry.elements as? [Element]
        }
    }

    func keep<Element: Sendable>(_ elements: [Element], _ dataset: DatasetID, partition: Int) {
        state.withLock { state in
            guard elements.count <= Self.elementsMax, state.persisted.contains(dataset) else { return }
            let key = Key(dataset: dataset, partition: partition)
            Self.remove(key, from: &state)
            state.entries[key] = Entry(elements: elements, count: elements.count)
            state.count += elements.count
            while state.count > Self.elementsMax, let oldest = state.entries.keys.first { Self.remove(oldest, from: &state) }
        }
    }

    private static func remove(_ key: Key, from state: inout State) {
        if let entry = state.entries.removeValue(forKey: key) { state.count -= entry.count }
    }
}
