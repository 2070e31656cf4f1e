// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

import struct Foundation.Data
import struct Foundation.URL

/// The private key that statements are signed with: ECDSA on P-256, over SHA-256.
///
/// It never appears in a description, a log or an error.
public struct SigningKey: Sendable {
    private let key: P256.Signing.PrivateKey

    /// A key that was just made.
    public init() {
        key = P256.Signing.PrivateKey()
    }

    /// Reads a PEM text: `PRIVATE KEY` (PKCS #8) or `EC PRIVATE KEY`, not encrypted.
    ///
    /// - Parameter name: What the text is, for the error's sentence.
    /// - Throws: `ProvenanceError` of kind `badKey`, which tells nothing of the text.
    public init(pem: String, name: String) throws(ProvenanceError) {
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: pem)
        } catch {
            let advice =
                pem.contains("ENCRYPTED")
                ? "it is encrypted, which is not supported: decrypt it (for a key of cosign, make one with openssl instead)"
                : "make one with: openssl ecparam -name prime256v1 -genkey -noout"
            throw ProvenanceError(.badKey, "\(name) has no private key on the curve P-256 in PEM; \(advice)")
        }
    }

    /// Reads a PEM file.
    ///
    /// - Throws: `ProvenanceError` of kind `badKey`.
    public init(file path: String) throws(ProvenanceError) {
        try self.init(pem: try PEMFile.text(path), name: path)
    }

    /// The key that others check by.
    public var publicKey: TrustedKeys { TrustedKeys(key.publicKey) }

    /// The public half in PEM, as `openssl`, `cosign` and `skopeo` read it.
    public var publicPEM: String { key.publicKey.pemRepresentation }

    /// The signature of some bytes, in DER.
    func sign(_ bytes: [UInt8]) throws(ProvenanceError) -> [UInt8] {
        do {
            return Array(try key.signature(for: bytes).derRepresentation)
        } catch {
            throw ProvenanceError(.badKey, "the signing key cannot sign: \(error)")
        }
    }
}

/// Files with keys.
enum PEMFile {
    private static let largest = 256 << 10

    static func text(_ path: String) throws(ProvenanceError) -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw ProvenanceError(.badKey, "the key file \(path) cannot be read: \(error.localizedDescription)")
        }
        guard data.count <= largest else {
            throw ProvenanceError(.badKey, "the key file \(path) has \(data.count) bytes, so it is something else")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
