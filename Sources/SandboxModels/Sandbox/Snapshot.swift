// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A captured state of a sandbox that its owner asked for. It outlives the sandbox.
public struct Snapshot: Sendable, Hashable {
    /// The identity, a lower-case UUID.
    public var id: String
    /// The sandbox that was captured, which may be gone.
    public var sandboxID: String
    /// What its owner calls it.
    public var name: String?
    /// How far it is.
    public var status: SnapshotStatus
    /// When it was asked for.
    public var createdAt: Date
    /// The image that sandboxes can be created from, once it is ready.
    public var artifact: Artifact?
    /// Whose it is; nil where an API knows no owners.
    public var owner: String?
    /// What the captured sandbox was asked to be, where the runtime leaves it to the API to create others like it.
    public var source: SandboxSpec?
    /// When it is deleted by itself, if that is known.
    public var expiresAt: Date?
    /// Whether it is only a means of the server's own: who knows its identity has it, lists do not.
    public var isInternal: Bool

    /// Creates a snapshot from its values.
    public init(
        id: String,
        sandboxID: String,
        name: String? = nil,
        status: SnapshotStatus,
        createdAt: Date,
        artifact: Artifact? = nil,
        owner: String? = nil,
        source: SandboxSpec? = nil,
        expiresAt: Date? = nil,
        isInternal: Bool = false
    ) {
        self.id = id
        self.sandboxID = sandboxID
        self.name = name
        self.status = status
        self.createdAt = createdAt
        self.artifact = artifact
        self.owner = owner
        self.source = source
        self.expiresAt = expiresAt
        self.isInternal = isInternal
    }
}

/// How far a snapshot is, and why.
public struct SnapshotStatus: Sendable, Hashable, Codable {
    /// The states of the OpenSandbox Lifecycle API; the raw values are its words.
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// It is being captured.
        case creating = "Creating"
        /// It is durable and was verified.
        case ready = "Ready"
        /// There is none: the reason says why.
        case failed = "Failed"
        /// It is being deleted.
        case deleting = "Deleting"
    }

    /// The state.
    public var state: State
    /// One word for programs.
    public var reason: String?
    /// A sentence for people.
    public var message: String?
    /// When the state last changed.
    public var lastTransitionAt: Date
    /// How far the capture is, while there is one.
    public var progress: SandboxStatus.Progress?

    /// Creates a status from its values.
    public init(
        state: State,
        reason: String? = nil,
        message: String? = nil,
        lastTransitionAt: Date,
        progress: SandboxStatus.Progress? = nil
    ) {
        self.state = state
        self.reason = reason
        self.message = message
        self.lastTransitionAt = lastTransitionAt
        self.progress = progress
    }
}
