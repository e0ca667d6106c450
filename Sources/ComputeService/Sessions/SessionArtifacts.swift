// A client's uploads to its session: local relations too large for a plan, and job programs. Contents lie in memory and go with the
// session. Names are the client's; none is ever used as a path on this machine.
import Foundation
import Synchronization

final class SessionArtifacts: Sendable {
    /// Memory of all artifacts of one session.
    static let bytesMax = 512 << 20

    private struct State {
        var contents: [String: [UInt8]] = [:]
        var bytes = 0
    }

    private let state = Mutex(State())
    private let memory: OperationMemory

    init(_ memory: ComputeMemory) { self.memory = OperationMemory(memory) }

    deinit { memory.giveBack(memory.bytesUsed) }

    func content(_ name: String) -> [UInt8]? {
        state.withLock { $0.contents[name] }
    }

    func add(_ name: String, _ content: [UInt8]) throws {
        try state.withLock { state in
            let bytes = state.bytes - (state.contents[name]?.count ?? 0) + content.count
            guard bytes <= Self.bytesMax else { throw SparkError.unsupported("more than \(Self.bytesMax) bytes of artifacts in a session") }
            guard memory.take(bytes - state.bytes) else { throw SparkError.noMemory(bytes - state.bytes) }
            state.contents[name] = content
            state.bytes = bytes
        }
    }
}
