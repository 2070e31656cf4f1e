// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import X509

import struct Foundation.Date

/// The certificate that metrics are served with.
enum MetricsCertificate {
    /// TLS by the files of a folder, which are read again for every connection, so that renewed ones are taken; or, without a
    /// folder, by a certificate that is made now.
    ///
    /// Blocks while it reads.
    ///
    /// - Throws: What is wrong with the files.
    static func configuration(_ files: ControllerOptions.CertificateFiles) throws -> TLSConfiguration {
        guard !files.folder.isEmpty else { return try selfSigned() }
        let (chain, key) = try read(files)
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.sslContextCallback = { _, promise in
            promise.completeWithTask {
                let (chain, key) = try await NIOThreadPool.singleton.runIfActive { try read(files) }
                var override = NIOSSLContextConfigurationOverride()
                override.certificateChain = chain
                override.privateKey = key
                return override
            }
        }
        return configuration
    }

    private static func read(
        _ files: ControllerOptions.CertificateFiles
    ) throws -> ([NIOSSLCertificateSource], NIOSSLPrivateKeySource) {
        let chain = try NIOSSLCertificate.fromPEMFile("\(files.folder)/\(files.certificate)")
        let key = try NIOSSLPrivateKey(file: "\(files.folder)/\(files.key)", format: .pem)
        return (chain.map { .certificate($0) }, .privateKey(key))
    }

    /// One for a year, that nobody has a reason to trust: who scrapes has to be told not to check it.
    private static func selfSigned() throws -> TLSConfiguration {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName { CommonName("stasis-controller") }
        let now = Date()
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: now.addingTimeInterval(-60),
            notValidAfter: now.addingTimeInterval(365 * 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                SubjectAlternativeNames([.dnsName("stasis-controller"), .dnsName("localhost")])
            },
            issuerPrivateKey: key
        )
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [
                .certificate(
                    try NIOSSLCertificate(bytes: Array(certificate.serializeAsPEM().pemString.utf8), format: .pem)
                )
            ],
            privateKey: .privateKey(
                try NIOSSLPrivateKey(bytes: Array(key.serializeAsPEM().pemString.utf8), format: .pem)
            )
        )
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }
}
