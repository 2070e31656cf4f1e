// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What the controller remembers of an `AgentSandbox` beside the record of its state machine, in the annotation
/// `AgentSandboxes.Annotation.notes`.
public struct AgentSandboxNotes: JSONFields {
    /// Whether the sandbox was to have no pod when that was last read, or written, here. If it is otherwise now, somebody else has
    /// changed it.
    public var isSuspended: Bool?
    /// The attempt for which the sandbox was last told to run.
    public var startedAttempt: Int?
    /// The images that were put into the template, by container.
    public var images: [String: String] = [:]
    /// The digests of what it was restored from, which belong to somebody else.
    public var restored: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates empty ones.
    public init() {}

    /// Those of an object; empty ones if there are none that can be read: nothing that is lost with them is a pod or an image.
    public init(of object: some KubeObject) {
        self = object.metadata.annotations[AgentSandboxes.Annotation.notes].flatMap { try? Self(json: $0) } ?? Self()
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("isSuspended", &isSuspended)
        try fields.field("startedAttempt", &startedAttempt)
        try fields.field("images", &images)
        try fields.field("restored", &restored)
    }
}
