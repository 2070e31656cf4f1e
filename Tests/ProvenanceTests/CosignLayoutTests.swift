// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

@testable import Provenance

/// What is stored, field by field, as a client reads it that knows nothing of ours.
@Suite("What is stored for cosign")
struct CosignLayoutTests {
    private let key = SigningKey()
    private let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

    @Test("is an image of envelopes under the tag .att")
    func attestation() async throws {
        try await SignedRegistry.inRegistry { signed in
            try await signed.sign(by: key)
            let hex = signed.image.descriptor.digest.hex
            let manifest = try await signed.raw("manifests/sha256-\(hex).att")
            #expect(Set(manifest.keys) == ["schemaVersion", "mediaType", "config", "layers"])
            #expect(manifest["schemaVersion"] as? Int == 2)
            #expect(manifest["mediaType"] as? String == "application/vnd.oci.image.manifest.v1+json")
            let layers = try #require(manifest["layers"] as? [[String: Any]])
            #expect(layers.count == 1)
            let layer = try #require(layers.first)
            #expect(Set(layer.keys) == ["mediaType", "digest", "size", "annotations"])
            #expect(layer["mediaType"] as? String == "application/vnd.dsse.envelope.v1+json")
            #expect(
                layer["annotations"] as? [String: String] == [
                    "dev.cosignproject.cosign/signature": "",
                    "predicateType": "https://stasis.dev/attestations/snapshot/v1",
                ]
            )
            let config = try #require(manifest["config"] as? [String: Any])
            #expect(config["mediaType"] as? String == "application/vnd.oci.image.config.v1+json")
            try await checkConfig(try #require(config["digest"] as? String), layer: layer, in: signed)
            let envelope = try await signed.raw("blobs/\(try #require(layer["digest"] as? String))")
            #expect(envelope["payloadType"] as? String == "application/vnd.in-toto+json")
        }
    }

    private func checkConfig(_ digest: String, layer: [String: Any], in signed: SignedRegistry) async throws {
        let config = try await signed.raw("blobs/\(digest)")
        #expect(Set(config.keys) == ["architecture", "created", "history", "os", "rootfs", "config"])
        #expect(config["architecture"] as? String == "" && config["os"] as? String == "")
        #expect(config["created"] as? String == "0001-01-01T00:00:00Z")
        #expect(config["history"] as? [[String: String]] == [["created": "0001-01-01T00:00:00Z"]])
        #expect((config["config"] as? [String: Any])?.isEmpty == true)
        let rootfs = try #require(config["rootfs"] as? [String: Any])
        #expect(rootfs["type"] as? String == "layers")
        #expect((rootfs["diff_ids"] as? [String])?.first == layer["digest"] as? String)
    }

    @Test("is an artifact that refers to the image")
    func referrer() async throws {
        try await SignedRegistry.inRegistry { signed in
            try await signed.sign(by: key)
            let image = signed.image.descriptor
            let index = try await signed.raw("manifests/sha256-\(image.digest.hex)")
            #expect(index["mediaType"] as? String == "application/vnd.oci.image.index.v1+json")
            let entries = try #require(index["manifests"] as? [[String: Any]])
            #expect(entries.count == 1)
            #expect(entries.first?["artifactType"] as? String == "application/vnd.in-toto+json")
            let digest = try #require(entries.first?["digest"] as? String)
            let manifest = try await signed.raw("manifests/\(digest)")
            #expect(
                Set(manifest.keys) == [
                    "schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations",
                ]
            )
            #expect(manifest["artifactType"] as? String == "application/vnd.in-toto+json")
            let config = try #require(manifest["config"] as? [String: Any])
            #expect(config["mediaType"] as? String == "application/vnd.oci.empty.v1+json")
            #expect(config["artifactType"] as? String == "application/vnd.in-toto+json")
            #expect(config["digest"] as? String == empty && config["size"] as? Int == 2)
            let subject = try #require(manifest["subject"] as? [String: Any])
            #expect(Set(subject.keys) == ["mediaType", "digest", "size"])
            #expect(subject["digest"] as? String == image.digest.description)
            #expect(subject["size"] as? Int == Int(image.size))
            let layer = try #require((manifest["layers"] as? [[String: Any]])?.first)
            #expect(layer["mediaType"] as? String == "application/vnd.dsse.envelope.v1+json")
            let tagged = try await signed.raw("manifests/sha256-\(image.digest.hex).att")
            let same = (tagged["layers"] as? [[String: Any]])?.first?["digest"] as? String
            #expect(layer["digest"] as? String == same)
            #expect(
                manifest["annotations"] as? [String: String] == [
                    "org.opencontainers.image.created": "2026-11-30T12:00:00.000Z"
                ]
            )
        }
    }

    @Test("has a plain signature under the tag .sig, which openssl verifies")
    func signature() async throws {
        try await SignedRegistry.inRegistry { signed in
            try await signed.sign(by: key)
            let digest = signed.image.descriptor.digest
            let manifest = try await signed.raw("manifests/sha256-\(digest.hex).sig")
            #expect(Set(manifest.keys) == ["schemaVersion", "mediaType", "config", "layers"])
            let layer = try #require((manifest["layers"] as? [[String: Any]])?.first)
            #expect(layer["mediaType"] as? String == "application/vnd.dev.cosign.simplesigning.v1+json")
            let annotations = try #require(layer["annotations"] as? [String: String])
            #expect(Set(annotations.keys) == ["dev.cosignproject.cosign/signature"])
            let blob = try #require(layer["digest"] as? String)
            let payload = try await signed.raw("blobs/\(blob)")
            #expect(Set(payload.keys) == ["critical", "optional"])
            #expect(payload["optional"] is NSNull)
            let critical = try #require(payload["critical"] as? [String: Any])
            #expect(Set(critical.keys) == ["identity", "image", "type"])
            #expect(critical["type"] as? String == "cosign container image signature")
            #expect(critical["identity"] as? [String: String] == ["docker-reference": signed.name])
            #expect(critical["image"] as? [String: String] == ["docker-manifest-digest": digest.description])

            let signature = try #require(
                annotations["dev.cosignproject.cosign/signature"].flatMap { Data(base64Encoded: $0) }
            )
            try await withFolder { folder in
                let url = "http://\(signed.registry?.authority ?? "")/v2/boxes/box/blobs/\(blob)"
                try await Command.run("curl", ["-sSf", "-o", "\(folder)/payload", url])
                try signature.write(to: URL(filePath: "\(folder)/signature"))
                try Data(key.publicPEM.utf8).write(to: URL(filePath: "\(folder)/key.pub"))
                let verify = ["dgst", "-sha256", "-verify", "\(folder)/key.pub", "-signature", "\(folder)/signature"]
                #expect(try await Command.run("openssl", verify + ["\(folder)/payload"]).contains("Verified OK"))
            }
        }
    }

    @Test("in a layout is what refers to the image, and no tag")
    func layout() async throws {
        try await SignedRegistry.inLayout { signed in
            try await signed.sign(by: key)
            #expect(try await signed.repository.tags(after: nil, limit: 10) == ["snap"])
            #expect(
                try await signed.repository.referrers(of: signed.image.descriptor.digest, artifactType: nil).count == 1
            )
            #expect(try await signed.refusal(trusting: key) == nil)
        }
    }
}
