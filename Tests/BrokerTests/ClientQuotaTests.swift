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
            (.named("u"), .named("c")), (.named("u"), .byDefault), (.named("u"), .unstated), (.byDefault, .named("c")), (.byDefault, .byDefault),
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

    @Test func aLongWaitIsBounded() {
        var bucket = QuotaBucket(rate: 0.001, burst: 1, now: .zero)
        #expect(bucket.take(1e18, now: .zero) == .seconds(3600))
    }

    @Test func aCommandIsReadAsItWasWritten() throws {
        let command = BrokerCommand.quotas(
            .alter(QuotaEntity(user: .named("u"), client: .byDefault), [QuotaChange(.requestPercentage, 12.5), QuotaChange(.consumerByteRate, nil)]))
        let bytes = try BrokerMachine.encode(command)
        #expect(bytes.getInteger(at: bytes.readerIndex, as: Int8.self) == 15)
        #expect(try BrokerMachine.decode(bytes) == command)
    }
}
