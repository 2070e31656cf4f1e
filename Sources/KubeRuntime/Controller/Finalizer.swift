// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
public import KubeModels

/// Something that has to be done before an object may go. As long as its name stands in the object, the object stays.
public struct Finalizer: Sendable, Hashable {
    /// What it is called in objects, such as `example.com/cleanup`.
    public let name: String

    /// Creates a finalizer.
    public init(_ name: String) {
        precondition(NameRule.qualifiedName.allows(name), "'\(name)' cannot be the name of a finalizer")
        self.name = name
    }

    /// Whether an object waits for it, now or when it is deleted.
    public func isIn(_ object: some KubeObject) -> Bool { object.metadata.finalizers.contains(name) }

    /// Goes through an object's life: puts the finalizer in before anything is done, and takes it out when all is cleaned up.
    ///
    /// Both closures may be called any number of times for one object.
    ///
    /// - Parameters:
    ///   - apply: makes what shall be, for an object that is not deleted and has the finalizer.
    ///   - cleanUp: undoes that, for one that is deleted. It returns `nil` when all is undone, and is called again after a while
    ///     if it returns that.
    /// - Throws: what the closures throw, and `KubeError`.
    public func reconcile<Object>(
        _ object: Object,
        _ client: ResourceClient<Object>,
        apply: (Object) async throws -> Reconciliation,
        cleanUp: (Object) async throws -> Duration?
    ) async throws -> Reconciliation {
        guard object.metadata.deletionTimestamp == nil else {
            guard isIn(object) else { return .done }
            if let delay = try await cleanUp(object) { return .requeue(after: delay) }
            _ = try await remove(from: object, client)
            return .done
        }
        guard let finalized = try await add(to: object, client) else { return .done }
        return try await apply(finalized)
    }

    /// Puts the finalizer into an object.
    ///
    /// - Returns: the object with it; `nil` if the object is deleted or gone already, so that nothing must be begun for it.
    /// - Throws: `KubeError`.
    public func add<Object>(to object: Object, _ client: ResourceClient<Object>) async throws -> Object? {
        try await change(object, client) { metadata in
            // The server would refuse it.
            guard metadata.deletionTimestamp == nil else { return nil }
            return metadata.finalizers.contains(name) ? metadata.finalizers : metadata.finalizers + [name]
        }
    }

    /// Takes the finalizer out of an object, which then may go.
    ///
    /// - Returns: the object without it; `nil` if it is gone.
    /// - Throws: `KubeError`.
    public func remove<Object>(from object: Object, _ client: ResourceClient<Object>) async throws -> Object? {
        try await change(object, client) { metadata in metadata.finalizers.filter { $0 != name } }
    }

    /// Changes an object's finalizers, whoever else changes them and the rest of the object meanwhile.
    ///
    /// - Parameter change: gives the finalizers that there shall be; `nil` if that is not possible any more.
    private func change<Object>(
        _ object: Object,
        _ client: ResourceClient<Object>,
        _ change: (ObjectMeta) -> [String]?
    ) async throws -> Object? {
        let client = object.metadata.namespace.map { client.in(.named($0)) } ?? client
        var current = object
        for attempt in 1... {
            guard let finalizers = change(current.metadata) else { return nil }
            if finalizers == current.metadata.finalizers { return current }
            do {
                return try await client.patch(
                    object.metadata.name,
                    .json(Self.patch(from: current.metadata, to: finalizers))
                )
            } catch let error as KubeError where error.isNotFound {
                return nil
            } catch let error as KubeError where (error.kind == .invalid || error.isConflict) && attempt < 10 {
                // A test has failed: somebody else has changed them.
                guard let newer = try await client.find(object.metadata.name),
                    newer.metadata.uid == object.metadata.uid
                else { return nil }
                // Or that was not the reason.
                if newer.metadata.finalizers == current.metadata.finalizers, error.kind == .invalid { throw error }
                current = newer
            }
        }
        return nil
    }

    /// A change that is only made to this object, and only if its finalizers are still these.
    static func patch(from metadata: ObjectMeta, to finalizers: [String]) -> JSONPatch {
        let path: JSONPointer = ["metadata", "finalizers"]
        let old = JSONValue.array(metadata.finalizers.map { .string($0) })
        let new = JSONValue.array(finalizers.map { .string($0) })
        var steps: [JSONPatch.Step] = []
        if let uid = metadata.uid { steps.append(.test(["metadata", "uid"], .string(uid))) }
        // An empty list is not written, so the member is not there.
        steps.append(.test(path, metadata.finalizers.isEmpty ? .null : old))
        steps.append(.add(path, new))
        return JSONPatch(steps)
    }
}
