// One pipeline of datanodes for the packets of a block: a connection to the first of them, with a task that takes the acknowledgements. It
// knows which datanode failed; BlockWriter does the rest.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// A pipeline that is set up.
final class WritePipeline: Sendable {
    /// A pipeline that ended or could not be opened.
    struct Failure: Error, CustomStringConvertible {
        /// The index of the failed datanode; the first where it is unknown, as in HDFS.
        var badNode: Int
        var reason: String
        var description: String { reason }
    }
    struct Progress {
        /// The last packet that every datanode has.
        var acknowledged: Int64 = -1
        var failure: Failure?
    }
    private struct State {
        var progress = Progress()
        var heard: Instant
    }
    private let open: OpenStream
    private let silenceMax: Duration
    private let state: Mutex<State>
    private let signal: AsyncStream<Void>.Continuation
    private let signals: AsyncStream<Void>

    /// The silence after which a pipeline counts as hanging, since heartbeats are acknowledged like packets. Its datanodes report a hanging
    /// one behind them after 30 seconds and 10 more for each.
    private static func silenceMax(_ count: Int) -> Duration { .seconds(50 + 10 * count) }

    private init(_ open: OpenStream, _ silenceMax: Duration) {
        self.open = open
        self.silenceMax = silenceMax
        state = Mutex(State(heard: SystemTime().now()))
        (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Sets up the pipeline of `request`. `nodes`: all of it, the first included. Throws Failure.
    static func open(_ request: WriteBlockRequest, _ nodes: [DatanodeInfo]) async throws -> WritePipeline {
        var request = request
        request.targets = Array(nodes.dropFirst())
        request.targetStorageTypes = request.targets.map { _ in .disk }
        request.pipelineSize = UInt32(nodes.count)
        let open: OpenStream
        do {
            open = try await OpenStream.connect(
                DatanodeConnections.address(nodes[0]), timeout: .seconds(5), idleTimeout: silenceMax(nodes.count))
        } catch is CancellationError {
            throw CancellationError()
        } catch { throw Failure(badNode: 0, reason: "\(DatanodeConnections.address(nodes[0])): \(ConnectFailure.reason(error))") }
        do {
            try await open.stream.begin(.writeBlock, request)
            let answer = try await open.stream.message(TransferAnswer.self)
            guard answer.status == .success else {
                let link = answer.firstBadLink ?? ""
                let bad = nodes.firstIndex { "\($0.id.address):\($0.id.transferPort)".hasSameBytes(as: link) } ?? 0
                throw Failure(badNode: bad, reason: "a datanode refused: \(answer.message ?? "\(answer.status)")")
            }
        } catch {
            open.close()
            throw error as? Failure ?? Failure(badNode: 0, reason: "\(DatanodeConnections.address(nodes[0])): \(error)")
        }
        let pipeline = WritePipeline(open, silenceMax(nodes.count))
        if request.stage != .closeRecovery { Task { await pipeline.takeAcknowledgements() } }
        return pipeline
    }

    var progress: Progress { state.withLock { $0.progress } }

    /// Returns when the progress may have changed. Only one task at a time may wait.
    func changed() async {
        for await _ in signals { return }
    }

    /// Throws Failure.
    func send(_ packet: Packet) async throws {
        if let failure = progress.failure { throw failure }
        do { try await open.stream.write(packet) } catch is CancellationError { throw CancellationError() } catch {
            // An acknowledgement that came before the end, if any, names the failed datanode.
            throw progress.failure ?? Failure(badNode: 0, reason: "the pipeline took no packet: \(error)")
        }
    }

    /// Tells the datanodes that the writer is alive; ends a pipeline that is silent for too long.
    func beat() async {
        let now = SystemTime().now()
        guard state.withLock({ now - $0.heard <= silenceMax }) else {
            return fail(0, "nothing was heard of the pipeline for \(silenceMax.inMilliseconds / 1000) s")
        }
        var header = PacketHeader()
        header.sequence = PacketHeader.heartbeat
        // The end of a pipeline shows in its acknowledgements.
        try? await open.stream.write(Packet(header: header, checksums: Bytes(), data: Bytes()))
    }

    func close() {
        open.close()
        signal.finish()
    }

    private func fail(_ node: Int, _ reason: String) {
        state.withLock { $0.progress.failure = $0.progress.failure ?? Failure(badNode: node, reason: reason) }
        close()
    }

    private func takeAcknowledgements() async {
        do {
            while true {
                let ack = try await open.stream.message(PipelineAck.self)
                if let bad = ack.replies.firstIndex(where: { $0 != .success }) {
                    return fail(bad, "a datanode could not keep a packet: \(ack.replies[bad])")
                }
                let now = SystemTime().now()
                state.withLock { state in
                    state.heard = now
                    if ack.sequence != PacketHeader.heartbeat {
                        state.progress.acknowledged = max(state.progress.acknowledged, ack.sequence)
                    }
                }
                signal.yield()
            }
        } catch { fail(0, "the pipeline ended: \(error)") }
    }
}
