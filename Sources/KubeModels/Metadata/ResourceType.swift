// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A kind of object that an API server serves, and where.
public struct ResourceType: Sendable, Hashable {
    /// Whether objects live in namespaces.
    public enum Scope: Sendable, Hashable {
        /// Each object is in a namespace.
        case namespaced
        /// Objects are the cluster's own.
        case cluster
    }

    /// The API group; empty for the core group.
    public var group: String
    /// The version, such as `v1`.
    public var version: String
    /// The kind, such as `Pod`.
    public var kind: String
    /// The name in addresses, such as `pods`.
    public var plural: String
    /// Whether objects live in namespaces.
    public var scope: Scope

    /// Creates a type.
    public init(group: String, version: String, kind: String, plural: String, scope: Scope = .namespaced) {
        self.group = group
        self.version = version
        self.kind = kind
        self.plural = plural
        self.scope = scope
    }

    /// Group and version as objects carry them: `apps/v1`, or `v1` in the core group.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The name that a CustomResourceDefinition of the type has, and that RBAC rules and messages use: `pods`,
    /// `jobs.batch`.
    public var qualifiedPlural: String { group.isEmpty ? plural : "\(plural).\(group)" }
}

extension ResourceType: CustomStringConvertible {
    /// `Job (batch/v1)`.
    public var description: String { "\(kind) (\(apiVersion))" }
}
