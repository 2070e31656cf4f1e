// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How images are copied.
public struct ImageCopyOptions: Sendable, Hashable {
    /// What of a source that is not trusted is followed. Whatever passes one of these is refused before a byte of a blob
    /// has been moved.
    public struct Limits: Sendable, Hashable {
        /// How many manifests and indexes, those of referrers included.
        public var manifests: Int
        /// How many bytes they may have together. They are held in memory.
        public var manifestBytes: Int
        /// How deep indexes may name indexes, and referrers refer to referrers.
        public var depth: Int
        /// How many different blobs.
        public var blobs: Int
        /// How many bytes the blobs may have together; `nil` for any number.
        public var blobBytes: Int64?

        /// Creates limits.
        public init(
            manifests: Int = 1000,
            manifestBytes: Int = 64 << 20,
            depth: Int = 8,
            blobs: Int = 20000,
            blobBytes: Int64? = nil
        ) {
            self.manifests = manifests
            self.manifestBytes = manifestBytes
            self.depth = depth
            self.blobs = blobs
            self.blobBytes = blobBytes
        }
    }

    /// What to take from an index; `nil` for the whole index.
    public var platform: Platform?
    /// Whether what refers to the image comes along: signatures, lists of contents, and what refers to those.
    public var includesReferrers: Bool
    /// How many blobs are copied at a time.
    public var parallelism: Int
    /// What is followed.
    public var limits: Limits

    /// Creates options.
    public init(
        platform: Platform? = nil,
        includesReferrers: Bool = true,
        parallelism: Int = 3,
        limits: Limits = Limits()
    ) {
        self.platform = platform
        self.includesReferrers = includesReferrers
        self.parallelism = parallelism
        self.limits = limits
    }
}
