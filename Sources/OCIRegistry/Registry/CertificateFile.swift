// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// A PEM file with certificates or a key. Reading it blocks.
struct CertificateFile {
    let path: String

    /// All certificates in it, at least one.
    ///
    /// - Throws: `RegistryError` that names the file.
    func certificates() throws(RegistryError) -> [NIOSSLCertificate] {
        let certificates: [NIOSSLCertificate]
        let bytes = try read()
        do {
            certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw fault("it has no certificates that can be read", error)
        }
        if certificates.isEmpty { throw fault("it has no certificates") }
        return certificates
    }

    /// The key in it.
    ///
    /// - Throws: `RegistryError` that names the file, never its content.
    func privateKey() throws(RegistryError) -> NIOSSLPrivateKey {
        let bytes = try read()
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw fault("it has no private key that can be read without a passphrase", error)
        }
    }

    func fault(_ reason: String, _ cause: (any Error)? = nil) -> RegistryError {
        RegistryError(
            .malformedDocument,
            operation: "read the certificates in",
            subject: path,
            reason: reason,
            advice: "authorities, certificates and keys are files in PEM form",
            cause: cause
        )
    }

    private func read() throws(RegistryError) -> [UInt8] {
        guard let file = try OpenFile.reading(path) else { throw fault("there is no such file") }
        return try file.readAll(limit: 16 << 20)
    }
}
