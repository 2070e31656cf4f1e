// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
public import SandboxModels

import struct Foundation.Date

/// What moves from here and to here ask of a runtime.
extension ClusterRuntime {
    /// Every server sees the moves of all.
    public var sharesMoves: Bool { true }

    /// The sandboxes that have an open move, and then each that gets one.
    public func moves() -> AsyncStream<String> { moveAnnouncer.openings() }

    /// What of a sandbox travels.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func luggage(of id: String) async throws -> Luggage {
        let entry = try await entry(id)
        return entry.object.luggage(entry.sandbox, template: configuration.template)
    }

    /// Writes down what becomes of a sandbox's move, unless somebody else was faster; then it is asked for once more.
    ///
    /// - Parameter edit: Gets the move and the sandbox as they are.
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`; what `edit` threw.
    public func editMove(
        of id: String,
        _ edit: @Sendable (Move?, Sandbox) throws -> Move?
    ) async throws -> Move? {
        // What is only read is read of one that is being deleted, too.
        let known = try await entry(id)
        let seen = known.object.move
        if try edit(seen, known.sandbox) == seen { return seen }
        let edited = try await objects.edit(id, "write down the sandbox's move", requiresState: true) { entry in
            let before = entry.object.move
            let after = try edit(before, entry.sandbox)
            return after == before ? nil : try BatchSandbox.patch(move: after)
        }
        let move = edited.object.move
        moveAnnouncer.note(id, move)
        return move
    }

    /// Keeps the images of a sandbox when it is deleted, whatever is usual here: one elsewhere starts from them.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func lendImages(of id: String) async throws {
        try await objects.edit(id, "keep the sandbox's images") { entry in
            let key = OpenSandbox.Annotation.deletePolicy
            guard entry.object.metadata.annotations[key] != "Retain" else { return nil }
            return ["metadata": ["annotations": [key: "Retain"]]]
        }
    }

    /// Begins to delete a sandbox that has moved away, if it is still the one whose move this was.
    ///
    /// - Throws: `SandboxError` with `notFound`, also if it is another one; `runtimeUnavailable`.
    public func deleteMoved(_ id: String, by moveID: String) async throws {
        let entry = try await entry(id)
        guard entry.object.move?.id == moveID else { throw SandboxError.noSandbox(id) }
        // Bound to the UID of the one that was just looked at.
        let options = DeleteOptions(uid: entry.object.metadata.uid, gracePeriodSeconds: 0, propagation: .background)
        do {
            _ = try await sandboxes.delete(entry.object.metadata.name, options)
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            throw SandboxError.noSandbox(id)
        } catch let error as KubeError {
            throw SandboxError(error, doing: "delete the sandbox")
        }
    }

    /// Makes sure that a request creates nothing any more, unless it has: an object that is no sandbox takes the name that it
    /// would have.
    ///
    /// - Returns: What it has created, if anything.
    /// - Throws: `SandboxError`; nothing is promised then.
    public func refuse(request key: String, chosenID: String?) async throws -> Sandbox? {
        try await waitUntilSynced()
        let id = chosenID ?? identity(of: key)
        var obstacle = BatchSandbox()
        obstacle.metadata.name = id
        obstacle.metadata.namespace = configuration.namespace
        obstacle.metadata.annotations[OpenSandbox.Annotation.refusedRequest] = key
        obstacle.spec.replicas = 0
        obstacle.spec.template = RawJSON(["spec": ["containers": []]] as JSONValue)
        obstacle.spec.expireTime = SpelledTime(now().addingTimeInterval(Self.refusalLifetime))
        do {
            _ = try await sandboxes.create(obstacle)
            return nil
        } catch let error as KubeError where error.isAlreadyExists {
            let known = try await telling("look at the sandbox") { try await sandboxes.find(id) }
            guard let known, known.metadata.deletionTimestamp == nil else {
                throw SandboxError(
                    .invalidState,
                    "The sandbox '\(id)' of this request is being deleted; ask again when it is gone."
                )
            }
            if known.metadata.annotations[OpenSandbox.Annotation.refusedRequest] == key { return nil }
            // That of somebody else keeps the request from making one as well as an object of ours.
            guard chosenID == nil || known.metadata.annotations[OpenSandbox.Annotation.requestKey] == key else {
                return nil
            }
            directory.put(known)
            return known.sandbox
        } catch let error as KubeError {
            throw SandboxError(error, doing: "refuse the request")
        }
    }

    /// For how many seconds a request is refused that could still be on its way.
    private static let refusalLifetime: Double = 86_400

    /// The identity of what a request makes.
    func identity(of key: String?) -> String {
        key.map { SandboxIdentity.of(key: $0, namespace: configuration.namespace) } ?? SandboxIdentity.random()
    }

    /// Whether a sandbox that is there was made by this request.
    ///
    /// - Throws: `SandboxError` with `nameTaken` if it was not and is in its place.
    func isMade(_ known: SandboxDirectory<BatchSandbox>.Entry, by spec: SandboxSpec) throws(SandboxError) -> Bool {
        guard let chosen = spec.options?.chosenID else { return spec.options?.requestKey != nil }
        let key = known.object.metadata.annotations[OpenSandbox.Annotation.requestKey]
        if let key, key == spec.options?.requestKey { return true }
        // What was kept of one that has moved away gives its place to the one that comes back.
        if known.object.move?.phase == .moved || known.object.metadata.deletionTimestamp != nil { return false }
        throw Self.taken(chosen)
    }

    /// Checks that what is there under a name was made by this request.
    ///
    /// - Throws: `SandboxError` with `nameTaken`.
    func expectMade(_ id: String, by spec: SandboxSpec) async throws {
        let known = try await telling("look at the sandbox") { try await sandboxes.find(id) }
        guard let known else { return }
        if known.metadata.annotations[OpenSandbox.Annotation.refusedRequest] != nil {
            throw SandboxError.refusedRequest
        }
        directory.put(known)
        if let entry = directory[id], try isMade(entry, by: spec) { return }
        throw Self.taken(id)
    }

    /// Deletes what was kept of a sandbox that has moved away, and waits until nothing of it is left. What keeps another request
    /// from making one has done that for long enough when a whole new move has come this far.
    func makeRoom(for id: String, requestedBy key: String?) async throws {
        try await removeRefusal(of: id, besides: key)
        guard let known = directory[id] else { return }
        guard known.object.move?.phase == .moved || known.object.metadata.deletionTimestamp != nil else { return }
        if known.object.metadata.deletionTimestamp == nil { try await objects.delete(id) }
        let changes = directory.changes(of: id)
        let patience = Duration.seconds(configuration.createTimeout)
        let isGone = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await entry in changes where entry == nil { return true }
                return false
            }
            group.addTask {
                _ = try? await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        guard isGone else {
            try Task.checkCancellation()
            throw SandboxError(.startTimedOut, "What was kept here of the sandbox '\(id)' is still being deleted.")
        }
    }

    private func removeRefusal(of id: String, besides key: String?) async throws {
        let deadline = ContinuousClock.now + .seconds(configuration.createTimeout)
        while let known = try await telling("look at the sandbox", { try await sandboxes.find(id) }) {
            guard let refused = known.metadata.annotations[OpenSandbox.Annotation.refusedRequest], refused != key,
                ContinuousClock.now < deadline
            else { return }
            if known.metadata.deletionTimestamp == nil {
                do {
                    _ = try await sandboxes.delete(id, DeleteOptions(uid: known.metadata.uid))
                } catch let error as KubeError where error.isNotFound || error.isConflict {
                    continue
                } catch let error as KubeError {
                    throw SandboxError(error, doing: "make room for the sandbox")
                }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private static func taken(_ id: String) -> SandboxError {
        SandboxError(
            .nameTaken,
            "There is a sandbox '\(id)' already. Delete it, or create this one under another identity."
        )
    }
}
