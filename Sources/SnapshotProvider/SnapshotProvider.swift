// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels

/// A way of capturing and restoring sandboxes.
///
/// Every step but `preflight` and `restore` is called again and again until it is done: after a restart of the caller,
/// after a wake-up it asked for, or for no reason at all. A step is therefore idempotent by the request's `uid`, returns
/// without waiting for long work, and keeps nothing in memory that it cannot find again.
public protocol SnapshotProvider: Sendable {
    /// The name by which a snapshot or a configuration chooses this provider, such as `oci-rootfs`.
    var name: String { get }

    /// What this provider can do at all; what it can do for one sandbox is for `preflight` to say.
    var capabilities: ProviderCapabilities { get }

    /// Refuses, before anything is frozen, what could not succeed.
    func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure)

    /// Captures and makes durable. With `Afterwards.holdFrozen` the sandbox is still frozen when this is done.
    func capture(_ request: SnapshotRequest) async -> Step<Artifact>

    /// Asks the holder of the freeze for the point of no return.
    ///
    /// Done means sealed: the holder will never thaw. Failed means the holder thawed, or will.
    func seal(_ request: SnapshotRequest) async -> Step<Sealed>

    /// Ends the processes of a sealed sandbox without letting them run one more instruction; done as well if they are gone.
    ///
    /// Called after `seal` was done, when nothing will start them again: on Kubernetes the pod is being deleted by then.
    func release(_ request: SnapshotRequest) async -> Step<Released>

    /// Ends the capture and its freeze, whatever became of it; done when the sandbox is thawed or gone.
    ///
    /// Never called after `seal` was done.
    func abandon(_ request: SnapshotRequest) async -> Step<Abandoned>

    /// Removes the traces of a capture that is over, however it ended, and keeps it from being begun again.
    func forget(_ request: SnapshotRequest) async -> Step<Forgotten>

    /// Checks in the store itself that everything the artifact names is there and has its digest.
    ///
    /// - Parameter namespace: That of the sandbox: where the secrets for the store are.
    func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified>

    /// Deletes what the artifact names, and only that. Done as well if it was gone already.
    ///
    /// - Parameter namespace: That of the sandbox: where the secrets for the store are.
    func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted>

    /// Says how the template of the sandbox has to change to start from the artifact.
    func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch
}

extension SnapshotProvider {
    /// Refuses nothing.
    public func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure) {}
}

/// The holder's word that it will never thaw.
public struct Sealed: Sendable, Hashable {
    /// Creates the word.
    public init() {}
}

/// Nothing of the captured sandbox runs any more, nor ever will.
public struct Released: Sendable, Hashable {
    /// Creates the value.
    public init() {}
}

/// The capture has ended and nothing of it is frozen.
public struct Abandoned: Sendable, Hashable {
    /// Creates the value.
    public init() {}
}

/// Nothing is left of the capture but its artifact.
public struct Forgotten: Sendable, Hashable {
    /// Creates the value.
    public init() {}
}

/// The store was asked and everything is there.
public struct Verified: Sendable, Hashable {
    /// What speaks against a restore and does not keep anybody from it, in sentences: such as that nobody has signed an image.
    public var remarks: [String]

    /// Creates the value.
    public init(remarks: [String] = []) { self.remarks = remarks }
}

/// The artifact is gone from the store.
public struct Deleted: Sendable, Hashable {
    /// Creates the value.
    public init() {}
}
