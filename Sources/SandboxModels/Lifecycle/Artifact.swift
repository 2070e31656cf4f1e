// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A typed reference to one durable captured state of a sandbox.
///
/// What it names is immutable: parts are addressed by digest, and a tag is only a name for people to read.
public struct Artifact: Sendable, Hashable, Codable {
    /// What was stored for one container.
    public struct Part: Sendable, Hashable, Codable {
        /// The container's name within the sandbox.
        public var container: String
        /// Where the part is, as a reader would name it: for an OCI image `registry/repository:tag`, for an
        /// image layout `oci:<folder>:<tag>`. Never used to restore: `digest` is.
        public var reference: String
        /// The digest that the store itself computed, for an OCI image that of its manifest (`sha256:<64 hex>`).
        public var digest: String
        /// Bytes in the store that this part refers to, base layers included.
        public var size: Int64
        /// How many layers the image has, where it has layers.
        public var layers: Int?
        /// The digest of the image at the bottom of the stack, that was itself no snapshot, where known.
        public var baseDigest: String?

        /// Creates a part from its values.
        public init(
            container: String,
            reference: String,
            digest: String,
            size: Int64,
            layers: Int? = nil,
            baseDigest: String? = nil
        ) {
            self.container = container
            self.reference = reference
            self.digest = digest
            self.size = size
            self.layers = layers
            self.baseDigest = baseDigest
        }
    }

    /// The kind of thing the parts are, a media type: `ociImage` or one of a provider's own.
    public var kind: String
    /// The provider that made it and that alone can restore it, by `SnapshotProvider.name`.
    public var provider: String
    /// One entry a captured container, in the order of the request.
    public var parts: [Part]
    /// What it took to make it.
    public var statistics: Statistics?
    /// What people should know of how it was made, such as what could not be kept; nil if there is nothing.
    public var remark: String?
    /// `os/architecture` of what was captured, as OCI spells it (`linux/amd64`).
    public var platform: String

    /// What a capture took.
    public struct Statistics: Sendable, Hashable, Codable {
        /// Milliseconds from the freeze until the artifact was durable and verified, or until the thaw if the sandbox
        /// was to keep running.
        public var frozenMilliseconds: Int64
        /// Bytes of files that were read.
        public var bytesRead: Int64
        /// Bytes that were sent to the store.
        public var bytesWritten: Int64

        /// Creates statistics from their values.
        public init(frozenMilliseconds: Int64, bytesRead: Int64, bytesWritten: Int64) {
            self.frozenMilliseconds = frozenMilliseconds
            self.bytesRead = bytesRead
            self.bytesWritten = bytesWritten
        }
    }

    /// The `kind` of OCI images.
    public static let ociImage = "application/vnd.oci.image.manifest.v1+json"

    /// Creates an artifact from its values.
    public init(
        kind: String = Artifact.ociImage,
        provider: String,
        parts: [Part],
        platform: String,
        statistics: Statistics? = nil
    ) {
        self.kind = kind
        self.provider = provider
        self.parts = parts
        self.platform = platform
        self.statistics = statistics
    }
}
