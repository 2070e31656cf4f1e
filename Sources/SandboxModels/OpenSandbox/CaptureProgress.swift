// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How far a capture is, in the status of what is captured.
public struct CaptureProgress: JSONFields {
    /// What is being done, in one word.
    public var stage = ""
    /// Bytes of files read so far.
    public var bytesRead: Int?
    /// Bytes sent to the registry so far.
    public var bytesWritten: Int?
    /// Bytes that will be read, if known.
    public var bytesTotal: Int?
    /// All of it in a few words, for a column of `kubectl get`. See `summarized()`.
    public var summary: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("stage", &stage)
        try fields.field("bytesRead", &bytesRead)
        try fields.field("bytesWritten", &bytesWritten)
        try fields.field("bytesTotal", &bytesTotal)
        try fields.field("summary", &summary)
    }
}

/// What a resume starts from, in the status of what is paused: for people, as the machine's own record is elsewhere.
public struct ArtifactSummary: JSONFields {
    /// The first container's image by its tag.
    public var imageUri = ""
    /// The digest of that image's manifest.
    public var imageDigest = ""
    /// The digest of the image at its bottom, that was itself no snapshot.
    public var baseDigest: String?
    /// Bytes in the registry that the images refer to, base layers included.
    public var size: Int?
    /// How long the sandbox was frozen, in milliseconds.
    public var frozenMilliseconds: Int?
    /// When it was durable and verified.
    public var completionTime: Timestamp?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("imageUri", &imageUri)
        try fields.field("imageDigest", &imageDigest)
        try fields.field("baseDigest", &baseDigest)
        try fields.field("size", &size)
        try fields.field("frozenMilliseconds", &frozenMilliseconds)
        try fields.field("completionTime", &completionTime)
    }
}
