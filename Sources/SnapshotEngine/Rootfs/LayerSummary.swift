// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// What became of a layer.
public struct LayerSummary: Sendable, Hashable {
    /// What the compressed bytes are.
    public var mediaType: MediaType
    /// `sha256:<hex>` of the tar: what the image's config lists.
    public var diffID: String
    /// `sha256:<hex>` of the compressed bytes: the blob's name in a registry.
    public var digest: String
    /// Bytes of the compressed blob.
    public var compressedSize: Int64
    /// Bytes of the tar.
    public var uncompressedSize: Int64
    /// What is in it.
    public var counts: LayerCounts
    /// Up to 100 of the names that `ReservedNames.skip` left out.
    public var reservedNames: [String]
    /// What was copied, if the tree was alive: for the copy of the changes since.
    public var record: CopyRecord?

    /// There is no difference: the layer holds no entry.
    public var isEmpty: Bool { counts.entries == 0 }
}

/// How many of what a layer holds, and what was left out.
public struct LayerCounts: Sendable, Hashable {
    /// Regular files, by their first name.
    public var files = 0
    /// Directories.
    public var directories = 0
    /// Symbolic links.
    public var symbolicLinks = 0
    /// Further names of files that are already in the layer.
    public var hardLinks = 0
    /// Character and block devices.
    public var devices = 0
    /// Named pipes.
    public var fifos = 0
    /// Names that are gone, and those of sockets that have taken the place of something.
    public var whiteouts = 0
    /// Directories that hide what the image has in them.
    public var opaqueDirectories = 0
    /// Sockets, which a tar cannot hold and which are dead without their process: left out.
    public var skippedSockets = 0
    /// Names that begin with `.wh.`: left out, each with all that is in it.
    public var skippedReservedNames = 0
    /// Attributes that were left out: of kinds that are not carried, or with a `=` in the name, which PAX cannot write.
    public var skippedAttributes = 0
    /// Files that were gone before they could be read.
    public var vanished = 0
    /// Files that became shorter while they were read; the rest is zeros.
    public var shortened = 0
    /// The longest name in the layer in bytes. Some unpackers stop at 4,095.
    public var longestPath = 0

    /// Creates counts of nothing.
    public init() {}

    /// Entries in the layer, without opaque marks.
    public var entries: Int { files + directories + symbolicLinks + hardLinks + devices + fifos + whiteouts }
}
