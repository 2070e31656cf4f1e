// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// Something that happened to a sandbox, as it is told to its owner.
public struct SandboxEvent: Sendable, Hashable, Codable {
    /// Whether it was meant to happen; the raw values are Kubernetes' words.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// As it should be.
        case normal = "Normal"
        /// Somebody may have to look.
        case warning = "Warning"
    }

    /// When it happened.
    public var at: Date
    /// Whether it was meant to.
    public var kind: Kind
    /// One CamelCase word for programs.
    public var reason: String
    /// A sentence for people.
    public var message: String

    /// How many characters of a message are kept.
    public static let longestMessage = 1000

    /// Creates an event; a message that is too long is cut.
    public init(at: Date, _ reason: String, _ message: String, kind: Kind = .normal) {
        self.at = at
        self.kind = kind
        self.reason = reason
        self.message = String(message.prefix(Self.longestMessage))
    }
}
