// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Something to tell people about an object.
public struct EventNote: Sendable, Hashable {
    /// Whether it is as it should be.
    public enum Severity: String, Sendable, Hashable {
        /// It is.
        case normal = "Normal"
        /// Somebody should look at it.
        case warning = "Warning"
    }

    /// What it is about.
    public var object: ObjectReference
    /// Whether it is as it should be.
    public var severity: Severity
    /// Why, in one CamelCase word.
    public var reason: String
    /// What happened. Longer than 1024 bytes it is cut.
    public var message: String
    /// Annotations of the event, for programs. The last note of several that are one event has the say.
    public var annotations: [String: String]

    /// Creates a note.
    public init(
        _ severity: Severity,
        about object: ObjectReference,
        reason: String,
        message: String,
        annotations: [String: String] = [:]
    ) {
        self.severity = severity
        self.object = object
        self.reason = reason
        self.message = message
        self.annotations = annotations
    }
}
