// The TLS settings of one listener, the same three for each service, and their check: incomplete or unusable settings refuse to start.
// NetKit reads the files.
import Base
import NetKit

/// The three settings.
struct TLSKeys: Sendable {
    let certificate: SettingKey<String>
    let key: SettingKey<String>
    let clientCA: SettingKey<String>

    /// `clients` names the clients, for the docs.
    init(_ service: String, _ clients: String) {
        certificate = .text(
            "\(service).tls.certificate", "", "a PEM file; empty: no TLS",
            "The certificate that \(clients) are shown, with those that lead to its authority behind it.")
        key = .text("\(service).tls.key", "", "a PEM file", "The private key of \(service).tls.certificate.")
        clientCA = .text(
            "\(service).tls.client-ca", "", "a PEM file; empty: nobody has to show a certificate",
            "Authorities one of which must have signed the certificate of \(clients).")
    }

    var erased: [AnySetting] { [certificate.erased, key.erased, clientCA.erased] }
}

extension Settings {
    /// The TLS settings of one listener, or nil if there are none. Reads the files, so that a mistake ends the start.
    func tls(_ keys: TLSKeys) throws(CommandFailure) -> TLSSettings? {
        let (certificate, key, authority) = (self[keys.certificate], self[keys.key], self[keys.clientCA])
        guard !(certificate.isEmpty && key.isEmpty && authority.isEmpty) else { return nil }
        for (missing, value) in [(keys.certificate.name, certificate), (keys.key.name, key)] where value.isEmpty {
            throw CommandFailure(
                .configuration, "TLS is configured by halves: \(missing) is not set",
                why: "a listener with TLS needs a certificate and its key",
                next: "set \(missing), or leave out every \(keys.certificate.name.dropLast("certificate".count))* setting")
        }
        let settings = TLSSettings(certificateFile: certificate, keyFile: key, authorityFile: authority.isEmpty ? nil : authority)
        do { try settings.check() } catch {
            throw CommandFailure(
                .configuration, "\(keys.certificate.name.dropLast(".certificate".count)) cannot be used", why: error.description,
                next: "mend the file, or name another one")
        }
        return settings
    }

    /// Checks the TLS settings of every listener. Throws the first mistake.
    func checkTLS() throws(CommandFailure) { for keys in SettingsTable.tls { _ = try tls(keys) } }
}
