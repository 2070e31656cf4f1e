// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

@testable import Provenance

/// What is refused under the policy `require`, with a real registry in which something was changed.
@Suite("A snapshot that cannot be believed")
struct TamperingTests {
    private let key = SigningKey()

    private func check(
        _ reason: ProvenanceError.Reason,
        _ advice: String,
        _ prepare: @escaping @Sendable (SignedRegistry) async throws -> Void
    ) async throws {
        try await SignedRegistry.inRegistry { signed in
            try await prepare(signed)
            let refusal = try #require(try await signed.refusal(trusting: key))
            #expect(refusal.reason == reason)
            #expect(refusal.message.contains(advice))
            #expect(refusal.message.contains(signed.image.descriptor.digest.description))
            let warning = ProvenancePolicy(.warn, trusting: key.publicKey)
            let digest = signed.image.descriptor.digest
            #expect(try await warning.check(digest, named: signed.name, in: signed.repository) == refusal.message)
            let off = ProvenancePolicy(.off, trusting: key.publicKey)
            #expect(try await off.check(digest, named: signed.name, in: signed.repository) == nil)
        }
    }

    @Test("is none if its statement is by a key that is trusted")
    func believed() async throws {
        try await SignedRegistry.inRegistry { signed in
            try await signed.sign(by: key)
            #expect(try await signed.refusal(trusting: key) == nil)
            let policy = ProvenancePolicy(.require, trusting: key.publicKey)
            let statement = try await policy.statement(about: signed.image.descriptor.digest, in: signed.repository)
            #expect(statement.predicate == .example)
        }
    }

    @Test("is one without a statement")
    func missing() async throws {
        try await check(.unsigned, "Take the snapshot again with a signing key") { _ in }
    }

    @Test("is one whose statements were deleted")
    func deleted() async throws {
        try await check(.unsigned, "copy it with what refers to it") { [key] signed in
            try await signed.sign(by: key)
            try await signed.attachments.remove()
        }
    }

    @Test("is one that somebody else has signed")
    func otherKey() async throws {
        try await check(.unknownKey, "add the public key") { signed in try await signed.sign(by: SigningKey()) }
    }

    @Test("is one with the statement about another image, signed by the right key")
    func otherImage() async throws {
        try await check(.otherImage, "Do not use it") { [key] signed in
            let other = try await SignedRegistry.put(in: signed.repository, word: "other")
            try await signed.attachments.attach(
                SnapshotStatement(about: other.descriptor.digest, named: signed.name, .example),
                signedWith: key
            )
        }
    }

    @Test("is one whose manifest was changed by a byte: it is another image, of which nobody has said anything")
    func manifest() async throws {
        try await SignedRegistry.inRegistry { signed in
            try await signed.sign(by: key)
            var bytes = try ImageDocument.encode(signed.image.manifest)
            bytes.append(UInt8(ascii: "\n"))
            let changed = try await signed.repository.putManifest(bytes, mediaType: .ociManifest, as: .tag("snap"))
            let policy = ProvenancePolicy(.require, trusting: key.publicKey)
            let error = await #expect(throws: ProvenanceError.self) {
                try await policy.check(changed.digest, named: signed.name, in: signed.repository)
            }
            #expect(error?.reason == .unsigned)
        }
    }

    @Test("is one whose statement was changed by a byte, and stored again under its new digest")
    func statement() async throws {
        try await check(.unknownKey, "do not use it") { [key] signed in
            let statement = SnapshotStatement(about: signed.image.descriptor.digest, named: signed.name, .example)
            var envelope = try SignedEnvelope(statement, signedWith: key)
            let payload = try #require(Data(base64Encoded: envelope.payload))
            let text = String(decoding: payload, as: UTF8.self).replacing("node-a", with: "node-b")
            envelope.payload = Data(text.utf8).base64EncodedString()
            let bytes = try ImageDocument.encode(envelope)
            let document = CosignLayout.referrer(bytes, to: signed.image.descriptor, created: "2026-11-30T12:00:00Z")
            for blob in document.blobs {
                _ = try await signed.repository.putBlob(blob.bytes, mediaType: blob.mediaType)
            }
            let manifest = try ImageDocument.encode(document.manifest)
            try await signed.repository.putManifest(
                manifest,
                mediaType: .ociManifest,
                as: .digest(.sha256(of: manifest))
            )
        }
    }

    @Test("is one whose config, manifest or statement was changed in the registry's own store", arguments: 0..<3)
    func damaged(which: Int) async throws {
        try await SignedRegistry.inRegistry { signed in
            try await signed.sign(by: key)
            let envelope = try #require(try await signed.attachments.envelopes().first)
            let digests = [
                signed.image.manifest.config.digest, signed.image.descriptor.digest, Digest.sha256(of: envelope),
            ]
            let registry = try #require(signed.registry)
            let file = URL(filePath: registry.blobFile(sha256: digests[which].hex))
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: file)
            await #expect(throws: (any Error).self) {
                let policy = ProvenancePolicy(.require, trusting: key.publicKey)
                _ = try await policy.check(signed.image.descriptor.digest, named: signed.name, in: signed.repository)
            }
        }
    }

    @Test("leaves nothing behind when it is deleted with what is beside it")
    func removed() async throws {
        try await SignedRegistry.inRegistry { signed in
            try await signed.sign(by: key)
            try await signed.attachments.attach(Array("{}".utf8), type: "application/x.test+json", created: "2026")
            #expect(try await signed.repository.tags(after: nil, limit: 10).count == 4)
            _ = try await signed.repository.deleteManifest(signed.image.descriptor.digest)
            try await signed.attachments.remove()
            #expect(try await signed.repository.tags(after: nil, limit: 10) == [])
            try await signed.attachments.remove()
        }
    }

    @Test("leaves nothing behind when whoever deleted what is beside it did not come to the list of that")
    func removedAfterACrash() async throws {
        try await SignedRegistry.inRegistry { signed in
            let digest = signed.image.descriptor.digest
            try await signed.attachments.attach(Array("{}".utf8), type: "application/x.test+json", created: "2026")
            let beside = try await signed.repository.referrers(of: digest, artifactType: nil).map(\.digest)
            let registry = try #require(signed.registry)
            for digest in beside {
                let revisions = "docker/registry/v2/repositories/boxes/box/_manifests/revisions/sha256"
                try FileManager.default.removeItem(atPath: "\(registry.storage)/\(revisions)/\(digest.hex)")
            }
            #expect(try await signed.repository.tags(after: nil, limit: 10) == ["sha256-\(digest.hex)", "snap"])
            try await signed.attachments.remove()
            #expect(try await signed.repository.tags(after: nil, limit: 10) == ["snap"])
        }
    }
}
