// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Testing

@testable import Provenance

/// What is believed of an envelope, and what is not. Pure.
@Suite("A signed statement")
struct EnvelopeTests {
    private let key = SigningKey()
    private let image = Digest.sha256(of: [1])

    private func envelope(about image: Digest? = nil, by key: SigningKey? = nil) throws -> SignedEnvelope {
        try SignedEnvelope(
            SnapshotStatement(about: image ?? self.image, named: "r/box", .example),
            signedWith: key ?? self.key
        )
    }

    private func statement(_ envelope: SignedEnvelope) throws -> SnapshotStatement {
        try SignedEnvelope.statement(in: ImageDocument.encode(envelope), about: image, trusting: key.publicKey)
    }

    private func reason(_ envelope: SignedEnvelope) -> ProvenanceError.Reason? {
        do {
            _ = try statement(envelope)
            return nil
        } catch {
            return (error as? ProvenanceError)?.reason
        }
    }

    @Test("is believed, and says what was said")
    func believed() throws {
        let statement = try statement(envelope())
        #expect(statement.predicate == .example)
        #expect(statement.subject.map(\.name) == ["r/box"])
    }

    @Test("has the members of DSSE and of in-toto's statement, and no others")
    func members() throws {
        let envelope = try LooseJSON.object(ImageDocument.encode(envelope()))
        #expect(envelope.map { Set($0.keys) } == ["payloadType", "payload", "signatures"])
        #expect(envelope?["payloadType"] as? String == "application/vnd.in-toto+json")
        let signature = (envelope?["signatures"] as? [[String: String]])?.first
        #expect(signature.map { Set($0.keys) } == ["keyid", "sig"])
        #expect(signature?["keyid"] == "")
        let payload = try #require((envelope?["payload"] as? String).flatMap { Data(base64Encoded: $0) })
        let statement = try #require(try LooseJSON.object(payload))
        #expect(Set(statement.keys) == ["_type", "subject", "predicateType", "predicate"])
        #expect(statement["_type"] as? String == "https://in-toto.io/Statement/v1")
        #expect(statement["predicateType"] as? String == "https://stasis.dev/attestations/snapshot/v1")
        let subject = try #require((statement["subject"] as? [[String: Any]])?.first)
        #expect(subject["name"] as? String == "r/box")
        #expect(subject["digest"] as? [String: String] == ["sha256": image.hex])
        let predicate = try #require(statement["predicate"] as? [String: Any])
        #expect(
            Set(predicate.keys) == [
                "snapshot", "source", "parentDigest", "baseDigest", "configDigest", "capturedLayers", "excludedPaths",
                "createdAt", "committer",
            ]
        )
    }

    @Test("of another key, of another image and of another type is not")
    func others() throws {
        #expect(reason(try envelope(by: SigningKey())) == .unknownKey)
        #expect(reason(try envelope(about: .sha256(of: [2]))) == .otherImage)
        var other = try envelope()
        other.payloadType = "application/json"
        #expect(reason(other) == .malformed)
        var unsigned = try envelope()
        unsigned.signatures = []
        #expect(reason(unsigned) == .unknownKey)
        var crowded = try envelope()
        crowded.signatures = Array(repeating: crowded.signatures[0], count: 17)
        #expect(reason(crowded) == .malformed)
    }

    @Test("of which any byte was changed is not")
    func changed() throws {
        let envelope = try envelope()
        let payload = try #require(Data(base64Encoded: envelope.payload))
        for index in payload.indices {
            var changed = envelope
            var bytes = payload
            bytes[index] ^= 1
            changed.payload = bytes.base64EncodedString()
            #expect(reason(changed) == .unknownKey, "byte \(index) of the payload")
        }
        let signature = try #require(Data(base64Encoded: envelope.signatures[0].sig))
        for index in signature.indices {
            var changed = envelope
            var bytes = signature
            bytes[index] ^= 1
            changed.signatures[0].sig = bytes.base64EncodedString()
            #expect(reason(changed) == .unknownKey, "byte \(index) of the signature")
        }
    }

    @Test(
        "that is no JSON, or JSON of anything, is malformed",
        arguments: ["", "{}", "[1]", "{\"payload\":7}", "\u{0}"]
    )
    func garbage(text: String) {
        let error = #expect(throws: ProvenanceError.self) {
            try SignedEnvelope.statement(in: Array(text.utf8), about: image, trusting: key.publicKey)
        }
        #expect(error?.reason == .malformed)
    }
}
