// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why something about a sandbox did not work, in the form in which its user reads it.
///
/// It becomes a condition, an Event, and the reason and message of a REST answer.
public struct Problem: Sendable, Hashable, Codable {
    /// One CamelCase word for programs, such as `RegistryUnreachable`.
    public var reason: String
    /// One or two sentences for people: what happened, to what, and what to do.
    public var message: String

    /// Creates a problem from its reason and its message.
    public init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }
}
