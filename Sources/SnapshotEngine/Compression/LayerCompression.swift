// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// How a layer is compressed.
public enum LayerCompression: Sendable, Hashable {
    /// gzip, which everybody can read.
    case gzip(GzipMethod)
    /// zstd, level 1 to 19: smaller at the same speed, for registries and nodes that are not older than about 2021.
    case zstd(level: Int)

    /// gzip by the fastest method that this build has.
    public static var fastest: LayerCompression { .gzip(.fastest) }

    /// The media type of a layer that is compressed so.
    public var mediaType: MediaType {
        switch self {
        case .gzip: .ociLayerGzip
        case .zstd: .ociLayerZstd
        }
    }

    /// A new compressor, for one thread.
    ///
    /// - Throws: `RootfsError.compression` if there is no such level.
    func makeCompressor() throws -> any BlockCompressor {
        switch self {
        #if ISAL
        case .gzip(.isal(let level)): try ISALCompressor(level: level)
        #endif
        case .gzip(.zlib(let level)): try ZlibCompressor(level: level)
        case .zstd(let level): try ZstdCompressor(level: level)
        }
    }
}
