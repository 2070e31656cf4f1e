// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// One captured state of a sandbox: `sandboxsnapshots`, in short `sbxsnap`.
///
/// That of a pause is owned by its `BatchSandbox`, which controls it. One without an owner was asked for by somebody, and
/// outlives the sandbox.
public struct SandboxSnapshot: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: OpenSandbox.group,
        version: OpenSandbox.version,
        kind: "SandboxSnapshot",
        plural: "sandboxsnapshots"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = SandboxSnapshotSpec()
    /// What there is; `nil` until somebody has looked.
    public var status: SandboxSnapshotStatus?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
        try fields.field("status", &status)
    }
}

/// What is to be captured.
public struct SandboxSnapshotSpec: JSONFields {
    /// The `BatchSandbox` in the same namespace. With `source`, only the name that images are stored under.
    public var sandboxName = ""
    /// What to capture instead of a `BatchSandbox`. Controllers refuse it unless they were told to allow it. An addition.
    public var source: SnapshotOrigin?
    /// Which containers to capture; all of the template's by default. All of the pod are frozen in any case. An addition.
    public var containers: [String] = []
    /// The provider that captures, by its name; the controller's default if there is none. An addition.
    public var provider: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("sandboxName", &sandboxName)
        try fields.field("source", &source)
        try fields.field("containers", &containers)
        try fields.field("provider", &provider)
    }
}

/// An object in the namespace of a snapshot whose one pod is captured, or which is that pod.
public struct SnapshotOrigin: JSONFields {
    /// Its group and version, such as `v1` or `agents.x-k8s.io/v1alpha1`.
    public var apiVersion = ""
    /// Its kind, such as `Pod`.
    public var kind = ""
    /// Its name.
    public var name = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("apiVersion", &apiVersion)
        try fields.field("kind", &kind)
        try fields.field("name", &name)
    }
}
