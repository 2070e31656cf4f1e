// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider
import SnapshotStore

import struct Foundation.Date

extension SandboxRunner {
    /// Carries out one action, once. Whatever fails is asked for again by the next decision that still needs it.
    func perform(_ action: Action) async {
        do {
            switch action {
            case .createCompute(let attempt, let artifact): try await create(attempt, from: artifact)
            case .deleteCompute(let attempt): try await delete(attempt)
            case .release(let uid, let attempt):
                try await world.provider.release(uid: uid)
                try await delete(attempt)
            case .verifyArtifact(let artifact, let attempt):
                sightings.verification = Observation.Verification(attempt: attempt, outcome: await verify(artifact))
            case .capture(let uid, let deadline):
                try await capture(uid, until: deadline)
            case .seal(let uid):
                try await seal(uid)
            case .abandon(let uid):
                switch await world.provider.abandon(uid: uid) {
                case .done: break
                case .waiting: await world.provider.waitUntilOver(uid: uid)
                case .failed(let failure): throw failure
                }
            case .forgetCapture(let uid):
                switch await world.provider.forget(uid: uid) {
                case .done:
                    try await discardImage(of: uid)
                    sightings.cleaned.insert(.capture(uid: uid))
                case .waiting: await world.provider.waitUntilOver(uid: uid)
                case .failed(let failure): throw failure
                }
            case .deleteArtifact(let artifact):
                try await deleteArtifact(artifact)
                sightings.cleaned.insert(.artifact(artifact))
            }
            setbacks[action] = nil
        } catch is CancellationError {
            return
        } catch {
            let delay = setbacks[action, default: Backoff(from: world.retryDelay, to: world.longestRetryDelay)].fail()
            if setbacks[action]?.isNews == true { log(error, "\(action.name) failed; will try again until it works") }
            try? await Task.sleep(for: delay)
        }
    }

    /// Begins a capture. How it goes is observed.
    private func capture(_ uid: String, until deadline: Date) async throws {
        // Whose time pauses it was asked for by nobody.
        let asked = row.intent.wish == .paused ? wishRequest : nil
        let request = try await snapshotRequest(uid, afterwards: .holdFrozen(until: deadline), for: asked)
        if case .failed(let failure) = await world.provider.capture(request),
            await world.provider.state(of: uid) == nil
        {
            throw failure
        }
    }

    /// Asks for the point of no return. What came of it is observed, unless there was no answer.
    private func seal(_ uid: String) async throws {
        if case .failed(let failure) = await world.provider.seal(uid: uid),
            await world.provider.state(of: uid)?.hold != .thawed
        {
            throw failure
        }
    }

    /// What is to be captured, by whom and to where.
    ///
    /// - Parameter request: The request in which that was asked for.
    func snapshotRequest(
        _ uid: String,
        afterwards: Afterwards,
        for request: RequestID?
    ) async throws -> SnapshotRequest {
        let containerID = row.containerID(attempt: row.recorded.incarnation)
        return SnapshotRequest(
            uid: uid,
            source: SnapshotSource(
                sandbox: id,
                namespace: world.namespace,
                pod: id,
                podUID: id,
                node: world.node,
                containers: [
                    SnapshotContainer(
                        name: Self.containerName,
                        id: containerID,
                        image: try await runningImage().description,
                        target: world.snapshots.target(sandbox: id, container: Self.containerName, capture: uid),
                        execution: row.spec.execution(environment: world.snapshotEnvironment)
                    )
                ]
            ),
            afterwards: afterwards,
            requestID: request?.text ?? uid
        )
    }

    /// The name of the one container of a local sandbox, as the Lifecycle API's Kubernetes runtime names it.
    static let containerName = "sandbox"

    /// The image that compute is made from: the artifact's, or the one that the sandbox was created from.
    private func presentImage(_ artifact: Artifact?) throws -> ImageLocation {
        guard let part = artifact?.parts.first else { return try ImageLocation(parsing: row.image) }
        return try part.restoreLocation()
    }

