// The body of a request in pieces, for handlers that read it in several steps.
import Base
import HummingbirdCore

extension HTTPCall {
    /// Returns the body's pieces as they arrive.
    package struct BodyIterator {
        private var pieces: RequestBody.AsyncIterator
        init(_ body: RequestBody) { pieces = body.makeAsyncIterator() }
        package mutating func next() async throws -> Bytes? { try await pieces.next() }
    }

    /// The body, to be read once.
    package func bodyChunks() -> BodyIterator { BodyIterator(body) }
}
