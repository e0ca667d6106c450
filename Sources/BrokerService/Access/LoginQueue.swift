// The queue of logins before the one thread that checks passwords and tokens. Addresses take turns, so wrong passwords from one address do
// not delay the others. A login of a closed connection is dropped; past the limits a connection is closed before any computation. Used on
// the loop.
import Base
import DequeModule
import Storage

/// Shares the checking thread fairly among the addresses that log in.
final class LoginQueue: @unchecked Sendable {
    // Safe to share: every member is used on the loop only; the thread gets a closure and hands one back.
    /// Runs on the thread; returns the closure that the loop runs with its result.
    typealias Check = @Sendable () -> @Sendable () -> Void
    private struct Login {
        let session: BrokerSession
        let check: Check
    }
    private let loop: any ServiceLoop
    private lazy var thread = DiskThread(name: "broker-login")
    /// Verifies tokens of OAUTHBEARER; nil if the mechanism is off.
    let tokenVerifier: TokenVerifier?
    private var waiting: [String: Deque<Login>] = [:]
    private var turns = Deque<String>()
    private var waitingCount = 0
    private var isBusy = false

    /// Most waiting logins of one address, and of all addresses: those of one address take some seconds.
    private static let waitingPerAddressMax = 200
    private static let waitingMax = 5000

    init(loop: any ServiceLoop, oauth: OAuthSettings?) {
        self.loop = loop
        tokenVerifier = oauth.map { TokenVerifier($0) }
    }

    /// Ends the thread; blocking, called off the loop once the loop takes no more work.
    func stop() { thread.stop() }

    /// Runs other work on the thread, out of turn.
    func submit(_ work: @escaping @Sendable () -> Void) { thread.submit(work) }

    /// Checks a login in its turn; false if too many wait. A connection has one login under way, since it answers one request at a time.
    func submit(_ session: BrokerSession, _ check: @escaping Check) -> Bool {
        let address = session.remote?.host ?? ""
        guard waitingCount < Self.waitingMax, waiting[address]?.count ?? 0 < Self.waitingPerAddressMax else { return false }
        if waiting[address] == nil { turns.append(address) }
        waiting[address, default: []].append(Login(session: session, check: check))
        waitingCount += 1
        next()
        return true
    }

    private func next() {
        while !isBusy, let address = turns.popFirst() {
            guard let login = waiting[address]?.popFirst() else { preconditionFailure("an address in line has a login") }
            waitingCount -= 1
            if waiting[address]?.isEmpty == true { waiting[address] = nil } else { turns.append(address) }
            guard !login.session.isClosed else { continue }
            isBusy = true
            thread.submit { [self] in
                let finish = login.check()
                loop.execute { [self] in
                    isBusy = false
                    finish()
                    next()
                }
            }
        }
    }
}
