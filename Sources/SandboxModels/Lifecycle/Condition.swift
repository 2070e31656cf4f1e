// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One thing that people and programs look for in the status of a sandbox.
public struct Condition: Sendable, Hashable, Codable {
    /// What is said. The raw values are the condition types of the CRDs.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// It runs and can be used.
        case ready = "Ready"
        /// A transition is under way; the reason says which.
        case progressing = "Progressing"
        /// Only its artifact is left.
        case paused = "Paused"
        /// The last pause did not come about.
        case pauseFailed = "PauseFailed"
        /// The last resume did not come about.
        case resumeFailed = "ResumeFailed"
        /// It ended by itself, or never came up.
        case failed = "Failed"
        /// Something that it needs no more is still to be cleaned up.
        case cleaningUp = "CleaningUp"
    }

    /// Whether it is so.
    public enum Status: String, Sendable, Hashable, Codable {
        /// It is so.
        case yes = "True"
        /// It is not so.
        case no = "False"
        /// Nobody knows now.
        case unknown = "Unknown"
    }

    /// What is said.
    public var kind: Kind
    /// Whether it is so.
    public var status: Status
    /// One CamelCase word for programs.
    public var reason: String
    /// A sentence for people; may be empty when there is nothing to add.
    public var message: String

    /// Creates a condition.
    public init(_ kind: Kind, _ status: Status, reason: String, message: String = "") {
        self.kind = kind
        self.status = status
        self.reason = reason
        self.message = message
    }
}
