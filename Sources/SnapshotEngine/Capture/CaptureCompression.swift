// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How the layers of a capture are compressed, as users choose it. The layers of the image under it stay as they are.
public enum CaptureCompression: String, Sendable, Hashable, CaseIterable {
    /// gzip, by the fastest method: everybody can read it.
    case gzip
    /// zstd, at its fastest: smaller at about the same speed, for registries and nodes from about 2021 on.
    case zstd

    var ofLayers: LayerCompression {
        switch self {
        case .gzip: .fastest
        case .zstd: .zstd(level: 1)
        }
    }
}
