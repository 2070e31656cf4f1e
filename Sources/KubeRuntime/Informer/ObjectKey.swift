// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What tells an object from others of its type: its namespace and name. In texts it is `namespace/name`.
public struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The namespace; `nil` for objects of the cluster.
    public var namespace: String?
    /// The name.
    public var name: String

    /// Creates a key.
    public init(namespace: String? = nil, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// The key of an object.
    public init(_ metadata: ObjectMeta) {
        namespace = metadata.namespace
        name = metadata.name
    }

    /// `namespace/name`.
    public var description: String { namespace.map { "\($0)/\(name)" } ?? name }

    /// Ordered by namespace, then by name.
    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace ?? "", left.name) < (right.namespace ?? "", right.name)
    }
}

extension KubeObject {
    /// What tells it from others of its type.
    public var key: ObjectKey { ObjectKey(metadata) }

    /// The owner of a type that controls it, in its own namespace; `nil` if there is none.
    public func controller<Owner: KubeResource>(_ type: Owner.Type = Owner.self) -> ObjectKey? {
        let type = Owner.resourceType
        let owner = metadata.ownerReferences.first { reference in
            // The version may be another one by now.
            reference.controller == true && reference.kind == type.kind
                && reference.apiVersion.split(separator: "/").dropLast().first ?? "" == type.group
        }
        return owner.map { ObjectKey(namespace: type.scope == .namespaced ? metadata.namespace : nil, name: $0.name) }
    }
}
