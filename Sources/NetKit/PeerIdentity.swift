// The identity of the other side of a TLS connection, from the certificate that the handshake has checked: the subject's distinguished
// name in the form of RFC 2253, as in ZooKeeper's x509 scheme and Kafka's principals. Nothing here judges a certificate.
import Base
import NIOCore
import NIOSSL

extension FrameConnection {
    /// The subject of the peer's certificate; nil without TLS, or if the peer showed none.
    package var peerSubject: String? {
        // A pipeline without TLS has no certificate to ask for, which is an error to the library and none to us.
        guard let certificate = try? channel.pipeline.syncOperations.nioSSL_peerCertificate(), let bytes = try? certificate.toDERBytes()
        else { return nil }
        return CertificateSubject.name(inCertificate: bytes)
    }
}

/// Reads the subject out of a certificate's DER form. Source: RFC 5280, section 4.1; RFC 2253.
enum CertificateSubject {
    private struct Element {
        var tag: UInt8
        var content: ArraySlice<UInt8>
    }

    /// nil if the bytes are not a certificate.
    static func name(inCertificate bytes: [UInt8]) -> String? {
        var outer = bytes[...]
        guard let certificate = next(&outer), certificate.tag == 0x30 else { return nil }
        var inner = certificate.content
        guard let body = next(&inner), body.tag == 0x30 else { return nil }
        var fields = body.content
        // version (optional), serial number, signature, issuer, validity, subject
        if fields.first == 0xa0 { _ = next(&fields) }
        for _ in 0..<4 { guard next(&fields) != nil else { return nil } }
        guard let subject = next(&fields), subject.tag == 0x30 else { return nil }
        return distinguishedName(subject.content)
    }

    /// Takes one tag, length and content off the front; checks every length against the remaining bytes.
    private static func next(_ bytes: inout ArraySlice<UInt8>) -> Element? {
        guard let tag = bytes.popFirst(), let first = bytes.popFirst() else { return nil }
        var length = Int(first)
        if first >= 0x80 {
            let count = Int(first & 0x7f)
            guard (1...4).contains(count), bytes.count >= count else { return nil }
            length = bytes.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            bytes = bytes.dropFirst(count)
        }
        guard length <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(length) }
        return Element(tag: tag, content: bytes.prefix(length))
    }

    /// The most specific part comes first; several values of one part are joined by `+`.
    private static func distinguishedName(_ content: ArraySlice<UInt8>) -> String? {
        var rest = content
        var parts: [String] = []
        while !rest.isEmpty {
            guard let set = next(&rest), set.tag == 0x31 else { return nil }
            var values = set.content
            var pairs: [String] = []
            while !values.isEmpty {
                guard let pair = next(&values), let text = attribute(pair.content) else { return nil }
                pairs.append(text)
            }
            parts.append(pairs.joined(separator: "+"))
        }
        return parts.reversed().joined(separator: ",")
    }

    private static let keywords = [
        "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
        "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
    ]

    private static func attribute(_ content: ArraySlice<UInt8>) -> String? {
        var rest = content
        guard let type = next(&rest), type.tag == 0x06, let oid = objectIdentifier(type.content) else { return nil }
        let encodedValue = rest
        guard let value = next(&rest) else { return nil }
        // UTF8String, PrintableString, IA5String; any other type is shown as its bytes.
        if let keyword = keywords[oid], [0x0c, 0x13, 0x16].contains(value.tag), let text = String(validating: value.content, as: UTF8.self)
        {
            return "\(keyword)=\(escaped(text))"
        }
        return "\(oid)=#" + encodedValue.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func objectIdentifier(_ bytes: ArraySlice<UInt8>) -> String? {
        var numbers: [UInt64] = []
        var number: UInt64 = 0
        for byte in bytes {
            guard number < 1 << 50 else { return nil }
            number = number << 7 | UInt64(byte & 0x7f)
            guard byte < 0x80 else { continue }
            if numbers.isEmpty {
                let first = min(number / 40, 2)
                numbers = [first, number - first * 40]
            } else {
                numbers.append(number)
            }
            number = 0
        }
        return numbers.isEmpty ? nil : numbers.map(String.init).joined(separator: ".")
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for (place, character) in text.enumerated() {
            let isEdgeSpace = character == " " && (place == 0 || place == text.count - 1)
            if ",+\"\\<>;".contains(character) || isEdgeSpace || (character == "#" && place == 0) { result.append("\\") }
            result.append(character)
        }
        return result
    }
}
