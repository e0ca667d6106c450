// Limits of users and clients: which one holds, how it is used up and comes back, and that the commands can be read again.
import Base
import Testing

@testable import BrokerCore

@Suite struct ClientQuotaTests {
    private func quotas(_ entities: (QuotaSubject, QuotaSubject, Double)...) -> ClientQuotas {
        var quotas = ClientQuotas()
        for (user, client, rate) in entities { quotas.set(QuotaEntity(user: user, client: client), .producerByteRate, rate) }
        return quotas
    }

    @Test func thePairComesBeforeTheUserAndTheUserBeforeTheClient() {
        let order: [(QuotaSubject, QuotaSubject)] = [
            (.named("u"), .named("c")), (.named("u"), .byDefault), (.named("u"), .unstated), (.byDefault, .named("c")),
            (.byDefault, .byDefault),
            (.byDefault, .unstated), (.unstated, .named("c")), (.unstated, .byDefault),
        ]
        var all = ClientQuotas()
        for (place, entity) in order.enumerated().reversed() {
            all.set(QuotaEntity(user: entity.0, client: entity.1), .producerByteRate, Double(place + 1))
            #expect(all.limit(.producerByteRate, user: "u", client: "c")?.rate == Double(place + 1))
        }
        #expect(all.limit(.consumerByteRate, user: "u", client: "c") == nil)
    }

    @Test func whoSharesALimitFollowsFromHowItIsStated() {
        func sharedBy(_ user: QuotaSubject, _ client: QuotaSubject) -> QuotaEntity? {
            quotas((user, client, 1)).limit(.producerByteRate, user: "u", client: "c")?.sharedBy
        }
        #expect(sharedBy(.byDefault, .unstated) == QuotaEntity(user: .named("u")))
        #expect(sharedBy(.unstated, .byDefault) == QuotaEntity(client: .named("c")))
        #expect(sharedBy(.byDefault, .named("c")) == QuotaEntity(user: .named("u"), client: .named("c")))
        #expect(sharedBy(.named("other"), .unstated) == nil)
    }

    @Test func anAddressHasItsOwnLimitOrTheDefault() throws {
        var quotas = quotas((.unstated, .byDefault, 1))
        #expect(quotas.connectionRate(of: "10.0.0.1") == nil)
        quotas.set(QuotaEntity(address: .byDefault), .connectionCreationRate, 5)
        quotas.set(QuotaEntity(address: .named("10.0.0.1")), .connectionCreationRate, 7)
        #expect(quotas.connectionRate(of: "10.0.0.1") == 7 && quotas.connectionRate(of: "10.0.0.2") == 5)
        #expect(quotas.limit(.producerByteRate, user: "u", client: "10.0.0.1")?.rate == 1)
    }

    @Test(arguments: [
        QuotaEntity(), QuotaEntity(user: .named("u"), client: .byDefault), QuotaEntity(address: .byDefault),
        QuotaEntity(address: .named("10.0.0.1")), QuotaEntity(client: .named("10.0.0.1")),
    ]) func whomALimitIsForCanBeReadAgain(_ entity: QuotaEntity) throws {
        #expect(try QuotaEntity(decoding: try entity.encoded(as: DurableDialect.self), as: DurableDialect.self) == entity)
        var image = TableImage()
        var machine = BrokerMachine()
        var rows = RowChanges()
        _ = machine.apply(
            .quotas(.alter(entity, [QuotaChange(.connectionCreationRate, 3)])), at: ApplyPosition(slot: Slot(1), time: .zero), rows: &rows)
        image.take(rows)
        #expect(try image.loaded().quotas.entries[entity] == [.connectionCreationRate: 3])
    }

    @Test func whatIsTakenBackWasNotUsed() {
        var window = QuotaWindow()
        #expect(window.take(800, rate: 100, now: at(0)) == .zero)
        #expect(window.take(400, rate: 100, now: at(1)) == .seconds(2))
        _ = window.take(-400, rate: 100, now: at(1))
        #expect(window.used(now: at(1)) == 800)
        #expect(window.take(100, rate: 100, now: at(1)) == .zero)
    }

