// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry

import struct Foundation.Data

/// A signed statement: an envelope of DSSE, version 1 (`application/vnd.dsse.envelope.v1+json`).
public struct SignedEnvelope: Sendable, Hashable, Codable {
    /// The type of the statements in it.
    public static let payloadType = "application/vnd.in-toto+json"

    /// The type of what is in it.
    public var payloadType: String
    /// What is in it, in base 64.
    public var payload: String
    /// Who has signed it.
    public var signatures: [Signature]

    /// One signature.
    public struct Signature: Sendable, Hashable, Codable {
        /// A hint at the key; cosign leaves it empty, too.
        public var keyid: String?
        /// The signature in DER, in base 64.
        public var sig: String
    }

    /// Signs a statement.
    ///
    /// - Throws: `ProvenanceError`, `RegistryError`.
    public init(_ statement: SnapshotStatement, signedWith key: SigningKey) throws {
        let bytes = try ImageDocument.encode(statement)
        payloadType = Self.payloadType
        payload = Data(bytes).base64EncodedString()
        signatures = [
            Signature(keyid: "", sig: Data(try key.sign(Self.signedBytes(payloadType, bytes))).base64EncodedString())
        ]
    }

    /// What is signed of a payload, by which no bytes of another type can be taken for it: DSSE's "pre-authentication
    /// encoding".
    static func signedBytes(_ type: String, _ payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }

    /// The statement, if a key that is trusted has signed it and if it is about an image.
    ///
    /// - Parameters:
    ///   - bytes: The envelope, as it was found.
    ///   - image: The digest of the image's manifest.
    /// - Throws: `ProvenanceError`.
    static func statement(
        in bytes: [UInt8],
        about image: Digest,
        trusting keys: TrustedKeys
    ) throws(ProvenanceError) -> SnapshotStatement {
        let envelope: SignedEnvelope
        do {
            envelope = try ImageDocument.decode(from: bytes, subject: "an envelope")
        } catch {
            throw ProvenanceError(.malformed, "what should be a signed statement is none")
        }
        guard envelope.payloadType == payloadType, envelope.signatures.count <= 16,
            let payload = Data(base64Encoded: envelope.payload)
        else { throw ProvenanceError(.malformed, "what should be a signed in-toto statement is something else") }
        let signed = signedBytes(envelope.payloadType, Array(payload))
        let isBelieved = envelope.signatures.contains { signature in
            Data(base64Encoded: signature.sig).map { keys.believe(signed, signature: Array($0)) } ?? false
        }
        guard isBelieved else {
            throw ProvenanceError(
                .unknownKey,
                "its statement was signed with another key than those that are trusted here, or was changed since"
            )
        }
        // Only now is what is in it worth reading.
        let statement: SnapshotStatement
        do {
            statement = try ImageDocument.decode(from: Array(payload), subject: "a statement")
        } catch {
            throw ProvenanceError(.malformed, "its signed statement says nothing of a snapshot")
        }
        guard statement.type == SnapshotStatement.statementType,
            statement.predicateType == SnapshotStatement.predicateType
        else { throw ProvenanceError(.malformed, "its signed statement says nothing of a snapshot") }
        guard statement.isAbout(image) else {
            throw ProvenanceError(.otherImage, "the signed statement that is attached to it is about another image")
        }
        return statement
    }
}
