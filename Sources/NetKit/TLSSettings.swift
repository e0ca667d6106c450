// TLS from files that a person names. What is incomplete refuses to start: there is no half-secure listener.
import Base
import NIOSSL

/// Certificates of a listener or a client.
package struct TLSSettings: Sendable {
    package var certificateFile: String
    package var keyFile: String
    /// Authorities that sign acceptable peers; with it, a listener demands client certificates.
    package var authorityFile: String?

    package init(certificateFile: String, keyFile: String, authorityFile: String? = nil) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.authorityFile = authorityFile
    }

    package func serverContext() throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(certificateFile).map { NIOSSLCertificateSource.certificate($0) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        if let authorityFile {
            configuration.trustRoots = .file(authorityFile)
            configuration.certificateVerification = .noHostnameVerification
        }
        return try NIOSSLContext(configuration: configuration)
    }

    package func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorityFile { configuration.trustRoots = .file(authorityFile) }
        return try NIOSSLContext(configuration: configuration)
    }
}
