// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
public import SandboxModels
import SnapshotEngine

/// What moves from here and to here ask of a runtime.
extension LocalRuntime {
    /// No other process works on what this one has.
    public nonisolated var sharesMoves: Bool { false }

    /// The sandboxes that have an open move, and then each that gets one.
    public nonisolated func moves() -> AsyncStream<String> { moveAnnouncer.openings() }

    /// What of a sandbox travels.
    ///
    /// - Throws: `SandboxError` with `notFound`.
    public func luggage(of id: String) async throws -> Luggage {
        var luggage = try await runner(id).luggage
        if case .layout = configuration.snapshots { luggage.isImageShared = false }
        return luggage
    }

    /// Writes down what becomes of a sandbox's move, all at once.
    ///
    /// - Parameter edit: Gets the move and the sandbox as they are.
    /// - Throws: `SandboxError` with `notFound`; what `edit` or the store threw.
    public func editMove(
        of id: String,
        _ edit: @Sendable (Move?, Sandbox) throws -> Move?
    ) async throws -> Move? {
        let move = try await runner(id).editMove(edit)
        moveAnnouncer.note(id, move)
        return move
    }

    /// Deletes a sandbox that has moved away, if it is still the one whose move this was.
    ///
    /// - Throws: `SandboxError` with `notFound`, also if it is another one.
    public func deleteMoved(_ id: String, by moveID: String) async throws {
        guard try await runner(id).row.move?.id == moveID else {
            throw SandboxError(.notFound, "The sandbox '\(id)' that has moved is gone.")
        }
        try await delete(id)
    }

    /// Remembers that a sandbox elsewhere starts from what this one was paused into.
    ///
    /// - Throws: `SandboxError` with `notFound`, or what the store threw.
    public func lendImages(of id: String) async throws {
        let artifact = try await runner(id).row.recorded.artifact
        try await serving().world.store.moves.lend(artifact?.parts.map(\.digest) ?? [])
    }

    /// Makes sure that a request creates nothing any more, unless it has.
    ///
    /// - Returns: What it has created, if anything.
    /// - Throws: `SandboxError`; nothing is promised then.
    public func refuse(request key: String, chosenID: String?) async throws -> Sandbox? {
        _ = try await serving()
        // A creation that is under way is waited for.
        return try await requests.withLock("\n\(key)") {
            for runner in self.allRunners {
                let sandbox = await runner.sandbox()
                guard sandbox.spec.options?.requestKey == key, sandbox.spec.owner == nil else { continue }
                guard sandbox.status.state != .stopping else {
                    throw SandboxError(
                        .invalidState,
                        "The sandbox '\(sandbox.id)' of this request is being deleted; ask again when it is gone."
                    )
                }
                return sandbox
            }
            try await self.serving().world.store.moves.refuse(key)
            return nil
        }
    }

    /// Checks that nobody was promised that a request creates nothing.
    ///
    /// - Throws: `SandboxError` with `nameTaken`.
    func expectNotRefused(_ key: String) async throws {
        if try await serving().world.store.moves.isRefused(key) { throw SandboxError.refusedRequest }
    }

    /// Checks that no sandbox has an identity. What was kept here of one that has moved away gives its place to the one that
    /// comes back.
    ///
    /// - Throws: `SandboxError` with `nameTaken`.
    func makeRoom(for id: String) async throws {
        if isTaken(id), try await runner(id).row.move?.phase == .moved { try await delete(id) }
        try expectFree(id)
    }

    /// Checks that no sandbox has an identity.
    ///
    /// - Throws: `SandboxError` with `nameTaken`.
    func expectFree(_ id: String) throws(SandboxError) {
        if isTaken(id) {
            throw SandboxError(
                .nameTaken,
                "There is a sandbox '\(id)' already. Delete it, or create this one under another identity."
            )
        }
    }
}
