// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SnapshotProvider

/// Why an artifact is not known to be in its store, or not known to be gone from it.
public struct ArtifactStoreError: Error, Sendable, CustomStringConvertible {
    /// The kinds of errors, each the reason of the failure that it becomes.
    public enum Reason: String, Sendable, Hashable {
        /// Something of it is missing, or is not what its digest says.
        case notVerified = "NotVerified"
        /// It is there, but nobody who is trusted has signed where it comes from.
        case unproven = "ProvenanceNotVerified"
        /// The store cannot be asked.
        case unavailable = "TargetUnavailable"
    }

    /// The kind.
    public var reason: Reason
    /// What happened, to what, and what to do.
    public var message: String
    /// What it came from.
    public var cause: (any Error)?

    /// Creates an error.
    public init(_ reason: Reason, _ message: String, cause: (any Error)? = nil) {
        self.reason = reason
        self.message = message
        self.cause = cause
    }

    /// The message and its cause.
    public var description: String {
        guard let cause else { return message }
        return "\(message) (\(cause))"
    }

    /// What a provider answers. Who does not answer may come back; what is missing does not by itself.
    public var failure: SnapshotFailure {
        SnapshotFailure(reason.rawValue, description, isRetryable: reason == .unavailable)
    }
}
