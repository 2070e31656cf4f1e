// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What it was decided to capture for a `KruiseCheckpoint`, which that keeps in an annotation (`Kruise.Annotation.checkpointPlan`).
///
/// It is written down before anything is begun: what the sandbox is made from at the time of the capture is what clones are made
/// from, whatever becomes of the sandbox since.
public struct KruiseCheckpointPlan: JSONFields {
    /// The UID of the checkpoint. A copy of an object brings the plan of the other one along.
    public var uid = ""
    /// The name of the sandbox.
    public var sandboxName = ""
    /// Its UID.
    public var sandboxUID = ""
    /// What is captured.
    public var contents: [KruiseContent] = []
    /// What was wanted and nobody saves.
    public var missing: [KruiseContent] = []
    /// Whether somebody has said what is wanted.
    public var isExplicit = false
    /// Whether the sandbox ends with its capture.
    public var endsSandbox = false
    /// What the sandbox was made from.
    public var template = KruiseSandboxTemplateSpec()
    /// What was captured of a sandbox that has ended, an `Artifact`. That of one that runs on is in its `SandboxSnapshot`.
    public var artifact: RawJSON?
    /// How the pod differed from that, a `KruisePodTemplateDelta`; nil if it did not, or there was none.
    public var delta: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("uid", &uid)
        try fields.field("sandboxName", &sandboxName)
        try fields.field("sandboxUID", &sandboxUID)
        try fields.field("contents", &contents)
        try fields.field("missing", &missing)
        try fields.field("isExplicit", &isExplicit)
        try fields.field("endsSandbox", &endsSandbox)
        try fields.field("template", &template)
        try fields.field("artifact", &artifact)
        try fields.field("delta", &delta)
    }

    /// Whether nothing is captured.
    public var isInfoOnly: Bool { contents == [.podInfo] }
}

extension KruiseCheckpoint {
    /// What it was decided to capture; nil if that is not decided yet.
    ///
    /// - Throws: `JSONError` if the annotation is not what this wrote.
    public func plan() throws(JSONError) -> KruiseCheckpointPlan? {
        guard let text = metadata.annotations[Kruise.Annotation.checkpointPlan] else { return nil }
        let plan = try KruiseCheckpointPlan(json: text)
        return plan.uid == metadata.uid ? plan : nil
    }
}
