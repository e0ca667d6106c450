// Marks the executing command of a replicated log, in a file that outlives the process: a page of memory shared with the file, so that a
// command costs two stores and no system call. The mark survives the process's death, though not a power cut, which no command causes.
import Base
import CSupport
import Glibc

/// The mark of one replica. Used by one thread at a time.
package final class ExecutionMark {
    /// A slot during whose execution the process ended, with the number of deaths in a row.
    package struct Suspect: Sendable, Equatable {
        package var slot: Int64
        package var deaths: Int64
    }
    /// The executing slot or zero, the suspect or zero, and the suspect's deaths.
    private static let words = 3
    private static let fileBytes = 4096
    private let memory: UnsafeMutablePointer<Int64>

    /// Opens or makes the file, and counts the death of the process before, if it died in a command.
    package init(_ path: String) throws(StorageError) {
        let files = RealFileSystem()
        let file = try files.open(path, create: true)
        defer { files.close(file) }
        // The file gets its blocks now: a store into a hole of a file ends the process where the disk is full.
        if try files.size(file) < Self.fileBytes { try files.write(file, at: 0, Bytes(repeating: 0, count: Self.fileBytes)) }
        let address = mmap(nil, Self.fileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0)
        guard let address, address != MAP_FAILED else { throw RealFileSystem.failure("map", path) }
        // The page is aligned and has room for the three numbers; it stays mapped until `deinit`.
        memory = address.bindMemory(to: Int64.self, capacity: Self.words)
        count()
    }

    deinit { munmap(memory, Self.fileBytes) }

    private func count() {
        let (executing, deaths) = (memory[0], memory[2])
        guard executing > 0 else { return }
        let isSame = memory[1] == executing && deaths > 0
        store(executing, 1)
        store(isSame ? deaths.addingClamped(1) : 1, 2)
        store(0, 0)
    }

    /// Stores through C: the compiler must not drop a store that it sees no reader of.
    private func store(_ value: Int64, _ place: Int) { csupport_store(memory + place, value) }

    /// The command that ended the process, unless it was executed since.
    package var suspect: Suspect? { memory[1] > 0 && memory[2] > 0 ? Suspect(slot: memory[1], deaths: memory[2]) : nil }

    package func begin(_ slot: Int64) { store(slot, 0) }

    package func end(_ slot: Int64) {
        store(0, 0)
        if memory[1] != 0, memory[1] <= slot { forget() }
    }

    /// Clears the suspect.
    package func forget() {
        store(0, 1)
        store(0, 2)
    }
}
