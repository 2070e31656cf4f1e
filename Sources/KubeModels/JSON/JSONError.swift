// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a JSON document: where, and what was found there.
public struct JSONError: Error, Sendable, Hashable {
    /// What is wrong, as the rest of a sentence: `is a number, not a string`.
    public var reason: String
    /// The member it is about, from the outside in: `["spec", "containers", "0", "image"]`. Empty for the document itself.
    public var path: [String]
    /// How many bytes come before the place.
    public var offset: Int

    /// Creates an error.
    public init(_ reason: String, at offset: Int = 0, path: [String] = []) {
        self.reason = reason
        self.path = path
        self.offset = offset
    }

    /// The same error seen from a member's owner.
    public func inside(_ name: String) -> JSONError {
        JSONError(reason, at: offset, path: [String(name.prefix(100))] + path)
    }
}

extension JSONError: CustomStringConvertible {
    /// `spec.containers.0.image is a number, not a string (byte 120)`.
    public var description: String {
        "\(path.isEmpty ? "the document" : path.joined(separator: ".")) \(reason) (byte \(offset))"
    }
}
