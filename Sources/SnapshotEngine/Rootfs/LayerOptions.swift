// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a layer holds and how it is packed.
public struct LayerOptions: Sendable, Hashable {
    /// The compression.
    public var compression: LayerCompression
    /// What to do with real files named `.wh.*`.
    public var reservedNames: ReservedNames
    /// Whether the root directory's own metadata goes into the layer.
    public var root: RootEntry
    /// The most bytes that the tar may have; nil for no limit. A file of holes costs a container nothing, and can be of any
    /// size.
    public var sizeLimit: Int64?

    /// Creates options; the defaults are for a frozen container.
    public init(
        compression: LayerCompression = .fastest,
        reservedNames: ReservedNames = .refuse,
        root: RootEntry = .omit,
        sizeLimit: Int64? = nil
    ) {
        self.compression = compression
        self.reservedNames = reservedNames
        self.root = root
        self.sizeLimit = sizeLimit
    }
}

/// A real file whose name begins with `.wh.` would delete another one when the layer is unpacked.
public enum ReservedNames: Sendable, Hashable {
    /// The capture fails and names it.
    case refuse
    /// It stays out, with all that is in it, and the summary names it.
    case skip
}

/// Whether a layer has an entry `./`.
///
/// Usual layers have none: an unpacker keeps the root directory it has. But a mode or owner that the sandbox changed
/// would be lost so, hence the comparison. The root's times never matter, for unpackers make their own, and an opaque
/// mark on the root does not either: the kernel does not honour it.
public enum RootEntry: Sendable, Hashable {
    /// Never.
    case omit
    /// Always.
    case include
    /// If its mode, owner or attributes differ from those of the image's root: the directory at this path, which is the
    /// first lower directory of the mount.
    case includeIfDifferent(from: String)
}
