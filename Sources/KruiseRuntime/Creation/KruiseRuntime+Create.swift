// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import Logging
public import SandboxModels

public import struct Foundation.Date

/// Creating sandboxes.
extension KruiseRuntime {
    /// What this runtime gives that not all do.
    public var features: Set<SandboxFeature> { [.template] }

    /// Creates a sandbox and answers when it can be used: one that is taken from a set, or one that is made. One that does not come
    /// up is deleted again, unless its creator wants to see why.
    ///
    /// A request with a key that is sent again gets the sandbox of the first one, however that ended.
    ///
    /// - Parameters:
    ///   - spec: The name of a set, a template or a checkpoint, and what is to be different; or an image, and what is to be called the
    ///     template.
    ///   - credentials: Must not be there: the template names its own.
    ///   - expiresAt: When its time is over, or nil for never.
    /// - Throws: `SandboxError`, see `SandboxRuntime`.
    public func create(
        _ spec: SandboxSpec,
        credentials: ImageCredentials?,
        expiresAt: Date?
    ) async throws -> Sandbox {
        try await objects.waitUntilSynced()
        // What is made from a snapshot may be told to be of the template of the sandbox that was captured.
        guard let name = spec.snapshotID ?? spec.template, credentials == nil, spec.volumes.isEmpty else {
            throw SandboxError(
                .unsupported,
                "A sandbox is created here from a SandboxSet, a SandboxTemplate or a Checkpoint, with what that says."
            )
        }
        let parameters = try CreationParameters(spec.metadata, extensions: spec.extensions)
        let origin = spec.image.isEmpty ? try await origin(name) : SandboxOrigin(image: spec, name: name)
        guard let key = requestKey(spec) else { return try await create(spec, parameters, origin, expiresAt, key: nil) }
        return try await turns.run(key) {
            // Each turn ends with another server's sandbox gone, which is seldom worth more than one.
            for _ in 0..<Self.keyAttempts {
                if let known = try await made(by: key, spec) { return known }
                do {
                    return try await create(spec, parameters, origin, expiresAt, key: key)
                } catch let taken as KeyTaken {
                    // Another server was faster, or the one of before is not quite gone.
                    try await waitUntilGone(taken.name)
                }
            }
            throw SandboxError(.runtimeUnavailable, "Others send the same request at once; ask again.")
        }
    }

    /// How often it is tried to make the sandbox of a key.
    private static let keyAttempts = 5

    /// There is a sandbox of the name that the key of a request gives.
    struct KeyTaken: Error {
        let name: String
    }

