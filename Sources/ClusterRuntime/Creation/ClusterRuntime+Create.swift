// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import Logging
public import SandboxModels

public import struct Foundation.Date

/// Creating sandboxes.
extension ClusterRuntime {
    /// What this runtime gives that not all do.
    public var features: Set<SandboxFeature> {
        var features: Set<SandboxFeature> = [.pool, .lifecycle]
        if configuration.egress != nil { features.formUnion([.networkPolicy, .credentialProxy]) }
        if configuration.hasSecureAccess { features.insert(.secureAccess) }
        return features
    }

    /// Creates a sandbox and answers when it can be used. One that does not come up is deleted again.
    ///
    /// A request with a key that is sent again gets the sandbox of the first one, however that ended.
    ///
    /// - Parameters:
    ///   - spec: What to run.
    ///   - credentials: For this image's registry; kept in a Secret that is deleted with the sandbox.
    ///   - expiresAt: When the sandbox is deleted, or nil for never.
    /// - Throws: `SandboxError`, see `SandboxRuntime`.
    public func create(
        _ spec: SandboxSpec,
        credentials: ImageCredentials?,
        expiresAt: Date?
    ) async throws -> Sandbox {
        try await waitUntilSynced()
        let key = spec.options?.requestKey
        let id = spec.options?.chosenID ?? identity(of: key)
        if let known = directory[id], try isMade(known, by: spec) {
            return try await heardOf(known.sandbox.status.state == .pending ? waitUntilUsable(id) : known.sandbox)
        }

        var manifest = SandboxManifest(spec: spec, id: id, expiresAt: expiresAt, image: spec.image)
        manifest.timeout = expiresAt.map { Int($0.timeIntervalSince(now()).rounded()) }
        try await take(spec.snapshotID, into: &manifest)
        if spec.options?.pool == nil {
            let isSnapshot = spec.snapshotID != nil
            manifest.image = try await proven(manifest.image, credentials, isSnapshot: isSnapshot)
        }
        if let pool = spec.options?.pool, pool != "*" { _ = try await self.pool(pool) }
        if spec.options?.networkPolicy != nil { manifest.egressToken = SandboxIdentity.token() }
        if spec.options?.secureAccess == true { manifest.accessToken = SandboxIdentity.token() }
        if expiresAt == nil {
            manifest.createdUntil = now().addingTimeInterval(Double(configuration.createTimeout + 30))
        }
        // A pool's pods have their images already.
        let credentials = spec.options?.pool == nil ? credentials : nil
        if credentials != nil { manifest.pullSecrets.append(ImageSecret.name(id)) }
        let object = try manifest.object(configuration)
        if spec.options?.chosenID != nil { try await makeRoom(for: id, requestedBy: key) }
        try await claimVolumes(spec.volumes, for: id)
        do {
            let created = try await telling("create the sandbox") { try await sandboxes.create(object) }
            directory.put(created)
            if let credentials {
                try await telling("keep the credentials of the image") {
                    try await keep(credentials, for: spec.image, of: created)
                }
            }
            if !spec.volumes.isEmpty { try await bindClaims(spec.volumes, to: created) }
        } catch let error as SandboxError {
            if let cause = error.cause as? KubeError, cause.isAlreadyExists, key != nil || spec.options?.chosenID != nil
            {
                try await expectMade(id, by: spec)
                return try await heardOf(waitUntilUsable(id))
            }
            await discard(id, because: error)
            throw error
        }
        do {
            return try await heardOf(waitUntilUsable(id))
        } catch {
            await discard(id, because: error)
            throw error
        }
    }

    /// Starts from a snapshot, by digest, if one is named.
    private func take(_ snapshotID: String?, into manifest: inout SandboxManifest) async throws {
        guard let snapshotID else { return }
        let snapshot = try await snapshotObject(snapshotID)
        manifest.image = try RestorableImage(snapshot, id: snapshotID).pinned
        if let secret = configuration.snapshotPullSecret { manifest.pullSecrets.append(secret) }
    }

