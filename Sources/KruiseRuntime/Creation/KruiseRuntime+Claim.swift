// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels

import struct Foundation.Date

/// Taking sandboxes from sets, and making them.
extension KruiseRuntime {
    /// Takes a sandbox of a set that is ready, or makes one.
    ///
    /// - Throws: `SandboxError`, see ``create(_:credentials:expiresAt:)``.
    func take(_ draft: SandboxDraft, _ origin: SandboxOrigin) async throws -> KruiseSandbox {
        guard origin.kind == .set else { return try await make(draft, origin) }
        if draft.parameters.name != nil || draft.parameters.namePrefix != nil {
            throw SandboxError(
                .invalidParameter,
                "Bad extension param: a name can be given to the clone of a checkpoint, not to what '\(origin.name)' has ready."
            )
        }
        guard !draft.needsOwnPod(of: origin) else {
            guard draft.parameters.createsOnNoStock else {
                throw SandboxError(
                    .invalidParameter,
                    "What the set '\(origin.name)' has ready cannot be given other variables, images or resources; let one be made."
                )
            }
            return try await make(draft, origin)
        }
        // Two servers would take two of what is ready; of one name there is one.
        if draft.key != nil, draft.parameters.createsOnNoStock { return try await make(draft, origin) }
        if let taken = try await claim(draft, origin) { return taken }
        if draft.parameters.createsOnNoStock { return try await make(draft, origin) }
        return try await claimLater(draft, origin)
    }

    // MARK: Claiming

    /// Takes a sandbox of a set; nil if there is none that is free.
    private func claim(_ draft: SandboxDraft, _ origin: SandboxOrigin) async throws -> KruiseSandbox? {
        // Somebody else was faster with these, in these states.
        var lost: Set<String> = []
        while true {
            let candidates = candidates(of: origin.name).filter { !lost.contains(Self.state($0)) }
            guard let candidate = reservations.reserve(candidates, by: { $0.metadata.uid ?? "" }) else { return nil }
            defer { reservations.release(candidate.metadata.uid ?? "") }
            do {
                let patch = try draft.change(of: candidate, from: origin)
                let object = try await objects.client.patch(candidate.metadata.name, .merge(patch))
                directory.put(object)
                return object
            } catch let error as KubeError where error.isConflict || error.isNotFound {
                lost.insert(Self.state(candidate))
            } catch let error as KubeError {
                throw SandboxError(error, doing: "take a sandbox of the set '\(origin.name)'")
            }
        }
    }

    private static func state(_ object: KruiseSandbox) -> String {
        "\(object.metadata.uid ?? "")/\(object.metadata.resourceVersion ?? "")"
    }

    /// The sandboxes of a set that are free, those of the present template first and else in no order: so servers seldom want the
    /// same one.
    private func candidates(of set: String) -> [KruiseSandbox] {
        let date = now()
        let free = objects.informer.store.objects(.set, set).filter { object in
            object.isFree(at: date) && object.address != nil
                && directory[object.sandboxID]?.object.metadata.uid != object.metadata.uid
        }
        let revision = setInformer.store[configuration.namespace, set]?.status?.updateRevision
        let isPresent = { (object: KruiseSandbox) in
            revision == nil || object.metadata.labels[Kruise.Label.templateHash] == revision
        }
        return free.filter(isPresent).shuffled() + free.filter { !isPresent($0) }.shuffled()
    }