    @Test func aBucketCanBeOverdrawnAndFillsAtItsRate() {
        var now = Instant.zero
        var bucket = QuotaBucket(rate: 100, burst: 1, now: now)
        #expect(bucket.take(100, now: now) == .zero)
        #expect(bucket.take(50, now: now) == .milliseconds(500))
        #expect(bucket.isOverdrawn(now: now) == true)
        now = now + .milliseconds(500)
        let isOverdrawn = bucket.isOverdrawn(now: now)
        #expect(!isOverdrawn)
        #expect(bucket.take(0, now: now) == .zero)
        now = now + .seconds(100)
        #expect(bucket.isFull(now: now) == true)
        #expect(bucket.take(150, now: now) == .milliseconds(500), "it holds no more than its burst")
    }

    private func at(_ seconds: Double) -> Instant { .zero + .milliseconds(Int((seconds * 1000).rounded())) }

    @Test func aBurstOfTenSecondsPassesAndWhatIsBeyondItWaits() {
        var window = QuotaWindow()
        #expect(window.take(1000, rate: 100, now: at(0)) == .zero)
        #expect(window.take(50, rate: 100, now: at(0)) == .milliseconds(500))
        #expect(window.take(0, rate: 100, now: at(0.5)) == .zero, "half a second of the next sample has passed")
        #expect(window.take(0, rate: 100, now: at(5)) == .milliseconds(500), "seconds in which nothing was used do not count twice")
        #expect(window.take(0, rate: 100, now: at(10.5)) == .zero)
        #expect(window.take(100, rate: 100, now: at(10.5)) == .seconds(1))
    }

    @Test func aBurstIsForgottenElevenSecondsAfterItEnded() {
        var window = QuotaWindow()
        _ = window.take(5000, rate: 100, now: at(0))
        #expect(window.take(0, rate: 100, now: at(10.5)) == .milliseconds(39_500))
        #expect(window.take(0, rate: 100, now: at(11)) == .zero)
        let isEmpty = window.isEmpty(now: at(11))
        #expect(isEmpty)
    }

    @Test func whoStaysBelowTheRateNeverWaitsAndTwiceTheRateIsHeldToIt() {
        var steady = QuotaWindow()
        var waits = (0..<600).filter { steady.take(9.5, rate: 100, now: at(Double($0) / 10)) != .zero }
        #expect(waits.isEmpty, "\(waits)")
        var greedy = QuotaWindow()
        var (now, used) = (at(0), 0.0)
        while now < at(60) {
            used += 20
            let wait = greedy.take(20, rate: 100, now: now)
            now = now + max(wait, .milliseconds(100))
            if wait != .zero { waits.append(0) }
        }
        // What passed at first is missing afterwards.
        #expect((5500...6500).contains(used), "\(used) in a minute")
        #expect(!waits.isEmpty)
    }

    @Test func aLongWaitInAWindowIsBounded() {
        var window = QuotaWindow()
        #expect(window.take(1e18, rate: 0.001, now: .zero) == .seconds(3600))
    }

    @Test func aLongWaitIsBounded() {
        var bucket = QuotaBucket(rate: 0.001, burst: 1, now: .zero)
        #expect(bucket.take(1e18, now: .zero) == .seconds(3600))
    }

    @Test func aCommandIsReadAsItWasWritten() throws {
        let command = BrokerCommand.quotas(
            .alter(
                QuotaEntity(user: .named("u"), client: .byDefault),
                [QuotaChange(.requestPercentage, 12.5), QuotaChange(.consumerByteRate, nil)]))
        let bytes = try BrokerMachine.encode(command)
        #expect(bytes.getInteger(at: bytes.readerIndex, as: Int8.self) == 15)
        #expect(try BrokerMachine.decode(bytes) == command)
    }
}
