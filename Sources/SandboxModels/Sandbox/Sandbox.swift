// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A sandbox as its owner sees it at one moment.
public struct Sandbox: Sendable, Hashable {
    /// The identity, a lower-case UUID that outlives every pause.
    public var id: String
    /// What was asked for.
    public var spec: SandboxSpec
    /// Where it is in its life.
    public var status: SandboxStatus
    /// When it was created.
    public var createdAt: Date
    /// When it will be deleted, if ever.
    public var expiresAt: Date?
    /// When it will be paused by itself, if ever; of a sandbox that is paused, when it was to be.
    public var pausesAt: Date?
    /// The image that a resume starts from, while there is one.
    public var artifact: Artifact?
    /// A word that changes whenever anything else here does, if its runtime has one; nothing else can be told from it.
    public var revision: String?

    /// Creates a sandbox from its values.
    public init(
        id: String,
        spec: SandboxSpec,
        status: SandboxStatus,
        createdAt: Date,
        expiresAt: Date? = nil,
        pausesAt: Date? = nil,
        artifact: Artifact? = nil,
        revision: String? = nil
    ) {
        self.id = id
        self.spec = spec
        self.status = status
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.pausesAt = pausesAt
        self.artifact = artifact
        self.revision = revision
    }
}

/// Where a sandbox is in its life, and why.
public struct SandboxStatus: Sendable, Hashable {
    /// The states of the OpenSandbox Lifecycle API; the raw values are its words.
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// Its compute is being made.
        case pending = "Pending"
        /// It runs.
        case running = "Running"
        /// It is being captured.
        case pausing = "Pausing"
        /// Only its artifact is left; nothing of it runs.
        case paused = "Paused"
        /// Its compute is being made from its artifact.
        case resuming = "Resuming"
        /// It is being deleted.
        case stopping = "Stopping"
        /// It ended by itself.
        case terminated = "Terminated"
        /// Something went wrong; the reason says what.
        case failed = "Failed"
    }

    /// The state.
    public var state: State
    /// One word for programs.
    public var reason: String?
    /// A sentence for people. A pause that failed says so here while the state is running again.
    public var message: String?
    /// When the state last changed.
    public var lastTransitionAt: Date
    /// How far a capture is, while there is one.
    public var progress: Progress?

    /// How far a capture is.
    public struct Progress: Sendable, Hashable, Codable {
        /// What is being done.
        public var stage: String
        /// Bytes of the sandbox read so far.
        public var bytesRead: Int64
        /// Bytes sent to the store so far.
        public var bytesWritten: Int64
        /// Bytes that will be read, if known.
        public var bytesTotal: Int64?

        /// Creates a progress.
        public init(stage: String, bytesRead: Int64, bytesWritten: Int64, bytesTotal: Int64?) {
            self.stage = stage
            self.bytesRead = bytesRead
            self.bytesWritten = bytesWritten
            self.bytesTotal = bytesTotal
        }
    }

    /// Creates a status from its values.
    public init(
        state: State,
        reason: String? = nil,
        message: String? = nil,
        lastTransitionAt: Date,
        progress: Progress? = nil
    ) {
        self.state = state
        self.reason = reason
        self.message = message
        self.lastTransitionAt = lastTransitionAt
        self.progress = progress
    }
}

/// Where a port of a sandbox is reached.
public struct SandboxEndpoint: Sendable, Hashable {
    /// `host:port`, without a scheme.
    public var address: String
    /// Headers that a client has to send along.
    public var headers: [String: String]

    /// Creates an endpoint.
    public init(address: String, headers: [String: String] = [:]) {
        self.address = address
        self.headers = headers
    }
}
