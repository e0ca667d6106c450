// An outgoing conversation that outlives the call that began it: a connection kept for the next use, or shared by several tasks.
import Base

/// A connection that stays open until it is closed.
package final class OpenStream: Sendable {
    package let stream: ByteStream
    private let ending: AsyncStream<Void>.Continuation

    private init(_ stream: ByteStream, _ ending: AsyncStream<Void>.Continuation) { (self.stream, self.ending) = (stream, ending) }

    /// Throws the errors of a failed connection.
    package static func connect(_ address: HostPort, timeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(600)) async throws
        -> OpenStream
    {
        let (ended, ending) = AsyncStream.makeStream(of: Void.self)
        let (opened, opening) = AsyncThrowingStream.makeStream(of: ByteStream.self)
        Task {
            do {
                try await StreamClient.connect(address, timeout: timeout, idleTimeout: idleTimeout) { stream in
                    opening.yield(stream)
                    for await _ in ended {}
                }
                opening.finish()
            } catch { opening.finish(throwing: error) }
        }
        do {
            for try await stream in opened { return OpenStream(stream, ending) }
        } catch {
            ending.finish()
            throw error
        }
        // The caller was cancelled meanwhile.
        ending.finish()
        throw CancellationError()
    }

    package func close() {
        stream.close()
        ending.finish()
    }

    deinit { ending.finish() }
}
