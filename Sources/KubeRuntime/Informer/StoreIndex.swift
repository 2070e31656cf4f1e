// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// A way to find objects by something other than their names.
///
/// ```swift
/// extension StoreIndex<Pod> {
///     static let node = StoreIndex("node") { [$0.spec.nodeName].compactMap(\.self) }
/// }
/// ```
public struct StoreIndex<Object: KubeObject>: Sendable {
    /// Its name, which is its own among those of one store.
    public let name: String
    let values: @Sendable (Object) -> [String]

    /// Creates an index.
    ///
    /// - Parameter values: under what an object is to be found. Called under a lock: it must not block.
    public init(_ name: String, values: @escaping @Sendable (Object) -> [String]) {
        self.name = name
        self.values = values
    }

    /// By namespace.
    public static var namespace: StoreIndex { StoreIndex("namespace") { [$0.metadata.namespace ?? ""] } }

    /// By the UID of each owner.
    public static var owner: StoreIndex { StoreIndex("owner") { $0.metadata.ownerReferences.map(\.uid) } }
}
