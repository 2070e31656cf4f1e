// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a snapshot is asked to be, besides of which sandbox.
public struct SnapshotOptions: Sendable, Hashable {
    /// What its owner calls it, not empty and not necessarily unique.
    public var name: String?
    /// Whose it is; nil where an API knows no owners.
    public var owner: String?
    /// Whether the sandbox goes on afterwards; otherwise it ends once the snapshot is ready.
    public var keepRunning: Bool
    /// After how many seconds from its end it is deleted by itself; nil: never.
    public var timeToLive: Double?
    /// What is to be captured, in Kubernetes' words (`filesystem`, `memory`); empty: as the sandbox or the runtime has it.
    public var contents: Set<String>
    /// Whether it is only a means of the server's own, such as a fork's, and nobody is told of it.
    public var isInternal: Bool

    /// Creates options; without arguments they ask for nothing.
    public init(
        name: String? = nil,
        owner: String? = nil,
        keepRunning: Bool = true,
        timeToLive: Double? = nil,
        contents: Set<String> = [],
        isInternal: Bool = false
    ) {
        self.name = name
        self.owner = owner
        self.keepRunning = keepRunning
        self.timeToLive = timeToLive
        self.contents = contents
        self.isInternal = isInternal
    }
}