    /// Returns when a sandbox that is being deleted is gone, or at once if it is not.
    private func waitUntilGone(_ name: String) async throws {
        guard let found = try await telling("look the sandbox up", { try await objects.client.find(name) }),
            found.metadata.deletionTimestamp != nil
        else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let changes = objects.informer.changes
            group.addTask {
                for await change in changes where change.object.metadata.uid == found.metadata.uid {
                    if case .deleted = change { return }
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(configuration.readyTimeout))
                throw SandboxError(.nameTaken, "The sandbox '\(name)' of this key is still being deleted; ask again.")
            }
            group.addTask {
                // It may have gone before anybody listened.
                while try await telling("look the sandbox up", { try await objects.client.find(name) })?.metadata.uid
                    == found.metadata.uid
                {
                    try await Task.sleep(for: .seconds(1))
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func create(
        _ spec: SandboxSpec,
        _ parameters: CreationParameters,
        _ origin: SandboxOrigin,
        _ expiresAt: Date?,
        key: String?
    ) async throws -> Sandbox {
        let patience = parameters.readyTimeout ?? configuration.readyTimeout
        var draft = SandboxDraft(
            spec: spec,
            parameters: parameters,
            timeout: SandboxTimeout(
                end: parameters.neverEnds ? nil : expiresAt,
                pauses: spec.timeout?.action == .pause,
                retention: parameters.pausedRetention ?? spec.timeout?.retention ?? .forever
            ),
            now: now(),
            key: key,
            lock: SandboxIdentity.random()
        )
        let neverEnds = draft.timeout == .never
        // If this server dies before anybody can hear of it, it goes by itself.
        let unheardOf = now().addingTimeInterval(
            Double(patience + (parameters.claimTimeout ?? configuration.claimTimeout) + 30)
        )
        draft.isEndless = neverEnds
        if neverEnds { draft.timeout = .delete(at: unheardOf) }
        let taken = try await take(draft, origin)
        let id = taken.sandboxID
        do {
            try await waitUntilReady(id, within: patience)
            if neverEnds {
                try await objects.edit(id, "finish the creation") { _ in
                    ["spec": .object(SandboxTimeout.never.members)]
                }
            }
            return try await sandbox(id)
        } catch {
            await discard(id, parameters.failedReservation, because: error)
            throw error
        }
    }

    // MARK: Sent again

    /// What finds the sandbox of a request that is sent again; nil if it has no key.
    private func requestKey(_ spec: SandboxSpec) -> String? {
        spec.options?.requestKey.map {
            SandboxIdentity.of(key: "\(spec.owner ?? "")\n\($0)", namespace: configuration.namespace)
        }
    }

    /// The sandbox of a request that was sent before.
    ///
    /// - Throws: `requestKeyReused` if it was another request.
    private func made(by key: String, _ spec: SandboxSpec) async throws -> Sandbox? {
        let query = try LabelQuery(matching: [KruiseRequest.keyLabel: key])
        let found = try await telling("look for the sandbox of the request") {
            try await objects.client.list(ListOptions(labels: query)).items
        }
        guard let object = found.first(where: { $0.metadata.deletionTimestamp == nil }) else { return nil }
        guard object.request?.digest == spec.options?.requestDigest else {
            throw SandboxError(.requestKeyReused, "The key of this request came with another one before.")
        }
        directory.put(object)
        try await waitUntilReady(object.sandboxID, within: configuration.readyTimeout)
        return try await sandbox(object.sandboxID)
    }

    // MARK: Waiting

    /// Returns when a sandbox runs and is ready.
    ///
    /// - Throws: `startFailed` as soon as it is certain that it will not be; `startTimedOut`.
    private func waitUntilReady(_ id: String, within seconds: Int) async throws {
        let changes = directory.changes(of: id)
        let isReady = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await entry in changes {
                    guard let entry else {
                        throw SandboxError(.startFailed, "The sandbox \(id) was deleted before it had come up.")
                    }
                    if try CreationOutcome.isReady(entry.object, id: id) { return true }
                }
                throw CancellationError()
            }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        guard !isReady else { return }
        let object = directory[id]?.object
        let pod = try? await diagnostics.pod(object?.metadata.name ?? "")
        let told = (object?.unreadiness ?? pod.flatMap { $0 }.flatMap { PodObstacle($0) }?.text).map { ": \($0)" } ?? ""
        throw SandboxError(.startTimedOut, "The sandbox \(id) did not come up within \(seconds) s\(told)")
    }

    // MARK: After it

    /// Deletes what has come of a creation that failed, also if whoever asked has gone; or marks it, if it is to be kept.
    private func discard(
        _ id: String,
        _ reservation: CreationParameters.FailedReservation,
        because error: any Error
    ) async {
        logger.info("a sandbox did not come about", metadata: ["sandbox": "\(id)", "error": "\(error)"])
        let work = Task {
            switch reservation {
            case .never: _ = try? await objects.delete(id)
            case .forever: await keep(id, ending: .never)
            case .seconds(let seconds): await keep(id, ending: .delete(at: now().addingTimeInterval(seconds)))
            }
        }
        await work.value
    }

    private func keep(_ id: String, ending timeout: SandboxTimeout) async {
        let kept = try? await objects.edit(id, "keep the sandbox") { _ in
            [
                "metadata": ["labels": [Kruise.Label.reservedFailedSandbox: "true"]],
                "spec": .object(timeout.members),
            ]
        }
        if kept == nil { logger.warning("a sandbox that failed could not be kept", metadata: ["sandbox": "\(id)"]) }
    }
}
