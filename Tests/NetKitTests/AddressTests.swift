// Addresses of one host are one text, however they are written.
import NetKit
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("0:0:0:0:0:0:0:1", "::1"), ("2001:DB8::00A", "2001:db8::a"),
        ("::ffff:10.0.0.1", "10.0.0.1"), ("::FFFF:0a00:0001", "10.0.0.1"),
        ("localhost", nil), ("10.0.0", nil), ("10.0.0.256", nil), ("", nil), ("10.0.0.1:9092", nil),
    ]) func anAddressIsWrittenInOneWay(_ text: String, _ expected: String?) {
        #expect(HostPort.canonicalAddress(text) == expected)
    }
}
