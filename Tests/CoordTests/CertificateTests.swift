// Subjects of certificates, from the bytes that openssl made, in the form of RFC 2253.
import Testing

@testable import NetKit

@Suite struct CertificateTests {
    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }

    /// Made with openssl; the name is what Java's X500Principal, and so ZooKeeper, makes of it.
    @Test func theSubjectIsNamedAsZooKeeperNamesIt() {
        let certificate = bytes(
            "30820202308201a9a00302010202144f4c7232d94fc395d9dfea9c5ed3830dda50f74f300a06082a8648ce3d0403023057310b300906035504061302"
                + "444531163014060355040a0c0d4578616d706c652c20496e632e310a3008060355040b0c01613112301006092a864886f70d01090116037840793110"
                + "300e06035504030c0720616c69636520301e170d3236313132343134323333305a170d3336313132313134323333305a3057310b3009060355040613"
                + "02444531163014060355040a0c0d4578616d706c652c20496e632e310a3008060355040b0c01613112301006092a864886f70d010901160378407931"
                + "10300e06035504030c0720616c696365203059301306072a8648ce3d020106082a8648ce3d030107034200041bcfb2d53f34b5e91d4b6d3cb33f7db0"
                + "16384bc6034676cedbc6d93bffdb90423755000563ce54d25d12005c5090d92339c756d13899c4cef1a72ee8aea01310a3533051301d0603551d0e04"
                + "16041485596a9d5e533e38c48dc0be3751efe1aee1a733301f0603551d2304183016801485596a9d5e533e38c48dc0be3751efe1aee1a733300f0603"
                + "551d130101ff040530030101ff300a06082a8648ce3d04030203470030440220791d0401b78e7d370d0d2b1be2bc017ab5b32973f4a68087ef35b2b5"
                + "7efe226902201ae90611484a09351b8809a009fbb8d441a1957402fe7fc2d591bc9abf8facf8")
        #expect(
            CertificateSubject.name(inCertificate: certificate)
                == "CN=\\ alice\\ ,1.2.840.113549.1.9.1=#1603784079,OU=a,O=Example\\, Inc.,C=DE")
        for length in 0..<certificate.count {
            // Whatever is cut off, nothing is read beyond the end.
            _ = CertificateSubject.name(inCertificate: Array(certificate.prefix(length)))
        }
        for place in certificate.indices {
            var damaged = certificate
            damaged[place] = 0xff
            _ = CertificateSubject.name(inCertificate: damaged)
        }
        #expect(
            CertificateSubject.name(inCertificate: []) == nil
                && CertificateSubject.name(inCertificate: [0x30, 0x84, 0xff, 0xff, 0xff, 0xff]) == nil)
    }
}
