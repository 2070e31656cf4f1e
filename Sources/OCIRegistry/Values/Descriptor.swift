// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A reference to content by its type, digest and size, as the image specification defines it.
public struct Descriptor: Sendable, Hashable, Codable {
    private enum CodingKeys: CodingKey {
        case mediaType, digest, size, urls, annotations, data, platform, artifactType
    }

    /// The type of what it refers to.
    public var mediaType: MediaType
    /// The digest of the content's bytes.
    public var digest: Digest
    /// How many bytes the content has.
    public var size: Int64
    /// Where else the content can be had; for layers that must not be pushed.
    public var urls: [String]?
    /// Words of the writer's own.
    public var annotations: [String: String]?
    /// The content itself in base 64, for very small content.
    public var data: String?
    /// In an index: what the image runs on.
    public var platform: Platform?
    /// What kind of artifact it is, if it is not an image.
    public var artifactType: String?

    /// Creates a descriptor.
    public init(
        mediaType: MediaType,
        digest: Digest,
        size: Int64,
        urls: [String]? = nil,
        annotations: [String: String]? = nil,
        data: String? = nil,
        platform: Platform? = nil,
        artifactType: String? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.urls = urls
        self.annotations = annotations
        self.data = data
        self.platform = platform
        self.artifactType = artifactType
    }

    /// Reads a descriptor.
    ///
    /// - Throws: `DecodingError` also if the size is negative.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try container.decode(MediaType.self, forKey: .mediaType)
        digest = try container.decode(Digest.self, forKey: .digest)
        size = try container.decode(Int64.self, forKey: .size)
        urls = try container.decodeIfPresent([String].self, forKey: .urls)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations)
        data = try container.decodeIfPresent(String.self, forKey: .data)
        platform = try container.decodeIfPresent(Platform.self, forKey: .platform)
        artifactType = try container.decodeIfPresent(String.self, forKey: .artifactType)
        guard size >= 0 else {
            throw DecodingError.dataCorruptedError(forKey: .size, in: container, debugDescription: "it is negative")
        }
    }

    /// Describes some bytes by their SHA-256.
    public init(of bytes: [UInt8], mediaType: MediaType) {
        self.init(mediaType: mediaType, digest: .sha256(of: bytes), size: Int64(bytes.count))
    }
}
