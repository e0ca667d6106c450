// The producers of a TransactionRun: the steps of an application with a transactional id, with answers that come late or never.
import Base
import BrokerCore

extension TransactionRun {
    mutating func ask(_ client: Int) {
        clients[client].patience += 1
        // Now and then an application starts over, in any state.
        if !isCalm, random.chance(1, in: 400) { beginAnew(client) }
        if clients[client].isAsking {
            if clients[client].patience > 150 { clients[client].isAsking = false }
            return
        }
        let index = random.below(brokers.count)
        guard brokers[index].isAlive, brokers[index].hasJoined else { return }
        switch clients[client].phase {
        case .begins: request(client, at: index, .begin(timeoutMilliseconds: 1000), as: ProducerIdentity())
        case .adds:
            guard !isCalm else { return }
            beginTransaction(client)
            request(client, at: index, .addPartitions(clients[client].batches.map(\.place)), as: clients[client].identity)
        case .writes: write(client, at: index)
        case .ends(let commits): request(client, at: index, .decide(commits: commits, .kept), as: clients[client].identity)
        case .waits(let decided):
            guard let transaction = brokers[index].machine.transactions[clients[client].name],
                transaction.decided != decided || transaction.phase.isAtRest
            else { return }
            if transaction.decided >= decided { clients[client].phase = .adds }
        }
    }

    private mutating func request(_ client: Int, at index: Int, _ action: TransactionCommand.Action, as identity: ProducerIdentity) {
        guard coordinates(index, clients[client].name) else { return }
        clients[client].attempt += 1
        clients[client].isAsking = true
        clients[client].patience = 0
        propose(
            index, transact(index, TransactionCommand(clients[client].name, identity, action)),
            .client(client, attempt: clients[client].attempt))
    }

    private mutating func beginTransaction(_ client: Int) {
        guard clients[client].batches.isEmpty else { return }
        clients[client].number = fates.count
        var fate = Fate()
        for place in Self.places where random.chance(2, in: 3) || fate.values.isEmpty && place == Self.places.last {
            clients[client].batches.append(.init(place: place, value: nextValue, sequence: clients[client].sequences[place] ?? 0))
            clients[client].sequences[place] = (clients[client].sequences[place] ?? 0) + 1
            fate.values[nextValue] = place
            nextValue += 1
        }
        fates.append(fate)
    }

    private mutating func write(_ client: Int, at index: Int) {
        let open = clients[client].batches.filter { !$0.isAcknowledged }
        guard let batch = open.first else {
            clients[client].phase = .ends(commits: random.chance(3, in: 4))
            return
        }
        // Some give up unanswered batches and reuse their sequence numbers.
        if clients[client].patience > (isCalm ? 2000 : 50), random.chance(1, in: 5) {
            for one in open { clients[client].sequences[one.place] = one.sequence }
            clients[client].phase = .ends(commits: false)
            return
        }
        if !take(batch, client, at: index) { beginAnew(client) }
    }

    private mutating func beginAnew(_ client: Int) {
        clients[client].phase = .begins
        clients[client].isAsking = false
        clients[client].attempt += 1
        clients[client].batches = []
    }

    mutating func answered(_ client: Int, _ outcome: BrokerOutcome?, by index: Int) {
        guard let outcome else { return }
        switch (clients[client].phase, outcome) {
        case (.begins, .transaction(let transaction)):
            clients[client].identity = transaction.producer
            clients[client].sequences = [:]
            clients[client].batches = []
            clients[client].phase = .adds
        case (.begins, .refused(.transactionOpen)):
            // The coordinator aborts the open transaction of an earlier instance.
            guard let open = brokers[index].machine.transactions[clients[client].name] else { return }
            propose(index, transact(index, TransactionCommand(open.name, open.producer, .decide(commits: false, .fencing))), .nothing)
        case (.adds, .transaction):
            clients[client].patience = 0
            clients[client].phase = .writes
        case (.ends, .transaction(let transaction)):
            clients[client].batches = []
            clients[client].phase = .waits(decided: transaction.decided)
        case (.ends, .refused(.transactionCompleting)), (_, .refused(.notCoordinator)): break
        case (.begins, .refused), (.adds, .refused(.transactionCompleting)): break
        case (_, .refused): beginAnew(client)
        default: break
        }
    }
}
