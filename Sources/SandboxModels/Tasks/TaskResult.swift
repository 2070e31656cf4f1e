// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How a task has ended whose pod was given back: what is left of it, since no executor can be asked any more.
public struct TaskResult: JSONFields {
    /// The pod that it ran on.
    public var pod = ""
    /// The state in upstream's words.
    public var state = TaskState.unknown.rawValue
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("pod", &pod)
        try fields.field("state", &state)
    }
}

extension BatchSandbox {
    /// How tasks have ended whose pods were given back, by their places, as it is written down. Where that cannot be read, none:
    /// such a task has no pod, and runs again only if it is given another one.
    public func taskResults() -> [Int: TaskResult] {
        guard let text = metadata.annotations[OpenSandbox.Annotation.taskResults],
            let results = try? [String: TaskResult](json: text)
        else { return [:] }
        return Dictionary(results.compactMap { key, value in Int(key).map { ($0, value) } }) { first, _ in first }
    }
}
