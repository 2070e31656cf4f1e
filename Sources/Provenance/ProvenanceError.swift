// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why where an image comes from is not known, or cannot be said.
public struct ProvenanceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of errors.
    public enum Reason: Sendable, Hashable {
        /// A key is not there or is none.
        case badKey
        /// Nobody has said anything about the image.
        case unsigned
        /// What is said about it was signed by nobody whose key is known, or was changed since.
        case unknownKey
        /// What is said is about another image.
        case otherImage
        /// What is there is no statement about a snapshot.
        case malformed
    }

    /// The kind.
    public var reason: Reason
    /// What happened, to what, and what to do.
    public var message: String

    /// Creates an error.
    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

extension ProvenanceError.Reason {
    /// How near it was to be believed: of several statements the nearest tells most.
    var weight: Int {
        switch self {
        case .unsigned, .badKey: 0
        case .malformed: 1
        case .unknownKey: 2
        case .otherImage: 3
        }
    }
}
