// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
public import SandboxModels
import SnapshotEngine

public import struct Foundation.Date
public import struct Foundation.UUID

/// What is asked of a runtime.
extension LocalRuntime {
    /// Creates a sandbox and answers once it runs.
    ///
    /// - Parameters:
    ///   - spec: what to run.
    ///   - credentials: for the image's registry; used for the pull, then forgotten.
    ///   - expiresAt: when to delete it by itself, or to pause it. A paused sandbox does not expire; a resumed one gets its
    ///     first lifetime again.
    /// - Returns: The sandbox; the one that the same request made before, if it has a key.
    /// - Throws: `SandboxError`; nothing of the sandbox is left then.
    public func create(
        _ spec: SandboxSpec,
        credentials: ImageCredentials?,
        expiresAt: Date?
    ) async throws -> Sandbox {
        guard let key = spec.options?.requestKey else {
            return try await make(spec, credentials: credentials, expiresAt: expiresAt)
        }
        // Who asks again while the first request is still worked on waits for what comes of that.
        return try await requests.withLock("\(spec.owner ?? "")\n\(key)") {
            if let known = try await self.sandbox(askedFor: spec) { return known }
            try await self.expectNotRefused(key)
            return try await self.make(spec, credentials: credentials, expiresAt: expiresAt)
        }
    }

    /// The sandbox that a request with the same key has made.
    ///
    /// - Throws: `SandboxError` with `requestKeyReused` if that was another request.
    private func sandbox(askedFor spec: SandboxSpec) async throws -> Sandbox? {
        _ = try await serving()
        for runner in allRunners {
            let sandbox = await runner.sandbox()
            guard let made = sandbox.spec.options, made.requestKey == spec.options?.requestKey,
                sandbox.spec.owner == spec.owner, sandbox.status.state != .stopping
            else { continue }
            guard made.requestDigest == spec.options?.requestDigest else {
                throw SandboxError(
                    .requestKeyReused,
                    "another sandbox was asked for under the same key before: send another key with another request"
                )
            }
            return sandbox
        }
        return nil
    }

    private func make(
        _ spec: SandboxSpec,
        credentials: ImageCredentials?,
        expiresAt: Date?
    ) async throws -> Sandbox {
        if let snapshotID = spec.snapshotID {
            return try await serving().library.withImage(of: snapshotID) { location in
                var spec = spec
                spec.image = location.description
                return try await self.create(spec, from: location, credentials: nil, expiresAt: expiresAt)
            }
        }
        let location: ImageLocation
        do {
            location = try ImageLocation(parsing: spec.image)
        } catch {
            throw SandboxError(.invalidParameter, error.description)
        }
        return try await create(spec, from: location, credentials: credentials, expiresAt: expiresAt)
    }

    private func create(
        _ spec: SandboxSpec,
        from location: ImageLocation,
        credentials: ImageCredentials?,
        expiresAt: Date?
    ) async throws -> Sandbox {
        let world = try await serving().world
        if let obstacle = world.containers.client.obstacle {
            throw SandboxError(.runtimeUnavailable, "containerd cannot be used now: \(obstacle)")
        }
        return try await world.volumes.withPrepared(spec.volumes, store: world.store) { volumes in
            var spec = spec
            spec.volumes = volumes
            return try await self.start(spec, from: location, credentials: credentials, expiresAt: expiresAt)
        }
    }

    private func start(
        _ spec: SandboxSpec,
        from location: ImageLocation,
        credentials: ImageCredentials?,
        expiresAt: Date?
    ) async throws -> Sandbox {
        let world = try await serving().world
        guard spec.platform == nil || spec.platform == Self.platform else {
            throw SandboxError(
                .invalidParameter,
                "This machine runs sandboxes for \(Self.platform) only, not for \(spec.platform ?? "")."
            )
        }
        let id = spec.options?.chosenID ?? UUID().uuidString.lowercased()
        _ = try ResourceLimits(spec.resourceLimits)
        let image = try await world.images.ensure(location, credentials: credentials)
        let remark = try await checkProvenance(of: image, at: location, credentials: credentials)
        _ = try ContainerSpecification(id: id, sandbox: spec, image: image.config)
        try await makeRoom(for: id)

        let now = world.now()
        let row = SandboxRow(
            id: id,
            spec: spec,
            createdAt: now,
            lifetime: expiresAt?.timeIntervalSince(now),
            intent: Intent(
                wish: .running,
                generation: 1,
                timers: Timers(spec.timeout, endingAt: expiresAt)
            ),
            recorded: Recorded(identity: id, now: now),
            image: image.name
        )
        let runner = try await admit(row)
        await runner.tell(ofUnproven: remark.map { [$0] } ?? [])
        do {
            try await runner.waitUntilRunning(deadline: .now + configuration.startTimeout)
        } catch {
            await undo(runner)
            throw error
        }
        return await runner.sandbox()
    }

    /// What this machine runs, in the API's words.
    private static var platform: String { "\(Platform.current.os)/\(Platform.current.architecture)" }

    /// Deletes a sandbox that did not come up. It must not be left half made because its creator went away meanwhile,
    /// so this is done in a task that outlives a cancelled one, and is waited for.
    private func undo(_ runner: SandboxRunner) async {
        do {
            try await uncancelled {
                try await runner.state(.delete, api: .openSandboxREST)
                await runner.waitUntilGone(deadline: .now + .seconds(10))
            }
        } catch {
            logger.warning("a sandbox that did not come up is still there", metadata: ["error": "\(error)"])
        }
    }

