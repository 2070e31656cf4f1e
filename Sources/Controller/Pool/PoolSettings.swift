// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a controller of pools is told by whoever runs it.
public struct PoolSettings: Sendable, Hashable {
    /// Seconds after which a pod that was created or deleted is taken for seen (`--expectation-timeout`).
    public var expectationTimeout = 300
    /// How many sandboxes of a pool are told of their pods at a time. At least 1.
    public var allocationConcurrency = 256
    /// How many pods of a pool are recycled at a time. At least 1.
    public var recycleConcurrency = 64

    /// Creates the defaults.
    public init() {}
}
