// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How far the restart of a pod's containers is, as the annotation `sandbox.opensandbox.io/restart-record` of the pod says. It is
/// written before anything is done.
public struct RestartRecord: JSONFields {
    /// The name of the sandbox that gives the pod back.
    public var id = ""
    /// When it began.
    public var startTime: Timestamp?
    /// The containers to be started again, with their IDs before; an ID is empty where there was none yet.
    public var containers: [String: String] = [:]
    /// When the last attempt began.
    public var lastRetryTime: Timestamp?
    /// How many attempts there were.
    public var retryCount = 0
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("id", &id)
        try fields.field("startTime", &startTime)
        // Written even if there are none, as upstream does.
        var ids: [String: String]? = containers
        try fields.field("containers", &ids)
        containers = ids ?? [:]
        try fields.field("lastRetryTime", &lastRetryTime)
        // Not written if there were none.
        var count = retryCount == 0 ? nil : Int?(retryCount)
        try fields.field("retryCount", &count)
        retryCount = count ?? 0
    }
}

extension RestartRecord {
    /// What a pod has written down; nil if nothing that can be read.
    public init?(of pod: Pod) {
        guard let text = pod.metadata.annotations[OpenSandbox.Annotation.restartRecord],
            let record = try? RestartRecord(json: text)
        else { return nil }
        self = record
    }
}
