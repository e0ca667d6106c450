// A datanode of a run: replicas that survive its end, a disk that fills and rots, orders that it obeys. It stores numbers, one for
// each byte, so that a wrong byte is seen.
import Base
import DFSCore

/// A replica on a simulated disk.
struct SimReplicaFile: Equatable {
    var generation: Generation
    var bytes: [UInt32]
    var isFinal = false
    /// The stored checksums do not fit the bytes any more.
    var isRotten = false
    var printed: String { "\(generation)\(isFinal ? "" : " open")\(isRotten ? " rotten" : "")" }
}

/// A datanode and its disk.
struct SimDatanode {
    let record: DatanodeRecord
    var isAlive = true
    var replicas: [BlockID: SimReplicaFile] = [:]
    var capacityBytes: Int
    /// The namenode has missed a report, or has asked for all of them.
    var mustRegister = true

    init(_ number: Int, capacityBytes: Int) {
        record = DatanodeRecord(
            uuid: "n\(number)", storageID: "s\(number)", address: "10.0.0.\(number)", hostName: "h\(number)", transferPort: 1, infoPort: 2,
            ipcPort: 3, rack: "/r\(number % 2)")
        self.capacityBytes = capacityBytes
    }

    var usedBytes: Int { replicas.values.reduce(0) { $0 + $1.bytes.count } }
    var figures: DatanodeRecord.Figures {
        var figures = DatanodeRecord.Figures()
        figures.capacityBytes = UInt64(capacityBytes)
        figures.usedBytes = UInt64(usedBytes)
        figures.remainingBytes = UInt64(max(0, capacityBytes - usedBytes))
        return figures
    }
    func hasRoom(_ bytes: Int) -> Bool { usedBytes + bytes <= capacityBytes }

    /// Begins a replica; false where that is not possible.
    mutating func create(_ id: BlockID, _ generation: Generation) -> Bool {
        guard isAlive, hasRoom(1), replicas[id].map({ $0.generation < generation }) ?? true else { return false }
        replicas[id] = SimReplicaFile(generation: generation, bytes: [])
        return true
    }

    /// Adds bytes to a replica that is written under this generation; false where it cannot.
    mutating func append(_ id: BlockID, _ generation: Generation, _ bytes: ArraySlice<UInt32>) -> Bool {
        guard isAlive, hasRoom(bytes.count), let own = replicas[id], own.generation == generation, !own.isFinal else { return false }
        replicas[id]?.bytes += bytes
        return true
    }

    /// Takes a replica that has at least `known` bytes under a new generation, for more bytes.
    mutating func reopen(_ id: BlockID, _ generation: Generation, known: Int) -> Bool {
        guard isAlive, let own = replicas[id], own.generation < generation, own.bytes.count >= known, !own.isRotten else { return false }
        replicas[id]?.generation = generation
        replicas[id]?.isFinal = false
        return true
    }
}
