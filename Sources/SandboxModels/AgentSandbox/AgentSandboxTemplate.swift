// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What warm pools and claims make sandboxes from: `sandboxtemplates.extensions.agents.x-k8s.io`. Only what it refers to is of interest.
public struct AgentSandboxTemplate<Version: AgentSandboxVersion>: KubeResource {
    /// Its kind, and where it is served.
    public static var resourceType: ResourceType {
        ResourceType(
            group: AgentSandboxes.extensionGroup,
            version: Version.version.rawValue,
            kind: "SandboxTemplate",
            plural: "sandboxtemplates"
        )
    }

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What sandboxes are made from.
    public var spec: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
    }
}
