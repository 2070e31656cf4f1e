// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What a sandbox takes along when it moves.
public struct Luggage: Sendable, Hashable {
    /// What it is to be there; its image is set when it is known.
    public var spec: SandboxSpec
    /// When its time is over, if ever.
    public var expiresAt: Date?
    /// What does not travel: a word and a name each, such as `volume data`.
    public var leftBehind: [String]
    /// Why it cannot move at all, a sentence each.
    public var obstacles: [String]
    /// Whether its image is where other servers may be able to read it.
    public var isImageShared = true

    /// Creates one from its values.
    public init(
        spec: SandboxSpec,
        expiresAt: Date? = nil,
        leftBehind: [String] = [],
        obstacles: [String] = []
    ) {
        self.spec = spec
        self.expiresAt = expiresAt
        self.leftBehind = leftBehind
        self.obstacles = obstacles
    }
}
