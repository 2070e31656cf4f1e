// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// Something with a name that a runtime creates sandboxes from, as those see it who ask an API for one.
public struct SandboxTemplateSummary: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// The team that may use it; nil: everybody.
    public var team: String?
    /// Limits of its sandboxes by resource name, in Kubernetes' quantities.
    public var resourceLimits: [String: String]
    /// When it was made.
    public var createdAt: Date
    /// When it was changed last.
    public var updatedAt: Date
    /// Whether it is being deleted.
    public var isLeaving: Bool

    /// Creates one from its values.
    public init(
        name: String,
        team: String? = nil,
        resourceLimits: [String: String] = [:],
        createdAt: Date,
        updatedAt: Date? = nil,
        isLeaving: Bool = false
    ) {
        self.name = name
        self.team = team
        self.resourceLimits = resourceLimits
        self.createdAt = createdAt
        self.updatedAt = updatedAt ?? createdAt
        self.isLeaving = isLeaving
    }
}
