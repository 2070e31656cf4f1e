// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The type of a manifest, config or blob, as written in descriptors and Content-Type headers.
public struct MediaType: Sendable, Hashable, Codable, RawRepresentable, CustomStringConvertible {
    /// How a layer is compressed.
    public enum Compression: Sendable, Hashable {
        /// A bare tar.
        case none
        /// gzip.
        case gzip
        /// Zstandard.
        case zstd
    }

    /// The type as written, without parameters.
    public let rawValue: String

    /// Creates a type from its written form; parameters after a `;` are dropped.
    public init(rawValue: String) {
        let bare = rawValue.prefix { $0 != ";" }
        let start = bare.drop { $0 == " " || $0 == "\t" }
        self.rawValue = String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }

    /// Creates a type from its written form; parameters after a `;` are dropped.
    public init(_ text: String) { self.init(rawValue: text) }

    /// The written form.
    public var description: String { rawValue }

    // MARK: OCI

    /// An OCI image index.
    public static let ociIndex = MediaType("application/vnd.oci.image.index.v1+json")
    /// An OCI image manifest.
    public static let ociManifest = MediaType("application/vnd.oci.image.manifest.v1+json")
    /// An OCI image configuration.
    public static let ociConfig = MediaType("application/vnd.oci.image.config.v1+json")
    /// An uncompressed OCI layer.
    public static let ociLayer = MediaType("application/vnd.oci.image.layer.v1.tar")
    /// An OCI layer compressed with gzip.
    public static let ociLayerGzip = MediaType("application/vnd.oci.image.layer.v1.tar+gzip")
    /// An OCI layer compressed with Zstandard.
    public static let ociLayerZstd = MediaType("application/vnd.oci.image.layer.v1.tar+zstd")
    /// An uncompressed OCI layer that must not be pushed.
    public static let ociNondistributableLayer = MediaType(
        "application/vnd.oci.image.layer.nondistributable.v1.tar"
    )
    /// A gzip-compressed OCI layer that must not be pushed.
    public static let ociNondistributableLayerGzip = MediaType(
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    )
    /// A zstd-compressed OCI layer that must not be pushed.
    public static let ociNondistributableLayerZstd = MediaType(
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
    )

    // MARK: Docker

    /// Docker's manifest list, an index.
    public static let dockerManifestList = MediaType("application/vnd.docker.distribution.manifest.list.v2+json")
    /// Docker's manifest, schema 2.
    public static let dockerManifest = MediaType("application/vnd.docker.distribution.manifest.v2+json")
    /// Docker's image configuration.
    public static let dockerConfig = MediaType("application/vnd.docker.container.image.v1+json")
    /// Docker's uncompressed layer.
    public static let dockerLayer = MediaType("application/vnd.docker.image.rootfs.diff.tar")
    /// Docker's layer compressed with gzip.
    public static let dockerLayerGzip = MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip")
    /// Docker's layer compressed with Zstandard.
    public static let dockerLayerZstd = MediaType("application/vnd.docker.image.rootfs.diff.tar.zstd")
    /// Docker's layer that must not be pushed.
    public static let dockerForeignLayerGzip = MediaType(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    )

    /// What a client that wants any kind of image sends as `Accept`.
    public static let manifestTypes: [MediaType] = [.ociManifest, .ociIndex, .dockerManifest, .dockerManifestList]

    /// Whether it is an OCI index or a Docker manifest list.
    public var isIndex: Bool { self == .ociIndex || self == .dockerManifestList }

    /// Whether it is the manifest of one image.
    public var isManifest: Bool { self == .ociManifest || self == .dockerManifest }

    /// Whether it is an image configuration.
    public var isConfig: Bool { self == .ociConfig || self == .dockerConfig }

    /// Whether it is a layer, of any compression.
    public var isLayer: Bool { layerCompression != nil }

    /// Whether it is a layer that is fetched from elsewhere and must not be pushed.
    public var isNondistributable: Bool {
        [
            .ociNondistributableLayer, .ociNondistributableLayerGzip, .ociNondistributableLayerZstd,
            .dockerForeignLayerGzip,
        ].contains(self)
    }

    /// How the layer is compressed; `nil` if it is not a layer that we know.
    public var layerCompression: Compression? {
        switch self {
        case .ociLayer, .ociNondistributableLayer, .dockerLayer: Compression.none
        case .ociLayerGzip, .ociNondistributableLayerGzip, .dockerLayerGzip, .dockerForeignLayerGzip: .gzip
        case .ociLayerZstd, .ociNondistributableLayerZstd, .dockerLayerZstd: .zstd
        default: nil
        }
    }

    /// The OCI type with the same bytes: Docker's types differ in name only. Other types are returned unchanged.
    public var ociEquivalent: MediaType {
        switch self {
        case .dockerManifestList: .ociIndex
        case .dockerManifest: .ociManifest
        case .dockerConfig: .ociConfig
        case .dockerLayer: .ociLayer
        case .dockerLayerGzip: .ociLayerGzip
        case .dockerLayerZstd: .ociLayerZstd
        case .dockerForeignLayerGzip: .ociNondistributableLayerGzip
        default: self
        }
    }
}
