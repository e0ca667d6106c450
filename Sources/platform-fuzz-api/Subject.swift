// A protocol for the fuzzer: its drawn requests, its sessions, and its readable state.
import Base

/// A drawn request.
struct DrawnRequest {
    /// Its name for people.
    var name: String
    /// The operation's number in the protocol.
    var operation: Int32
    /// Without its length and header.
    var body: Bytes
}

/// The answer.
struct SubjectAnswer {
    var code: Int32
    /// For a comparison with another server: without the parts that differ from run to run.
    var comparable: String
}

/// A connection with a session.
protocol SubjectSession: AnyObject {
    /// Sends without waiting.
    func send(_ request: DrawnRequest) throws
    /// The answer to the oldest unanswered request; nil if the server has closed the connection.
    func answer() throws -> SubjectAnswer?
    /// Ends work that would wait for its reader; called after the last answer.
    func endWork() throws
}

extension SubjectSession {
    func endWork() {}
}

protocol Subject {
    static var name: String { get }
    /// The service whose loops are measured, by its name in metrics; nil if it has none of ours.
    static var loops: String? { get }
    /// Arguments of `platform` beside the data directory and ports.
    static func arguments(servers: Int) -> [String]
    /// The names of the endpoints in the READY line.
    static func endpoints(servers: Int) -> [String]
    static func draw(_ random: inout Prng) -> DrawnRequest
    /// Whether another server with the same setup must give the same answer.
    static func isComparable(_ request: DrawnRequest) -> Bool
    static func connect(_ address: String) throws -> any SubjectSession
    /// Whether work of clients that went away has ended, by the console's metrics; state is read after that.
    static func isQuiet(_ metrics: [String: Double]) -> Bool
    /// Everything visible to a client with all rights, one line each.
    static func state(_ address: String) throws -> [String]
}

extension Subject {
    static var loops: String? { name }
    static func isQuiet(_ metrics: [String: Double]) -> Bool { true }
}
