// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The secret that clients send with each request. It does not print itself.
public struct APIKey: Sendable, Equatable, CustomStringConvertible {
    private let bytes: [UInt8]

    /// Creates a key, or nil from a text that is blank: a blank key is no key.
    public init?(_ text: String) {
        guard !text.trimmed.isEmpty else { return nil }
        bytes = Array(text.utf8)
    }

    /// Whether a client's key is this one. How long the comparison takes tells nothing about the key but its length.
    func matches(_ offered: String) -> Bool {
        let offered = Array(offered.utf8)
        guard offered.count == bytes.count else { return false }
        return zip(bytes, offered).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Dots.
    public var description: String { "***" }
}