    /// What the present compute was made from, by the digest of one platform's manifest. The name may be that of an
    /// index, which is not kept on this machine: a pause must not need the registry that the image came from.
    private func runningImage() async throws -> ImageLocation {
        let location = try presentImage(row.recorded.artifact)
        guard let image = try await world.images.present(location.description) else { return location }
        return location.at(image.manifestDigest)
    }

    private func create(_ attempt: Int, from artifact: Artifact?) async throws {
        let containerID = row.containerID(attempt: attempt)
        do {
            let image = try await world.images.ensure(try presentImage(artifact))
            try await world.containers.remove(containerID)
            _ = try await world.containers.create(containerID, row.spec, from: image)
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as SandboxError {
            sightings.failedCompute[attempt] = error
        } catch {
            sightings.failedCompute[attempt] = SandboxError(
                .startFailed,
                "the container of sandbox \(id) could not be started",
                cause: error
            )
        }
    }

    private func delete(_ attempt: Int) async throws {
        cancel { $0.creates(attempt) }
        await waitUntilEnded { $0.creates(attempt) }
        try Task.checkCancellation()
        try await world.containers.remove(row.containerID(attempt: attempt))
        sightings.failedCompute[attempt] = nil
    }

    private func verify(_ artifact: Artifact) async -> Observation.Verification.Outcome {
        switch await world.provider.verify(artifact) {
        case .done(let verified):
            await tell(ofUnproven: verified.remarks)
            return .verified
        case .failed(let failure): return .missing(Problem(failure.reason, failure.message))
        case .waiting: return .missing(Problem("NotVerified", "The store gave no answer."))
        }
    }

    /// Tells the owner of images that were passed although nobody who is trusted has signed them. Nothing depends on it.
    func tell(ofUnproven remarks: [String]) async {
        let now = world.now()
        let events = remarks.map { SandboxEvent(at: now, "ProvenanceNotVerified", $0, kind: .warning) }
        guard !events.isEmpty else { return }
        do {
            try await world.store.add(events, of: id)
        } catch {
            log(error, "an event could not be written down")
        }
    }

    /// Deletes an artifact from the store, and what this machine has pulled of it. A store that does not do it is asked
    /// again later: the sandbox does not wait for that.
    private func deleteArtifact(_ artifact: Artifact) async throws {
        try await removeLocalImages(of: artifact)
        do {
            try await world.retention.release(artifact, of: .sandbox(id))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            log(error, "cannot delete an image that is needed no more now; will do it later")
            try await world.retention.postpone(artifact)
            await world.untidy()
        }
    }

    /// Deletes what a capture has stored and nobody has recorded, as when this process's predecessor was killed between
    /// the two. What cannot be deleted now is deleted later.
    private func discardImage(of uid: String) async throws {
        let target = world.snapshots.target(sandbox: id, container: Self.containerName, capture: uid)
        guard row.recorded.artifact?.parts.contains(where: { $0.reference == target }) != true else { return }
        try await world.retention.discard(UnrecordedImage(target: target, capture: uid, sandbox: id))
    }

    private func removeLocalImages(of artifact: Artifact) async throws {
        let attempt = row.recorded.incarnation
        // The sandbox's own container may still have the image.
        await waitUntilEnded { $0.deletes(attempt) }
        try Task.checkCancellation()
        for part in artifact.parts {
            guard let location = try? part.restoreLocation() else { continue }
            do {
                try await world.images.remove(location.description)
            } catch let error as SandboxError where error.code == .invalidState {
                let own = try await world.containers.status(of: row.containerID(attempt: attempt))
                guard own == .absent else { throw error }
                log(error, "another sandbox was started from this image, so it stays on this machine")
            }
        }
    }
}

extension Action {
    /// The action's name, without what it carries.
    var name: String {
        switch self {
        case .createCompute: "createCompute"
        case .deleteCompute: "deleteCompute"
        case .verifyArtifact: "verifyArtifact"
        case .capture: "capture"
        case .seal: "seal"
        case .abandon: "abandon"
        case .release: "release"
        case .forgetCapture: "forgetCapture"
        case .deleteArtifact: "deleteArtifact"
        }
    }
}
