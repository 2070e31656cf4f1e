// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Somebody who uses the server and sees only sandboxes of their own.
public struct Tenant: Sendable {
    /// The name, for logs and measurements.
    public var name: String
    /// The keys that its clients send; none: everybody is this tenant.
    public var keys: [APIKey]
    /// Where its sandboxes live.
    public var runtime: any SandboxRuntime

    /// What the API has written about them.
    let encodedSandboxes = EncodedSandboxes()

    /// The name of the tenant of a server that has only one.
    public static let soleName = "default"

    /// Creates a tenant.
    public init(name: String, keys: [APIKey], runtime: any SandboxRuntime) {
        self.name = name
        self.keys = keys
        self.runtime = runtime
    }
}
