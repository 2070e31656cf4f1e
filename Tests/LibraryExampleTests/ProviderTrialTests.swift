// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotProvider
import Synchronization
import Testing

/// The trial of providers believes one that keeps its promises, and sees through one that breaks a single one.
@Suite("A trial of a provider")
struct ProviderTrialTests {
    private func findings(_ fault: Fault?, holds: Bool = true, keeps: Bool = true) async throws -> [String] {
        let provider = MemoryProvider(fault, holds: holds, keeps: keeps)
        return try await ProviderTrial(provider, patience: .milliseconds(300)) { uid, afterwards in
            let main = SnapshotContainer(name: "main", id: "c0ffee", image: "registry.example/app", target: "r/box:1")
            let source = SnapshotSource(
                sandbox: "box",
                namespace: "boxes",
                pod: "box-0",
                podUID: "6a1b",
                node: "node-a",
                containers: [main]
            )
            return SnapshotRequest(uid: uid, source: source, afterwards: afterwards)
        }.run()
    }

    @Test("finds nothing where there is nothing", arguments: [true, false], [true, false])
    func none(holds: Bool, keeps: Bool) async throws {
        #expect(try await findings(nil, holds: holds, keeps: keeps) == [])
    }

    @Test("finds the promise that is broken", arguments: Fault.allCases.filter { $0 != .pretends })
    func each(fault: Fault) async throws {
        let found = try await findings(fault)
        #expect(found.contains { $0.hasPrefix(fault.rawValue) }, "\(found)")
    }

    @Test("finds what is done although it cannot be")
    func pretends() async throws {
        let found = try await findings(.pretends, holds: false, keeps: false)
        #expect(
            found == [
                "capture: is done although canKeepRunning is false", "capture: is done although canHoldFrozen is false",
            ]
        )
    }
}

/// What a provider can do wrong; the raw value is how the finding begins.
enum Fault: String, CaseIterable, Sendable {
    case refuses = "preflight: refuses the trial"
    case capturesAnew = "capture: something else comes of calling it again"
    case neverEnds = "capture: is still copying after"
    case anotherName = "capture: the artifact is of the provider"
    case forgetsContainers = "capture: the artifact does not have the containers"
    case hasNoDigest = "capture: the part of main has no reference, or no digest"
    case startsFromTag = "restore: main does not start from an image by its digest"
    case forgetsArtifact = "verify, after forget: fails"
    case believesRecords = "verify: is done although the artifact was deleted"
    case sealsTheThawed = "seal: is done although the capture was abandoned"
    case releasesOnce = "release: something else comes of calling it again"
    /// Only where it says that it cannot.
    case pretends = ""
}

/// A provider whose store and sandboxes are in memory.
private final class MemoryProvider: SnapshotProvider {
    private struct State {
        var captures = 0
        var artifacts: [String: Artifact] = [:]
        var thawed: Set<String> = []
        var released: Set<String> = []
        var waited: Set<String> = []
    }

    let name = "memory"
    let capabilities: ProviderCapabilities
    private let fault: Fault?
    private let state = Mutex(State())

    init(_ fault: Fault?, holds: Bool, keeps: Bool) {
        self.fault = fault
        capabilities = ProviderCapabilities(canKeepRunning: keeps, canHoldFrozen: holds)
    }

    func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure) {
        if fault == .refuses { throw SnapshotFailure("NoSpace", "There is no space.") }
    }

    func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        let isAble = request.afterwards == .keepRunning ? capabilities.canKeepRunning : capabilities.canHoldFrozen
        guard isAble || fault == .pretends else { return .failed(SnapshotFailure("NotSupported", "It cannot.")) }
        return state.withLock { state in
            if fault == .neverEnds || state.waited.insert(request.uid).inserted {
                return .waiting(SnapshotProgress("copying"), wakeOn: [.after(.milliseconds(1))])
            }
            if let artifact = state.artifacts[request.uid], fault != .capturesAnew { return .done(artifact) }
            state.captures += 1
            let digest = fault == .hasNoDigest ? "" : "sha256:\(state.captures)"
            let part = Artifact.Part(container: "main", reference: "r/\(request.uid):1", digest: digest, size: 1)
            let artifact = Artifact(
                kind: "image",
                provider: fault == .anotherName ? "another" : name,
                parts: fault == .forgetsContainers ? [] : [part],
                platform: "linux"
            )
            state.artifacts[request.uid] = artifact
            return .done(artifact)
        }
    }

    func seal(_ request: SnapshotRequest) async -> Step<Sealed> {
        let isThawed = state.withLock { $0.thawed.contains(request.uid) }
        return isThawed && fault != .sealsTheThawed ? .failed(SnapshotFailure("Thawed", "It runs.")) : .done(Sealed())
    }

    func release(_ request: SnapshotRequest) async -> Step<Released> {
        let isFirst = state.withLock { $0.released.insert(request.uid).inserted }
        return !isFirst && fault == .releasesOnce ? .failed(SnapshotFailure("Gone", "It is gone.")) : .done(Released())
    }

    func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> {
        state.withLock { _ = $0.thawed.insert(request.uid) }
        return .done(Abandoned())
    }

    func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        if fault == .forgetsArtifact { state.withLock { $0.artifacts[request.uid] = nil } }
        return .done(Forgotten())
    }

    func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        let isThere = state.withLock { $0.artifacts.values.contains(artifact) }
        return isThere || fault == .believesRecords
            ? .done(Verified()) : .failed(SnapshotFailure("Gone", "It is gone."))
    }

    func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted> {
        state.withLock { state in state.artifacts = state.artifacts.filter { $0.value != artifact } }
        return .done(Deleted())
    }

    func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        TemplatePatch(
            images: artifact.parts.reduce(into: [:]) {
                $0[$1.container] = fault == .startsFromTag ? $1.reference : "\($1.reference)@\($1.digest)"
            }
        )
    }
}
