// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOSSL

extension PEMSource {
    /// The bytes.
    ///
    /// Blocks if they are in a file.
    ///
    /// - Throws: `KubeError` that names the file.
    func read() throws(KubeError) -> [UInt8] {
        switch self {
        case .file(let path): try ConfigurationFile(path: path).read()
        case .bytes(let bytes): bytes
        }
    }

    /// The certificates in some bytes from here.
    ///
    /// - Throws: `KubeError` that says where they are from, never what they are.
    func certificates(_ bytes: [UInt8]) throws(KubeError) -> [NIOSSLCertificate] {
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw fault("it has no certificates in PEM form that can be read", error)
        }
        if certificates.isEmpty { throw fault("it has no certificates") }
        return certificates
    }

    /// The key in some bytes from here.
    ///
    /// - Throws: `KubeError` that says where it is from, never what it is.
    func privateKey(_ bytes: [UInt8]) throws(KubeError) -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw fault("it has no private key in PEM form that can be read without a passphrase", error)
        }
    }

    private func fault(_ reason: String, _ cause: (any Error)? = nil) -> KubeError {
        KubeError(
            .invalidConfiguration,
            operation: "read the certificates in",
            subject: description,
            reason: reason,
            cause: cause
        )
    }
}

extension ServerEndpoint {
    /// How TLS is spoken with the server, without a client certificate.
    ///
    /// Blocks if authorities are in a file.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    func tlsConfiguration() throws(KubeError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        switch verification {
        case .systemAuthorities: break
        case .authorities(let source): tls.trustRoots = .certificates(try source.certificates(try source.read()))
        case .none: tls.certificateVerification = .none
        }
        return tls
    }
}
