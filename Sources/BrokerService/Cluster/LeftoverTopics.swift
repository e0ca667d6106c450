// Files of topics that were deleted while this broker was away. The broker learns of most deletions from the log, but not where another
// broker's snapshot replaced its tables. In doubt, files stay: only directories named by this service are examined, and only once this
// incarnation is registered, so that the state here is newer than all files of earlier incarnations.
import Base
import BrokerCore
import Storage

extension Broker {
    /// Removes the directories that belong to no topic, and logs it.
    func removeLeftovers() {
        guard cluster?.hasJoined == true else { return }
        let root = dataDirectory + "/topics"
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let found: ([String]) -> Void = { [self] names in
            // A topic's directory is made after the topic, so the topic of every directory listed before now is known now.
            let known = Set((machine.topics.entries.map(\.value) + machine.dropped.entries.map(\.value)).map(directoryName))
            for name in names where LeftoverTopics.isTopic(name) && !known.contains(name) { remove(leftover: root + "/" + name) }
        }
        writers[0].disk.submit { [files, loop] in
            // Without a directory nothing is left over.
            let names = (try? files.list(root)) ?? []
            loop.execute { found(names) }
        }
    }

    private func remove(leftover directory: String) {
        writers[0].disk.submit { [files, log] in
            do throws(StorageError) {
                let partitions = try files.list(directory)
                guard partitions.allSatisfy({ Int32($0) != nil }) else {
                    return log.warning("a directory looks like a topic's and is none; it stays", metadata: ["directory": "\(directory)"])
                }
                for partition in partitions { try PartitionLog.remove(directory + "/" + partition) }
                try files.remove(directory)
                log.notice(
                    "the files of a topic that was deleted while this broker was away are removed", metadata: ["directory": "\(directory)"])
            } catch  where error.cause == .notFound {
                // It has been removed already.
            } catch {
                log.warning(
                    "the files of a topic that was deleted while this broker was away stay",
                    metadata: ["directory": "\(directory)", "error": "\(error)"])
            }
        }
    }
}

enum LeftoverTopics {
    private static let idDigits = 8

    /// Whether a directory's name has the form of a topic's: NAME.ID.
    static func isTopic(_ directory: String) -> Bool {
        guard let dot = directory.lastIndex(of: "."), dot > directory.startIndex else { return false }
        let id = directory[directory.index(after: dot)...]
        return id.utf8.count == idDigits
            && id.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
