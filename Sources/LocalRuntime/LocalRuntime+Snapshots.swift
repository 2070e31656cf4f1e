// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels

/// Snapshots of this machine's sandboxes.
extension LocalRuntime {
    /// Begins to take a snapshot of a running sandbox, which is frozen for as long as its changes are read and then runs
    /// on. The snapshot's status tells what becomes of it.
    ///
    /// - Parameter name: What its owner calls it; not necessarily unique.
    /// - Throws: `SandboxError` with `notFound`, or `snapshotSourceNotRunning` unless the sandbox runs and is not being
    ///   captured.
    public func createSnapshot(of id: String, name: String?) async throws -> Snapshot {
        try await createSnapshot(of: id, options: SnapshotOptions(name: name))
    }

    /// Begins to take a snapshot with options.
    ///
    /// - Throws: `SandboxError` as above, or `unsupported` if it is to have no files.
    public func createSnapshot(of id: String, options: SnapshotOptions) async throws -> Snapshot {
        let runner = try await runner(id)
        guard options.contents.isEmpty || options.contents.contains("filesystem") else {
            throw SandboxError(
                .unsupported,
                "snapshots on this machine are of a sandbox's files: ask for the contents 'filesystem'"
            )
        }
        return try await serving().library.create(of: runner, options)
    }

    /// A snapshot once it is ready or has failed, or as it is when the time is over.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`.
    public func settledSnapshot(_ id: String, within limit: Duration) async throws -> Snapshot {
        try await serving().library.settled(id, deadline: .now + limit).snapshot
    }

    /// One snapshot as it is now.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`.
    public func snapshot(_ id: String) async throws -> Snapshot {
        try await serving().library.row(id).snapshot
    }

    /// All snapshots as they are now, also those of sandboxes that are gone, newest first.
    public func snapshots() async throws -> [Snapshot] {
        try await serving().library.snapshots.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    /// Deletes a snapshot. Sandboxes that were created from it live on: its image is deleted after the last of them.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`, or `snapshotBusy` while it is being taken.
    public func deleteSnapshot(_ id: String) async throws {
        try await serving().library.delete(id)
    }
}
