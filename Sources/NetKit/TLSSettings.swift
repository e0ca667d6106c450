// TLS from files named by a person: the certificates of a listener, and the trust of a client. Incomplete or contradictory settings refuse
// to start: there is no half-secure listener.
import Base
import NIOCore
import NIOSSL
import NIOTLS

/// Why TLS is not possible: a file that is missing or does not fit, or a peer that does not agree.
package struct TLSProblem: Error, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// Certificates of a listener.
package struct TLSSettings: Sendable, Equatable {
    /// PEM: the server's certificate first, then the chain to its authority.
    package var certificateFile: String
    package var keyFile: String
    /// PEM: authorities that sign acceptable clients; with it, every client must show a certificate.
    package var authorityFile: String?

    package init(certificateFile: String, keyFile: String, authorityFile: String? = nil) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.authorityFile = authorityFile
    }

    /// Reads the files and combines them once, so that a mistake shows before the listener starts.
    package func check() throws(TLSProblem) {
        _ = try PEM.certificates(certificateFile)
        _ = try PEM.key(keyFile)
        if let authorityFile { _ = try PEM.certificates(authorityFile) }
        do { _ = try serverContext() } catch {
            throw TLSProblem(
                "the key \(keyFile) does not belong to the certificate \(certificateFile), or one of them cannot be used: \(error)")
        }
    }

    func serverConfiguration() throws -> TLSConfiguration {
        let chain = try PEM.certificates(certificateFile).map { NIOSSLCertificateSource.certificate($0) }
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(try PEM.key(keyFile)))
        configuration.minimumTLSVersion = .tlsv12
        if let authorityFile {
            configuration.trustRoots = .certificates(try PEM.certificates(authorityFile))
            configuration.certificateVerification = .noHostnameVerification
        }
        return configuration
    }

    func serverContext() throws -> NIOSSLContext { try NIOSSLContext(configuration: try serverConfiguration()) }

    /// The trust for another service of the same process: it knows this certificate, and shows it as its own.
    package var fromSameProcess: TLSTrust {
        TLSTrust(roots: .exactly(certificateFile: certificateFile), certificateFile: certificateFile, keyFile: keyFile)
    }
}

/// The servers that a client trusts, and its own certificate.
package struct TLSTrust: Sendable, Equatable {
    package enum Roots: Sendable, Equatable {
        /// The system's trusted authorities.
        case system
        /// The authorities in a PEM file.
        case authorities(file: String)
        /// Only this certificate, under any name.
        case exactly(certificateFile: String)
    }
    package var roots: Roots
    /// The client's certificate for a server that asks.
    package var certificateFile: String?
    package var keyFile: String?

    package init(roots: Roots = .system, certificateFile: String? = nil, keyFile: String? = nil) {
        self.roots = roots
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    /// The settings of handshakes, read from the files. Throws TLSProblem.
    func prepare() throws(TLSProblem) -> TLSClient {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        var only: NIOSSLCertificate?
        switch roots {
        case .system: break
        case .authorities(let file): configuration.trustRoots = .certificates(try PEM.certificates(file))
        case .exactly(let file): only = try PEM.certificates(file).first
        }
        if let certificateFile, let keyFile {
            configuration.certificateChain = try PEM.certificates(certificateFile).map { .certificate($0) }
            configuration.privateKey = .privateKey(try PEM.key(keyFile))
        }
        do { return TLSClient(context: try NIOSSLContext(configuration: configuration), only: only) } catch {
            throw TLSProblem("the certificates cannot be used: \(error)")
        }
    }

    /// Reads the files, so that a mistake shows before the first connection.
    package func check() throws(TLSProblem) { _ = try prepare() }
}

/// Makes the handlers of outgoing TLS connections.
struct TLSClient: Sendable {
    fileprivate let context: NIOSSLContext
    fileprivate let only: NIOSSLCertificate?

    init(context: NIOSSLContext, only: NIOSSLCertificate?) {
        self.context = context
        self.only = only
    }

    /// A handler for one connection. An address is checked against the addresses in the certificate, a name against its names.
    func handler(host: String) throws -> NIOSSLClientHandler {
        // An error means only that the host is a name.
        let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
        guard let only else { return try NIOSSLClientHandler(context: context, serverHostname: name) }
        return try NIOSSLClientHandler(context: context, serverHostname: name) { chain, promise in
            promise.succeed(chain.first == only ? .certificateVerified : .failed)
        }
    }
}

/// Waits for the handshake of one outgoing connection, so that a failure has a reason and not just a closed connection.
final class HandshakeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let done: EventLoopPromise<Void>

    init(_ done: EventLoopPromise<Void>) { self.done = done }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { done.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(TLSProblem(TLSProblem.reason(error)))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(TLSProblem("the server closed the connection during the TLS handshake"))
        context.fireChannelInactive()
    }
}

extension TLSProblem {
    static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "the server's certificate is not signed by an authority that is trusted here"
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") { return "the server does not speak TLS on this port" }
        if text.contains("failedToValidateHostname") || text.contains("unableToValidateCertificate") {
            return "the server's certificate is for another name"
        }
        if text.contains("ALERT_UNKNOWN_CA") || text.contains("ALERT_BAD_CERTIFICATE") {
            return "the server does not accept the certificate of the client"
        }
        if text.contains("CERTIFICATE_REQUIRED") { return "the server wants a certificate of the client" }
        if text.contains("EOF during handshake") {
            return "the server closed the connection during the TLS handshake; it may not speak TLS on this port"
        }
        return "the TLS handshake failed: \(text)"
    }
}

/// Certificates and keys in PEM files.
private enum PEM {
    static func certificates(_ path: String) throws(TLSProblem) -> [NIOSSLCertificate] {
        let found: [NIOSSLCertificate]
        do { found = try NIOSSLCertificate.fromPEMFile(path) } catch {
            throw TLSProblem("\(path) cannot be read as PEM certificates: \(error)")
        }
        guard !found.isEmpty else { throw TLSProblem("\(path) holds no certificate in PEM form") }
        return found
    }

    static func key(_ path: String) throws(TLSProblem) -> NIOSSLPrivateKey {
        do { return try NIOSSLPrivateKey(file: path, format: .pem) } catch {
            throw TLSProblem("\(path) cannot be read as a private key in PEM form: \(error)")
        }
    }
}
