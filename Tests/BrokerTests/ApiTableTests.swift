// The broker's table and the wire's: they have the same rows, and what is served before a login is named.
import KafkaWire
import Testing

@testable import BrokerService

@Suite struct ApiTableTests {
    @Test func theBrokerServesWhatTheWireKnows() { #expect(BrokerAPI.table.map(\.key) == ApiTable.rows.map(\.key)) }

    @Test func onlyLoginsAreServedBeforeALogin() {
        let keys = BrokerAPI.table.filter(\.servesLogin).map(\.key)
        #expect(keys.map { ApiTable.row($0).name } == ["SaslHandshake", "ApiVersions", "SaslAuthenticate"])
    }

    @Test func aNumberWithoutARowIsNotServed() {
        for number in [Int16.min, -1, 4, 5, 6, 7, 67, 1000, .max] {
            #expect(BrokerAPI.row(number: number) == nil && ApiTable.row(number: number) == nil)
        }
    }
}