    /// Takes a sandbox of a set as soon as there is one.
    ///
    /// - Throws: `poolExhausted` when the time is over.
    private func claimLater(_ draft: SandboxDraft, _ origin: SandboxOrigin) async throws -> KruiseSandbox {
        let seconds = draft.parameters.claimTimeout ?? configuration.claimTimeout
        let changes = objects.informer.changes
        return try await withThrowingTaskGroup(of: KruiseSandbox?.self) { group in
            group.addTask {
                // What is there already comes as the first changes.
                for await change in changes {
                    let object = change.object
                    guard object.setReference?.name == origin.name, object.isFree(at: now()) else { continue }
                    if let taken = try await claim(draft, origin) { return taken }
                }
                throw CancellationError()
            }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                return nil
            }
            defer { group.cancelAll() }
            if let taken = try await group.next() ?? nil { return taken }
            throw SandboxError(
                .poolExhausted,
                "The set '\(origin.name)' had no sandbox to give within \(seconds) s, and the request lets none be made."
            )
        }
    }

    // MARK: Making

    /// How many names are tried before one is taken to be impossible.
    private static let nameAttempts = 5

    /// Makes a sandbox.
    ///
    /// - Throws: `nameTaken` if its creator has chosen a name that somebody else has.
    private func make(_ draft: SandboxDraft, _ origin: SandboxOrigin) async throws -> KruiseSandbox {
        let template = referred(by: origin.spec)
        if let reference = origin.spec.templateRef, template == nil {
            throw SandboxError(
                .templateNotFound,
                "'\(origin.name)' refers to the SandboxTemplate '\(reference.name)', which is not there."
            )
        }
        var attempt = 1
        while true {
            let name = draft.parameters.name ?? Self.name(draft, origin)
            do {
                let object = try await objects.client.create(draft.object(name, from: origin, template: template))
                try await confirm(origin, for: object)
                directory.put(object)
                return object
            } catch let error as KubeError where error.isAlreadyExists {
                if let found = try await telling("look the sandbox up", { try await objects.client.find(name) }),
                    draft.key != nil, found.metadata.labels[KruiseRequest.keyLabel] == draft.key
                {
                    throw KeyTaken(name: name)
                }
                guard draft.parameters.name == nil else {
                    throw SandboxError(.nameTaken, "There is a sandbox '\(name)' already.", cause: error)
                }
                guard attempt < Self.nameAttempts else { throw SandboxError(error, doing: "name the sandbox") }
                attempt += 1
            } catch let error as JSONError {
                throw SandboxError(.invalidParameter, "What '\(origin.name)' has as a template is none.", cause: error)
            } catch let error as KubeError {
                // Its name is nobody else's, so what may have come of it goes. That of a key is for whoever sends it again.
                if draft.parameters.name == nil, draft.key == nil { await undo(name) }
                throw SandboxError(error, doing: "create the sandbox")
            }
        }
    }

    /// Sees to it that what a clone starts from outlives it.
    ///
    /// Whoever deletes a checkpoint with its images looks for clones when it is marked as being deleted. So one that was made before
    /// the mark keeps the images, and one that may not have been is taken back.
    ///
    /// - Throws: `snapshotNotReady`.
    func confirm(_ origin: SandboxOrigin, for object: KruiseSandbox) async throws {
        guard case .checkpoint(let id) = origin.kind else { return }
        let current: KruiseCheckpoint?
        do {
            current = try await telling("look the snapshot up") { try await checkpoints.find(origin.name) }
        } catch {
            await undo(object.metadata.name, uid: object.metadata.uid)
            throw error
        }
        guard let current, current.metadata.deletionTimestamp == nil, current.metadata.uid == origin.uid else {
            await undo(object.metadata.name, uid: object.metadata.uid)
            throw SandboxError(
                .snapshotNotReady,
                "The snapshot '\(id)' was deleted while a sandbox was created from it, so there is none."
            )
        }
    }

    /// Deletes an object of which nobody knows whether it is there.
    private func undo(_ name: String, uid: String? = nil) async {
        let work = Task { _ = try? await objects.client.delete(name, DeleteOptions(uid: uid)) }
        await work.value
    }

    /// A name: what it comes from, and some letters that nobody else has. It is a label, too, and a part of host names.
    ///
    /// That of a request with a key is made of the key, so that all who carry that out make one sandbox, whatever they know of each
    /// other.
    private static func name(_ draft: SandboxDraft, _ origin: SandboxOrigin) -> String {
        if let key = draft.key { return "request-\(key.filter { $0 != "-" }.prefix(24))" }
        var prefix = draft.parameters.namePrefix ?? origin.name
        if case .checkpoint(let id) = origin.kind, draft.parameters.namePrefix == nil { prefix = id }
        prefix = String(prefix.replacing(".", with: "-").prefix(40))
        while prefix.last == "-" { prefix.removeLast() }
        return "\(prefix)-\(SandboxIdentity.suffix())"
    }
}