    // MARK: Waiting

    /// The sandbox as soon as it can be used.
    private func waitUntilUsable(_ id: String) async throws -> Sandbox {
        let outcome = try await firstOutcome(of: id, within: .seconds(configuration.createTimeout))
        switch outcome {
        case .ready(let sandbox): return sandbox
        case .failed(let error): throw error
        case .waiting(let shortage?):
            throw SandboxError(.poolExhausted, "The pool has nothing to give: \(shortage)")
        case .waiting(nil):
            let entry = directory[id]
            let obstacle = await obstacle(entry)
            if let obstacle, obstacle.isOfNodeLabels, let platform = entry?.sandbox.spec.platform {
                throw SandboxError(
                    .invalidParameter,
                    "The cluster has no node for the platform '\(platform)': \(obstacle.text)"
                )
            }
            let told = (entry?.sandbox.status.message ?? obstacle?.text).map { ": \($0)" } ?? ""
            throw SandboxError(
                .startTimedOut,
                "The sandbox \(id) did not come up within \(configuration.createTimeout) s, and was deleted\(told)"
            )
        }
    }

    /// Why the pod of a sandbox does not come up, if that is known.
    private func obstacle(_ entry: SandboxDirectory<BatchSandbox>.Entry?) async -> PodObstacle? {
        guard let entry, let pod = try? await pod(of: entry.object) else { return nil }
        return PodObstacle(pod)
    }

    /// How a creation ended, or how it was when the time was over. A shortage of a pool has a shorter time.
    private func firstOutcome(
        of id: String,
        within limit: Duration
    ) async throws -> CreationOutcome {
        let changes = directory.changes(of: id)
        let poolLimit = min(limit, .seconds(configuration.poolTimeout))
        let clock = ContinuousClock()
        let start = clock.now
        return try await withThrowingTaskGroup(of: CreationOutcome?.self) { group in
            group.addTask {
                var isKnown = false
                for await entry in changes {
                    guard let entry else {
                        // Before it is known it is not there either.
                        if isKnown { return .failed(SandboxError(.startFailed, "The sandbox \(id) was deleted.")) }
                        continue
                    }
                    isKnown = true
                    let outcome = CreationOutcome(entry, id: id)
                    if case .waiting = outcome { continue }
                    return outcome
                }
                return nil
            }
            for time in Set([poolLimit, limit]) {
                group.addTask {
                    try await Task.sleep(until: start + time, clock: clock)
                    return .waiting(shortage: nil)
                }
            }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                guard let outcome else { throw CancellationError() }
                guard case .waiting = outcome else { return outcome }
                let now = directory[id].map { CreationOutcome($0, id: id) } ?? .waiting(shortage: nil)
                if case .waiting(nil) = now, clock.now < start + limit { continue }
                return now
            }
            throw CancellationError()
        }
    }

    // MARK: After it

    /// Takes away the mark of a sandbox that never expires and of which nobody has heard yet. Whoever asks for it again after its
    /// first server has died hears of it too.
    private func heardOf(_ sandbox: Sandbox) async throws -> Sandbox {
        guard let entry = directory[sandbox.id],
            entry.object.metadata.annotations[OpenSandbox.Annotation.createdUntil] != nil
        else { return sandbox }
        let patch: JSONValue = ["metadata": ["annotations": [OpenSandbox.Annotation.createdUntil: .null]]]
        let object = try await telling("finish the creation") {
            try await sandboxes.patch(entry.object.metadata.name, .merge(MergePatch(patch)))
        }
        return directory.put(object)
    }

    /// Deletes what has come of a creation that failed, also if whoever asked has gone.
    private func discard(_ id: String, because error: any Error) async {
        logger.info("a sandbox did not come about", metadata: ["sandbox": "\(id)", "error": "\(error)"])
        let deletion = Task {
            _ = try? await sandboxes.delete(id, DeleteOptions(gracePeriodSeconds: 0, propagation: .background))
        }
        await deletion.value
    }
}
