// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
public import SandboxModels

public import struct Foundation.Date

/// Reading, pausing, resuming, renewing, labelling and deleting sandboxes.
extension ClusterRuntime {
    /// One sandbox as it is now.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func sandbox(_ id: String) async throws -> Sandbox { try await entry(id).sandbox }

    /// All sandboxes as they are now, newest first.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    public func sandboxes() async throws -> [Sandbox] {
        try await waitUntilSynced()
        return directory.all
    }

    /// A sandbox as it is and as it becomes; it ends when the sandbox is gone.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func changes(of id: String) async throws -> AsyncStream<Sandbox> { try await objects.changes(of: id) }

    /// Begins to delete a sandbox in whatever state it is.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func delete(_ id: String) async throws { try await objects.delete(id) }

    /// Begins to pause a sandbox; its status tells how it goes on.
    ///
    /// - Throws: `SandboxError` with `notFound`, `invalidState` unless it runs, or `runtimeUnavailable`.
    public func pause(_ id: String) async throws {
        try await wish(id, pause: true, from: .running, "paused")
    }

    /// Begins to resume a sandbox; its status tells how it goes on.
    ///
    /// - Throws: `SandboxError` with `notFound`, `invalidState` unless it is paused, or `runtimeUnavailable`.
    public func resume(_ id: String) async throws {
        let known = try await entry(id)
        if let refusal = known.object.move?.resumeRefusal(id) { throw refusal }
        // Its own patch, before the wish: with it, one that is stated again could be taken for the edit of another field.
        if known.sandbox.status.state == .paused, !known.object.expiresWhilePaused,
            let end = known.sandbox.expiresAt, let timeout = known.object.request?.timeout
        {
            let whole = now().addingTimeInterval(Double(timeout))
            if end < whole { try await prolong(id, until: whole) }
        }
        try await wish(id, pause: false, from: .paused, "resumed") { entry in
            if let refusal = entry.object.move?.resumeRefusal(id) { throw refusal }
        }
    }

    /// Makes a paused sandbox expire later, and returns when its controller has taken note of it.
    private func prolong(_ id: String, until date: Date) async throws {
        let changes = directory.changes(of: id)
        try await objects.edit(id, "renew the sandbox", requiresState: true) { entry in
            guard entry.sandbox.status.state == .paused else { return [:] }
            return ["spec": ["expireTime": .string(SpelledTime(date).text)]]
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await entry in changes {
                    guard let object = entry?.object, let noted = try? object.recordedIntent(),
                        noted.generation < object.metadata.generation ?? 0
                    else { return }
                }
            }
            group.addTask { _ = try? await Task.sleep(for: Self.notePatience) }
            await group.next()
            group.cancelAll()
        }
    }

    /// How long a controller is waited for that has to take note of something.
    private static let notePatience: Duration = .seconds(2)

    /// Makes a sandbox expire at another time, in whatever state it is.
    ///
    /// - Throws: `SandboxError` with `notFound`, `neverExpires` or `runtimeUnavailable`.
    public func renew(_ id: String, until date: Date) async throws {
        try await objects.edit(id, "renew the sandbox") { entry in
            guard entry.sandbox.expiresAt != nil else {
                throw SandboxError(
                    .neverExpires,
                    "The sandbox '\(id)' was created without a timeout, so there is none to change."
                )
            }
            return ["spec": ["expireTime": .string(SpelledTime(date).text)]]
        }
    }

    /// Sets metadata of a sandbox in whatever state it is, and removes the keys whose value is nil.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func patchMetadata(_ id: String, _ patch: [String: String?]) async throws -> Sandbox {
        try await objects.edit(id, "label the sandbox") { _ in
            ["metadata": ["labels": .object(patch.mapValues { $0.map { .string($0) } ?? .null })]]
        }
        .sandbox
    }

    /// Where a port of a running sandbox is reached.
    ///
    /// - Throws: `SandboxError` with `notFound`, `addressUnavailable` or `runtimeUnavailable`.
    public func endpoint(_ id: String, port: Int) async throws -> SandboxEndpoint {
        let entry = try await entry(id)
        let usable: Set<SandboxStatus.State> = [.running, .pending, .failed]
        guard usable.contains(entry.sandbox.status.state), let address = entry.object.address else {
            throw SandboxError(
                .addressUnavailable,
                "The sandbox '\(id)' has no address while it is \(entry.sandbox.status.state.rawValue)."
            )
        }
        let host = address.contains(":") ? "[\(address)]" : address
        return SandboxEndpoint(address: "\(host):\(port)", headers: headers(entry.object, port: port))
    }

    /// The headers that a client has to send along to a port of a sandbox, in whatever state it is.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func endpointHeaders(_ id: String, port: Int) async throws -> [String: String] {
        headers(try await entry(id).object, port: port)
    }

    private func headers(_ object: BatchSandbox, port: Int) -> [String: String] {
        var headers: [String: String] = [:]
        headers["OpenSandbox-Secure-Access"] = object.metadata.annotations[OpenSandbox.Annotation.secureAccessToken]
        if port == EgressSidecar.port {
            headers[EgressSidecar.tokenHeader] = object.metadata.annotations[OpenSandbox.Annotation.egressAuthToken]
        }
        return headers
    }

    // MARK: Writing

    /// Pauses a sandbox unless it has been used after all, also if that is only known to the API server.
    func pauseIdle(_ id: String) async throws {
        try await wish(id, pause: true, from: .running, "paused") { entry in
            guard let duty = SandboxDuty(entry, seen: accesses.lastSeen(id)), case .pauseIdle = duty, duty.date <= now()
            else { throw SandboxError(.invalidState, "The sandbox '\(id)' is in use.") }
        }
    }

    /// States a wish, if the sandbox is where it can be.
    ///
    /// - Parameter check: Throws why not, for each state of the sandbox that is seen.
    private func wish(
        _ id: String,
        pause: Bool,
        from state: SandboxStatus.State,
        _ what: String,
        _ check: (SandboxDirectory<BatchSandbox>.Entry) throws -> Void = { _ in }
    ) async throws {
        try await objects.edit(id, "have the sandbox \(what)", requiresState: true) { entry in
            let now = entry.sandbox.status.state
            guard now == state else {
                throw SandboxError(
                    .invalidState,
                    "Only a sandbox that is \(state.rawValue) can be \(what); '\(id)' is \(now.rawValue)."
                )
            }
            try check(entry)
            // A wish that is there already has failed. Taken away and stated anew it is another one.
            return entry.object.spec.pause == pause
                ? ["spec": ["pause": .null]] : Self.stated(pause, of: entry.object)
        }
        if let entry = directory[id], entry.object.spec.pause == nil {
            try await objects.edit(id, "have the sandbox \(what)", requiresState: true) { entry in
                if !pause, let refusal = entry.object.move?.resumeRefusal(id) { throw refusal }
                return Self.stated(pause, of: entry.object)
            }
        }
    }

    /// What states a wish, and in which request.
    private static func stated(_ pause: Bool, of object: BatchSandbox) -> JSONValue {
        let wish: JSONValue = ["pause": .bool(pause)]
        let annotations = RequestedWish.annotations(pause: pause, of: object.metadata)
        guard !annotations.isEmpty else { return ["spec": wish] }
        return ["metadata": ["annotations": .object(annotations)], "spec": wish]
    }
}
