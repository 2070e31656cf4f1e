// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The public keys whose statements are believed.
///
/// Several, so that a key can be followed by another one: statements by the old one are believed for as long as it is here.
public struct TrustedKeys: Sendable {
    private let keys: [P256.Signing.PublicKey]

    init(_ key: P256.Signing.PublicKey) {
        keys = [key]
    }

    /// Reads all keys of a PEM text, `PUBLIC KEY` each, one after the other.
    ///
    /// - Parameter name: What the text is, for the error's sentence.
    /// - Throws: `ProvenanceError` of kind `badKey` if there is none, or one that is no key on P-256.
    public init(pem: String, name: String) throws(ProvenanceError) {
        let end = "-----END PUBLIC KEY-----"
        var keys: [P256.Signing.PublicKey] = []
        for part in pem.split(separator: end) {
            guard let start = part.range(of: "-----BEGIN ") else { continue }
            do {
                keys.append(try P256.Signing.PublicKey(pemRepresentation: part[start.lowerBound...] + end + "\n"))
            } catch {
                throw ProvenanceError(
                    .badKey,
                    "\(name) has something in it that is no public key on the curve P-256 in PEM"
                )
            }
        }
        guard !keys.isEmpty else {
            throw ProvenanceError(
                .badKey,
                "\(name) has no public key in PEM; take one out of a private key with: openssl ec -in KEY -pubout"
            )
        }
        self.keys = keys
    }

    /// Reads PEM files, each with one key or several.
    ///
    /// - Throws: `ProvenanceError` of kind `badKey`.
    public init(files: [String]) throws(ProvenanceError) {
        var keys: [P256.Signing.PublicKey] = []
        for file in files { keys += try TrustedKeys(pem: try PEMFile.text(file), name: file).keys }
        self.keys = keys
    }

    /// How many there are.
    public var count: Int { keys.count }

    /// Whether one of the keys has signed some bytes.
    ///
    /// - Parameter signature: In DER.
    func believe(_ bytes: [UInt8], signature: [UInt8]) -> Bool {
        guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
        return keys.contains { $0.isValidSignature(signature, for: bytes) }
    }
}

extension Substring {
    fileprivate func range(of text: String) -> Range<Substring.Index>? { firstRange(of: text) }
}
