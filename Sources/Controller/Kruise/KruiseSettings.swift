// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How the Kruise dialect is worked on.
public struct KruiseSettings: Sendable, Hashable {
    /// How many Sandboxes are looked at at a time; nil for as many as BatchSandboxes.
    public var sandboxWorkers: Int?
    /// How many SandboxSets are looked at at a time.
    public var setWorkers = 8
    /// How many SandboxClaims are looked at at a time.
    public var claimWorkers = 64
    /// How many Checkpoints are looked at at a time. Each look is a few requests.
    public var checkpointWorkers = 8

    /// Creates those that are usual.
    public init() {}
}
