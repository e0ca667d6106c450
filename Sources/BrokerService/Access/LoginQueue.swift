// Logins that take time wait here for the one thread that checks them: the addresses take turns, so that nobody's wrong passwords are in everybody's way; one
// of a connection that has gone is dropped, and where too many wait a connection is closed before anything is computed for it. Used on the loop.
import Base
import DequeModule
import Storage

/// Shares the time of checking passwords and tokens among the addresses that log in.
final class LoginQueue: @unchecked Sendable {
    // Safe to share: every member is used on the loop only; the thread gets a closure and hands one back.
    /// Runs on the thread, and gives back what is to be done with its result on the loop.
    typealias Check = @Sendable () -> @Sendable () -> Void
    private struct Login {
        let session: BrokerSession
        let check: Check
    }
    private let loop: any ServiceLoop
    private lazy var thread = DiskThread(name: "broker-login")
    /// Checks tokens of OAUTHBEARER; nil if none are taken.
    let tokenVerifier: TokenVerifier?
    private var waiting: [String: Deque<Login>] = [:]
    private var turns = Deque<String>()
    private var waitingCount = 0
    private var isBusy = false

    /// Logins of one address, and of all, that may wait: those of one address take some seconds.
    private static let waitingPerAddressMax = 200
    private static let waitingMax = 5000

    init(loop: any ServiceLoop, oauth: OAuthSettings?) {
        self.loop = loop
        tokenVerifier = oauth.map { TokenVerifier($0) }
    }

    /// Ends the thread; blocking, off the loop, after the loop takes no more work.
    func stop() { thread.stop() }

    /// Runs what is no login on the thread, out of turn.
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
