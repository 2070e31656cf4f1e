// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// Asks a provider for what `SnapshotProvider` promises, as a caller may ask, and tells which promises it breaks: for the tests of
/// whoever writes one.
///
/// Each step is called twice, for the same has to come of it; captures are sealed, abandoned and forgotten; artifacts are verified,
/// and again when they were deleted. What cannot be seen from outside stays for tests of your own: that nothing runs on after a
/// seal, that a deadline thaws, that a step goes on after a restart.
public struct ProviderTrial<Provider: SnapshotProvider>: Sendable {
    /// Makes a request for a capture of a sandbox that runs. It is asked for `trial-checkpoint`, `trial-pause` and, if the provider can
    /// hold sandboxes frozen, `trial-abandoned`; the request may have another UID.
    public typealias Asking = @Sendable (_ uid: String, _ afterwards: Afterwards) async throws -> SnapshotRequest

    private let provider: Provider
    private let patience: Duration
    private let ask: Asking

    /// Creates a trial.
    ///
    /// - Parameters:
    ///   - provider: Who is tried.
    ///   - patience: For how long a step may say that it waits.
    ///   - ask: Makes the requests. A sandbox that was sealed is gone: give each pause one of its own.
    public init(_ provider: Provider, patience: Duration = .seconds(60), ask: @escaping Asking) {
        self.provider = provider
        self.patience = patience
        self.ask = ask
    }

    /// Runs it, and tells which promises were broken: none, if all is well.
    public func run() async throws -> [String] {
        var findings = Findings()
        let until = Date.now.addingTimeInterval(120)
        let checkpoint = try await ask("trial-checkpoint", .keepRunning)
        if provider.capabilities.canKeepRunning {
            try await keepRunning(checkpoint, &findings)
        } else {
            try await refuses(checkpoint, "canKeepRunning", &findings)
        }
        let pause = try await ask("trial-pause", .holdFrozen(until: until))
        if provider.capabilities.canHoldFrozen {
            try await pauses(pause, &findings)
            try await givesUp(try await ask("trial-abandoned", .holdFrozen(until: until)), &findings)
        } else {
            try await refuses(pause, "canHoldFrozen", &findings)
        }
        return findings.broken
    }

    /// A checkpoint from beginning to end.
    private func keepRunning(_ request: SnapshotRequest, _ findings: inout Findings) async throws {
        guard let artifact = try await captured(request, &findings) else { return }
        try await twice("forget", &findings) { await provider.forget(request) }
        try await twice("verify, after forget", &findings) {
            await provider.verify(artifact, in: request.source.namespace)
        }
        try await deletes(artifact, of: request, &findings)
    }

    /// A pause from beginning to end.
    private func pauses(_ request: SnapshotRequest, _ findings: inout Findings) async throws {
        guard let artifact = try await captured(request, &findings) else { return }
        try await twice("seal", &findings) { await provider.seal(request) }
        try await twice("release", &findings) { await provider.release(request) }
        try await twice("forget", &findings) { await provider.forget(request) }
        try await twice("verify, after release", &findings) {
            await provider.verify(artifact, in: request.source.namespace)
        }
        try await deletes(artifact, of: request, &findings)
    }

    /// A pause that is given up: who is asked afterwards has to be told so.
    private func givesUp(_ request: SnapshotRequest, _ findings: inout Findings) async throws {
        guard let artifact = try await captured(request, &findings) else { return }
        try await twice("abandon", &findings) { await provider.abandon(request) }
        if case .done = try await end({ await provider.seal(request) }) {
            findings.add("seal: is done although the capture was abandoned, and its sandbox thawed")
        }
        try await twice("forget", &findings) { await provider.forget(request) }
        try await deletes(artifact, of: request, &findings)
    }

    /// What the provider says that it cannot do has to fail.
    private func refuses(_ request: SnapshotRequest, _ capability: String, _ findings: inout Findings) async throws {
        if case .done = try await end({ await provider.capture(request) }) {
            findings.add("capture: is done although \(capability) is false")
        }
        try await twice("abandon", &findings) { await provider.abandon(request) }
        try await twice("forget", &findings) { await provider.forget(request) }
    }

    private func captured(_ request: SnapshotRequest, _ findings: inout Findings) async throws -> Artifact? {
        do {
            try await provider.preflight(request)
            try await provider.preflight(request)
        } catch {
            findings.add("preflight: refuses the trial: \(error)")
            return nil
        }
        guard let artifact = try await twice("capture", &findings, { await provider.capture(request) }) else {
            return nil
        }
        if artifact.provider != provider.name {
            findings.add(
                "capture: the artifact is of the provider \(artifact.provider), and this one is \(provider.name)"
            )
        }
        if Set(artifact.parts.map(\.container)) != Set(request.source.containers.map(\.name)) {
            findings.add("capture: the artifact does not have the containers that were asked for, each once")
        }
        for part in artifact.parts where part.digest.isEmpty || part.reference.isEmpty {
            findings.add("capture: the part of \(part.container) has no reference, or no digest")
        }
        try await twice("verify", &findings) { await provider.verify(artifact, in: request.source.namespace) }
        do {
            let patch = try provider.restore(artifact)
            for part in artifact.parts
            where provider.capabilities.storesImages && patch.images[part.container]?.hasSuffix(part.digest) != true {
                findings.add("restore: \(part.container) does not start from an image by its digest")
            }
        } catch {
            findings.add("restore: fails for an artifact that was just captured: \(error)")
        }
        return artifact
    }

    private func deletes(_ artifact: Artifact, of request: SnapshotRequest, _ findings: inout Findings) async throws {
        try await twice("delete", &findings) { await provider.delete(artifact, in: request.source.namespace) }
        if case .done = try await end({ await provider.verify(artifact, in: request.source.namespace) }) {
            findings.add("verify: is done although the artifact was deleted")
        }
    }

    /// Calls a step until it is done, and then once more.
    @discardableResult
    private func twice<Value>(
        _ name: String,
        _ findings: inout Findings,
        _ step: () async -> Step<Value>
    ) async throws -> Value? {
        switch try await end(step) {
        case .failed(let failure):
            findings.add("\(name): fails: \(failure)")
            return nil
        case .waiting(let progress, _):
            findings.add("\(name): is still \(progress.stage) after \(patience)")
            return nil
        case .done(let value):
            if try await end(step) != .done(value) {
                findings.add("\(name): something else comes of calling it again")
            }
            return value
        }
    }

    /// Calls a step until it waits no more, or for as long as there is patience.
    private func end<Value>(_ step: () async -> Step<Value>) async throws -> Step<Value> {
        let clock = ContinuousClock()
        let start = clock.now
        while true {
            let answer = await step()
            guard case .waiting(_, let reasons) = answer, clock.now - start < patience else { return answer }
            // There is no cluster here whose objects could be watched, so those are looked at again soon.
            let pauses = reasons.map { if case .after(let time) = $0 { time } else { Duration.milliseconds(100) } }
            try await clock.sleep(for: min(pauses.min() ?? .milliseconds(100), patience))
        }
    }

    /// The promises that were broken, each told once.
    private struct Findings {
        private(set) var broken: [String] = []

        mutating func add(_ finding: String) {
            if !broken.contains(finding) { broken.append(finding) }
        }
    }
}
