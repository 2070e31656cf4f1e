// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What there is of a `SandboxSnapshot`.
///
/// Fields that upstream's own schema does not have are marked as additions: that schema prunes them, so nothing that is
/// needed after a crash is only here.
public struct SandboxSnapshotStatus: JSONFields {
    /// The generation of the spec that this was found for.
    public var observedGeneration: Int?
    /// How far it is; `nil` until somebody has looked.
    public var phase: SandboxSnapshotPhase?
    /// What was captured of each container.
    public var containers: [CapturedContainer] = []
    /// What is `True` now, `Ready` or `Failed`; and `ArtifactAvailable`, which may be `False`.
    public var conditions: [KubeModels.Condition] = []
    /// The pod that is captured.
    public var sourcePodName: String?
    /// The node that it runs on, and the capture with it.
    public var sourceNodeName: String?
    /// The pod's UID, which tells it from others of its name. An addition.
    public var sourcePodUID: String?
    /// How far the capture is, while there is one. An addition.
    public var progress: CaptureProgress?
    /// When the capture was begun. An addition.
    public var startTime: Timestamp?
    /// When it was durable and verified, or had failed. An addition.
    public var completionTime: Timestamp?
    /// How long the sandbox was frozen, in milliseconds. An addition.
    public var frozenMilliseconds: Int?
    /// Bytes of files that were read. An addition.
    public var bytesRead: Int?
    /// Bytes that were sent to the registry. An addition.
    public var bytesWritten: Int?
    /// The provider that captured. An addition.
    public var provider: String?
    /// `os/architecture` of what was captured, such as `linux/amd64`. An addition.
    public var platform: String?
    /// The form of what was captured: `rootfs-v1` (the same as none) or `qemu-v1`. Upstream has it since after v0.2.0.
    public var format: String?
    /// What upstream has captured of a virtual machine, since after v0.2.0.
    public var virtualMachine: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("observedGeneration", &observedGeneration)
        try fields.field("phase", &phase)
        try fields.field("containers", &containers)
        try fields.field("conditions", &conditions)
        try fields.field("sourcePodName", &sourcePodName)
        try fields.field("sourceNodeName", &sourceNodeName)
        try fields.field("sourcePodUID", &sourcePodUID)
        try fields.field("progress", &progress)
        try fields.field("startTime", &startTime)
        try fields.field("completionTime", &completionTime)
        try fields.field("frozenMilliseconds", &frozenMilliseconds)
        try fields.field("bytesRead", &bytesRead)
        try fields.field("bytesWritten", &bytesWritten)
        try fields.field("provider", &provider)
        try fields.field("platform", &platform)
        try fields.field("format", &format)
        try fields.field("virtualMachine", &virtualMachine)
    }
}

/// How far a `SandboxSnapshot` is, in upstream's words. There are no others: its schema refuses a status with one.
public struct SandboxSnapshotPhase: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// It waits for its turn, or for its pod.
    public static let pending = SandboxSnapshotPhase(rawValue: "Pending")
    /// It is being captured.
    public static let committing = SandboxSnapshotPhase(rawValue: "Committing")
    /// It is durable and was verified. Final.
    public static let succeed = SandboxSnapshotPhase(rawValue: "Succeed")
    /// There is none; the conditions say why. Final.
    public static let failed = SandboxSnapshotPhase(rawValue: "Failed")

    /// All there are so far.
    public static let known: [SandboxSnapshotPhase] = [.pending, .committing, .succeed, .failed]
}

/// What was captured of one container.
public struct CapturedContainer: JSONFields {
    /// Its name in the pod.
    public var containerName = ""
    /// The image by its tag, for people.
    public var imageUri = ""
    /// The digest of the image's manifest in the registry, which a resume uses: `sha256:<64 hex>`.
    public var imageDigest: String?
    /// Bytes in the registry that the image refers to, base layers included. An addition.
    public var size: Int?
    /// How many layers the image has. An addition.
    public var layers: Int?
    /// The digest of the image at the bottom, that was itself no snapshot. An addition.
    public var baseDigest: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("containerName", &containerName)
        try fields.field("imageUri", &imageUri)
        try fields.field("imageDigest", &imageDigest)
        try fields.field("size", &size)
        try fields.field("layers", &layers)
        try fields.field("baseDigest", &baseDigest)
    }
}
