// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

public import struct Foundation.Date

/// What a pool has to know of a sandbox that has pods of it, or wants some.
public struct PooledSandbox: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its UID.
    public var uid: String
    /// When it was created: who has waited longest is served first.
    public var created: Date
    /// How many pods it wants in all; 0 if it wants none of this pool any more.
    public var replicas: Int
    /// Whether it gives back all that it has: it is being deleted, or has turned away from the pool.
    public var isLeaving: Bool
    /// Whether tasks of it may still run in its pods: it gives each back when that one's task has ended.
    public var isEndingTasks: Bool
    /// Whether its pods may be frozen by a capture, or be in one's hands. Nobody else may get them then.
    public var mayBeFrozen: Bool
    /// Every pod that it was ever given, by index.
    public var allocated: [String]
    /// The pods of these that it gives back.
    public var givenBack: Set<String>
    /// The pods of these that the pool has taken back.
    public var released: Set<String>

    /// Creates one.
    public init(
        name: String,
        uid: String,
        created: Date = Date(timeIntervalSince1970: 0),
        replicas: Int,
        isLeaving: Bool = false,
        isEndingTasks: Bool = false,
        mayBeFrozen: Bool = false,
        allocated: [String] = [],
        givenBack: Set<String> = [],
        released: Set<String> = []
    ) {
        self.name = name
        self.uid = uid
        self.created = created
        self.replicas = replicas
        self.isLeaving = isLeaving
        self.isEndingTasks = isEndingTasks
        self.mayBeFrozen = mayBeFrozen
        self.allocated = allocated
        self.givenBack = givenBack
        self.released = released
    }

    /// What a `BatchSandbox` is to a pool.
    ///
    /// - Throws: `JSONError` if one of the annotations is no list of pods.
    public init(_ sandbox: BatchSandbox, pool: String) throws(JSONError) {
        let isLeaving = sandbox.metadata.deletionTimestamp != nil || sandbox.spec.poolRef != pool
        self.init(
            name: sandbox.metadata.name,
            uid: sandbox.metadata.uid ?? "",
            created: sandbox.metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0),
            replicas: isLeaving ? 0 : sandbox.spec.replicas,
            isLeaving: isLeaving,
            isEndingTasks: sandbox.metadata.finalizers.contains(OpenSandbox.Finalizer.taskCleanup),
            mayBeFrozen: sandbox.metadata.finalizers.contains(OpenSandbox.Finalizer.sandboxCleanup),
            allocated: try sandbox.allocation(OpenSandbox.Annotation.allocStatus).pods,
            givenBack: Set(try sandbox.allocation(OpenSandbox.Annotation.allocRelease).pods),
            released: Set(try sandbox.allocation(OpenSandbox.Annotation.allocReleased).pods)
        )
    }

    /// The pods that nobody else may have.
    public var held: [String] { allocated.filter { !released.contains($0) } }

    /// The pods that the pool is to take back.
    public var leaving: [String] { isLeaving && !isEndingTasks ? held : held.filter(givenBack.contains) }
}