    /// One sandbox as it is now.
    ///
    /// - Throws: `SandboxError` with `notFound`.
    public func sandbox(_ id: String) async throws -> Sandbox {
        try await runner(id).sandbox()
    }

    /// All sandboxes as they are now, newest first.
    public func sandboxes() async throws -> [Sandbox] {
        _ = try await serving()
        var all: [Sandbox] = []
        for runner in allRunners { all.append(await runner.sandbox()) }
        return all.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    /// Asks for the end of a sandbox and answers when it has gone, or after a few seconds when it is still going.
    ///
    /// - Throws: `SandboxError` with `notFound`.
    public func delete(_ id: String) async throws {
        let runner = try await runner(id)
        try await runner.state(.delete, api: .openSandboxREST)
        await runner.waitUntilGone(deadline: .now + .seconds(10))
    }

    /// Asks for a pause; the sandbox's status tells what becomes of it.
    ///
    /// - Throws: `SandboxError` with `notFound` or `invalidState`.
    public func pause(_ id: String) async throws {
        try await runner(id).state(.pause, api: .openSandboxREST)
    }

    /// Asks for a resume; the sandbox's status tells what becomes of it.
    ///
    /// - Throws: `SandboxError` with `notFound` or `invalidState`.
    public func resume(_ id: String) async throws {
        try await runner(id).state(.resume, api: .openSandboxREST)
    }

    /// Makes the time of a running sandbox end at another date; what happens then is its policy's.
    ///
    /// - Parameter onlyIfLater: Whether an end that is later already stays.
    /// - Throws: `SandboxError` with `notFound`, or `invalidState` unless it runs.
    public func setTimeout(_ id: String, to date: Date, onlyIfLater: Bool) async throws {
        try await runner(id).setTimeout(to: date, onlyIfLater: onlyIfLater)
    }

    /// Asks for a pause unless it is paused or being paused already.
    ///
    /// - Parameter retention: For how long it is kept then; nil: as its policy says.
    /// - Throws: `SandboxError` with `notFound` or `invalidState`.
    public func pause(_ id: String, keptFor retention: PausedRetention?) async throws {
        try await runner(id).pause(keptFor: retention)
    }

    /// Asks for a resume unless it runs or is about to, and gives it time until a date in the same write.
    ///
    /// - Returns: Whether it had to be resumed.
    /// - Throws: `SandboxError` with `notFound`, or `invalidState` while it is being paused.
    public func connect(_ id: String, until date: Date) async throws -> Bool {
        try await runner(id).connect(until: date)
    }

    /// Makes a sandbox expire at another time, earlier or later, whatever its state.
    ///
    /// - Throws: `SandboxError` with `notFound`, or `neverExpires` if it was created without a time to live.
    public func renew(_ id: String, until date: Date) async throws {
        try await runner(id).renew(until: date, api: .openSandboxREST)
    }

    /// Changes the metadata of a sandbox, whatever its state: sets keys, and removes those that are nil.
    ///
    /// - Throws: `SandboxError` with `notFound`.
    public func patchMetadata(_ id: String, _ patch: [String: String?]) async throws -> Sandbox {
        let runner = try await runner(id)
        try await runner.changeMetadata { metadata in
            for (key, value) in patch { metadata[key] = value }
        }
        return await runner.sandbox()
    }

    /// The end of what a sandbox has printed since it was started last; nothing while it has no container.
    ///
    /// - Parameter bytes: How much of it at most.
    /// - Throws: `SandboxError` with `notFound`.
    public func log(of id: String, atMost bytes: Int) async throws -> SandboxLog {
        let containerID = try await runner(id).presentContainer
        return try await serving().world.containers.log(of: containerID, atMost: bytes)
    }

    /// What a sandbox uses now; nil unless it runs.
    ///
    /// - Throws: `SandboxError` with `notFound`.
    public func usage(of id: String) async throws -> SandboxUsage? {
        let runner = try await runner(id)
        guard await runner.isRunning else { return nil }
        let world = try await serving().world
        let container = await runner.presentContainer
        let usage = ControlGroupUsage(container: container) { await world.containers.diskUsage(of: container) }
        return try await usage.measure(now: world.now)
    }

    /// What happened to a sandbox, oldest first; the last hundred events are kept.
    ///
    /// - Throws: `SandboxError` with `notFound`.
    public func events(of id: String) async throws -> [SandboxEvent] {
        _ = try await runner(id)
        return try await serving().world.store.events(of: id)
    }

    /// Where a port of a sandbox is reached.
    ///
    /// - Throws: `SandboxError` with `notFound`, or `addressUnavailable` unless the sandbox runs.
    public func endpoint(_ id: String, port: Int) async throws -> SandboxEndpoint {
        guard (1...65_535).contains(port) else {
            throw SandboxError(.invalidParameter, "\(port) is not a port: ports are 1 to 65535")
        }
        guard let address = try await runner(id).address() else {
            throw SandboxError(.addressUnavailable, "sandbox \(id) has no address now: it does not run")
        }
        return SandboxEndpoint(address: "\(address):\(port)")
    }
}
