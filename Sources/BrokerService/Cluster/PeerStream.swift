// A connection to another broker that carries Kafka requests, answered in order. Used on the loop only.
import Base
import KafkaWire
import NetKit

/// The client side of the connection.
final class PeerStream: FrameSession {
    private struct Question {
        var id: Int32
        var row: ApiRow
        var version: Int16
        var done: ((any KafkaResponse)?) -> Void
    }
    private let frames: FrameConnection
    private let clientID: String
    private var waiting: [Question] = []
    private var nextID: Int32 = 1
    private let lost: (PeerStream) -> Void

    init(_ frames: FrameConnection, clientID: String, _ lost: @escaping (PeerStream) -> Void) {
        self.frames = frames
        self.clientID = clientID
        self.lost = lost
    }

    /// `done` gets nil if the connection breaks or the answer is invalid.
    func ask<Request: KafkaRequest>(_ request: Request, version: Int16, _ done: @escaping (Request.Response?) -> Void) {
        let frame: Bytes
        do { frame = try KafkaFrame.encodeRequest(request, correlationID: nextID, version: version, clientID: clientID) } catch {
            preconditionFailure("a question of ours can always be encoded: \(error)")
        }
        waiting.append(Question(id: nextID, row: ApiTable.row(Request.apiKey), version: version) { done($0 as? Request.Response) })
        nextID &+= 1
        frames.sendRaw(frame)
    }

    func close() { frames.close() }

    func received(_ frame: Bytes) {
        do {
            guard let first = waiting.first, try KafkaFrame.correlationID(of: frame) == first.id else { return frames.close() }
            let answer = try KafkaFrame.decodeResponse(frame, of: first.row, version: first.version)
            waiting.removeFirst()
            first.done(answer)
        } catch { frames.close() }
    }

    func closed() {
        let left = waiting
        waiting = []
        for one in left { one.done(nil) }
        lost(self)
    }
}
