// What the fuzzer has to know of a protocol: how requests are drawn, how a session speaks, and how all state is read.
import Base

/// A request that was drawn.
struct DrawnRequest {
    /// What a person reads of it.
    var name: String
    /// The operation, as the protocol numbers it.
    var operation: Int32
    /// Without its length and header.
    var body: Bytes
}

/// What came back.
struct SubjectAnswer {
    var code: Int32
    /// For a comparison with another server: without what differs from run to run.
    var comparable: String
}

/// A connection with a session.
protocol SubjectSession: AnyObject {
    /// Sends without waiting.
    func send(_ request: DrawnRequest) throws
    /// The answer to the request that was sent first and has none yet; nil if the server has closed the connection.
    func answer() throws -> SubjectAnswer?
}

protocol Subject {
    static var name: String { get }
    /// What `platform` is started with beside the data directory and ports.
    static func arguments(servers: Int) -> [String]
    /// The names of the endpoints in the READY line.
    static func endpoints(servers: Int) -> [String]
    static func draw(_ random: inout Prng) -> DrawnRequest
    /// Whether another server, set up as ours is, is to answer the same.
    static func isComparable(_ request: DrawnRequest) -> Bool
    static func connect(_ address: String) throws -> any SubjectSession
    /// Everything that a client with all rights can see, a line each.
    static func state(_ address: String) throws -> [String]
}
