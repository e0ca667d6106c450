// The body of a request in pieces, for handlers that take some now and some later.
import Base
import HummingbirdCore

extension HTTPCall {
    /// Hands out the body's pieces as they come.
    package struct BodyIterator {
        private var pieces: RequestBody.AsyncIterator
        init(_ body: RequestBody) { pieces = body.makeAsyncIterator() }
        package mutating func next() async throws -> Bytes? { try await pieces.next() }
    }

    /// The body; it can be walked through once.
    package func bodyChunks() -> BodyIterator { BodyIterator(body) }
}
