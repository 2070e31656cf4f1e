// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How sandboxes of one namespace are made out of Kruise's objects.
public struct KruiseRuntimeConfiguration: Sendable, Equatable {
    /// The namespace.
    public var namespace: String
    /// Seconds that a request waits for a set that has no sandbox to give and may make none, unless it says otherwise.
    public var claimTimeout = 60
    /// Seconds that a request waits for a sandbox to come up, unless it says otherwise.
    public var readyTimeout = 60

    /// Creates the defaults.
    public init(namespace: String) {
        self.namespace = namespace
    }
}
