// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

import struct Foundation.Data

/// The documents that cosign keeps beside an image, byte for byte of its form: what is signed here is read by cosign, and
/// by whoever else reads cosign's.
public enum CosignLayout {
    /// The type of an envelope as a layer.
    public static let envelopeType = MediaType("application/vnd.dsse.envelope.v1+json")
    /// The type of a plain signature's payload as a layer.
    public static let simpleSigningType = MediaType("application/vnd.dev.cosign.simplesigning.v1+json")
    /// The type of statements as artifacts that refer to an image.
    public static let statementArtifactType = SignedEnvelope.payloadType
    /// The type of an empty config, of the image specification.
    public static let emptyType = MediaType("application/vnd.oci.empty.v1+json")
    /// The annotation with the signature of a layer.
    public static let signatureAnnotation = "dev.cosignproject.cosign/signature"
    /// The annotation with the kind of statement that a layer is.
    public static let predicateTypeAnnotation = "predicateType"
    /// The annotation with the time of a document.
    public static let createdAnnotation = "org.opencontainers.image.created"

    /// The tag of the statements about an image.
    public static func attestationTag(of image: Digest) -> String { "\(image.algorithm.rawValue)-\(image.hex).att" }

    /// The tag of the plain signatures of an image.
    public static func signatureTag(of image: Digest) -> String { "\(image.algorithm.rawValue)-\(image.hex).sig" }

    /// A manifest and the blobs that it names.
    public struct Document: Sendable {
        /// The manifest.
        public var manifest: ImageManifest
        /// The blobs, each with its type.
        public var blobs: [(bytes: [UInt8], mediaType: MediaType)]
    }

    /// What is found by a tag: an image whose layers are envelopes.
    public static func attestation(_ envelope: [UInt8]) throws(RegistryError) -> Document {
        try tagged(
            envelope,
            envelopeType,
            [signatureAnnotation: "", predicateTypeAnnotation: SnapshotStatement.predicateType]
        )
    }

    /// What is found by asking what refers to the image.
    ///
    /// - Parameter created: RFC 3339.
    public static func referrer(_ envelope: [UInt8], to image: Descriptor, created: String) -> Document {
        var layer = Descriptor(of: envelope, mediaType: envelopeType)
        layer.annotations = [signatureAnnotation: "", predicateTypeAnnotation: SnapshotStatement.predicateType]
        return artifact(statementArtifactType, [(envelope, layer)], about: image, [createdAnnotation: created])
    }

    /// What is found by a tag: an image whose layer is the payload of a plain signature.
    ///
    /// - Parameters:
    ///   - image: The digest of the signed manifest.
    ///   - repository: Where that is, as `registry/repository`.
    public static func signature(
        of image: Digest,
        in repository: String,
        by key: SigningKey
    ) throws -> Document {
        let payload = try ImageDocument.encode(SimpleSigning(image: image, repository: repository))
        return try tagged(
            payload,
            simpleSigningType,
            [signatureAnnotation: Data(try key.sign(payload)).base64EncodedString()]
        )
    }

    /// An artifact that refers to an image, as the image specification has it.
    static func artifact(
        _ type: String,
        _ blobs: [(bytes: [UInt8], layer: Descriptor)],
        about image: Descriptor,
        _ annotations: [String: String]
    ) -> Document {
        let empty = Array("{}".utf8)
        var config = Descriptor(of: empty, mediaType: emptyType)
        config.artifactType = type
        return Document(
            manifest: ImageManifest(
                artifactType: type,
                config: config,
                layers: blobs.map(\.layer),
                subject: Descriptor(mediaType: image.mediaType, digest: image.digest, size: image.size),
                annotations: annotations
            ),
            blobs: [(empty, emptyType)] + blobs.map { ($0.bytes, $0.layer.mediaType) }
        )
    }

    private static func tagged(
        _ bytes: [UInt8],
        _ type: MediaType,
        _ annotations: [String: String]
    ) throws(RegistryError) -> Document {
        var layer = Descriptor(of: bytes, mediaType: type)
        layer.annotations = annotations
        let config = try ImageDocument.encode(SignatureConfig(layers: [layer.digest]))
        return Document(
            manifest: ImageManifest(config: Descriptor(of: config, mediaType: .ociConfig), layers: [layer]),
            blobs: [(config, .ociConfig), (bytes, type)]
        )
    }
}

/// The payload of a plain signature.
struct SimpleSigning: Codable {
    struct Critical: Codable {
        struct Identity: Codable {
            var reference: String

            enum CodingKeys: String, CodingKey { case reference = "docker-reference" }
        }

        struct Image: Codable {
            var digest: String

            enum CodingKeys: String, CodingKey { case digest = "docker-manifest-digest" }
        }

        var identity: Identity
        var image: Image
        var type: String
    }

    var critical: Critical

    init(image: Digest, repository: String) {
        critical = Critical(
            identity: Critical.Identity(reference: repository),
            image: Critical.Image(digest: image.description),
            type: "cosign container image signature"
        )
    }

    private enum CodingKeys: CodingKey { case critical, optional }

    init(from decoder: any Decoder) throws {
        critical = try decoder.container(keyedBy: CodingKeys.self).decode(Critical.self, forKey: .critical)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(critical, forKey: .critical)
        // cosign always writes it.
        try container.encodeNil(forKey: .optional)
    }
}

/// The config that cosign gives an image of signatures: one that says nothing but how many layers there are.
private struct SignatureConfig: Encodable {
    struct History: Encodable { var created = SignatureConfig.noTime }
    struct RootFS: Encodable {
        var type = "layers"
        var diffIDs: [String]

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }
    struct Nothing: Encodable {}

    static let noTime = "0001-01-01T00:00:00Z"

    var architecture = ""
    var created = Self.noTime
    var history: [History]
    var os = ""
    var rootfs: RootFS
    var config = Nothing()

    init(layers: [Digest]) {
        history = layers.map { _ in History() }
        rootfs = RootFS(diffIDs: layers.map(\.description))
    }
}
