// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A port of a sandbox that a request goes to.
struct ProxyTarget: Sendable {
    /// Whose sandbox it is, and which.
    var key: Waker.Key
    var runtime: any SandboxRuntime
    var port: Int
    /// Path and query as the sandbox gets them.
    var target: String
    /// The path of the sandbox's root at this server, for redirects.
    var prefix: String
    /// Whether the server itself asks on the client's behalf, and may use the token of the sandbox's sidecar.
    var isInternal = false
    /// Whether it came by the E2B API: what the client sends to log in is the sandbox's then, and refusals are in its words.
    var speaksE2B = false
    /// Whether the request counts as a use of the sandbox.
    var countsAsAccess = true
}
