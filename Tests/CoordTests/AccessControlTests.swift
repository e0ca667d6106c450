// Who may do what: lists, schemes and addresses.
import Base
import CoordCore
import Testing

@Suite struct AccessControlTests {
    private let ann = Identity(scheme: "digest", id: "ann:hash")
    private func only(_ permissions: Permissions) -> [AccessRight] { [AccessRight(permissions, scheme: "digest", id: "ann:hash")] }

    @Test func everyOperationNeedsItsPermission() {
        let operations: [(Permissions, CoordOperation)] = [
            (.create, Bench.create("/n/new")), (.delete, .delete(path: "/n/c", version: -1)),
            (.write, .setData(path: "/n", data: nil, version: -1)),
            (.admin, .setACL(path: "/n", acl: [.open], version: -1)), (.read, .check(path: "/n", version: -1)),
        ]
        for (needed, operation) in operations {
            for granted in [Permissions.read, .write, .create, .delete, .admin] {
                var bench = Bench()
                _ = bench.write(Bench.create("/n"), Bench.create("/n/c"))
                _ = bench.write(.setACL(path: "/n", acl: only(granted), version: -1))
                #expect(refusal(bench.write(operation)) == .noAuth, "\(operation) by a stranger")
                #expect(
                    (refusal(bench.write(operation, as: [ann])) == .noAuth) == (granted != needed), "\(operation) with \(granted.rawValue)")
            }
        }
    }

    @Test func listsAreNormalisedOrRefused() {
        #expect(AccessControl.normalised([], by: [ann]) == nil)
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "auth", id: "")], by: []) == nil)
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "auth", id: "")], by: [ann]) == only(.all))
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "unknown", id: "x")], by: [ann]) == nil)
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "ip", id: "10.0.0.300")], by: []) == nil)
    }

    @Test func addressesMatchByTheirNetwork() {
        func allows(_ network: String, _ address: String) -> Bool {
            AccessControl.allows([AccessRight(.read, scheme: "ip", id: network)], .read, to: [Identity(scheme: "ip", id: address)])
        }
        #expect(allows("10.1.0.0/16", "10.1.200.3") && !allows("10.1.0.0/16", "10.2.0.1"))
        #expect(allows("10.1.2.3", "10.1.2.3") && !allows("10.1.2.3", "10.1.2.4") && allows("0.0.0.0/0", "1.2.3.4"))
    }

    @Test func addressesOfBothFamiliesAreRead() {
        for good in ["1.2.3.4", "0.0.0.0/0", "10.0.0.0/32", "::1", "::", "::/0", "2001:db8::/32", "1:2:3:4:5:6:7:8/128"] {
            #expect(AccessControl.normalised([AccessRight(.all, scheme: "ip", id: good)], by: []) != nil, "\(good)")
        }
        for bad in [
            "", "1.2.3", "1.2.3.4.5", "1.2.3.4/33", "1.2.3.4/", "::1/129", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::",
        ] {
            #expect(AccessControl.normalised([AccessRight(.all, scheme: "ip", id: bad)], by: []) == nil, "\(bad)")
        }
        let list = [AccessRight(.read, scheme: "ip", id: "2001:db8::/33")]
        #expect(AccessControl.allows(list, .read, to: [Identity(scheme: "ip", id: "2001:db8:7fff::1")]))
        #expect(!AccessControl.allows(list, .read, to: [Identity(scheme: "ip", id: "2001:db8:8000::1")]))
        #expect(!AccessControl.allows(list, .read, to: [Identity(scheme: "ip", id: "32.1.13.184")]))
    }

    @Test func theSuperUserPassesEveryCheck() {
        #expect(AccessControl.allows([], .all, to: [Identity(scheme: Identity.superScheme, id: "")]))
        #expect(
            AccessControl.normalised(
                [AccessRight(.all, scheme: "auth", id: "")], by: [Identity(scheme: Identity.superScheme, id: ""), ann]) == only(.all))
    }

    @Test func anAddressIsNoIdentityForAuth() {
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "auth", id: "")], by: [Identity(scheme: "ip", id: "127.0.0.1")]) == nil)
        let sasl = Identity(scheme: "sasl", id: "bob")
        #expect(
            AccessControl.normalised([AccessRight(.read, scheme: "auth", id: "")], by: [sasl]) == [
                AccessRight(.read, scheme: "sasl", id: "bob")
            ])
    }
}
