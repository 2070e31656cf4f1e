// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotProvider
import Synchronization

/// A provider that captures nothing: its artifacts are the image that the sandbox was started from. It notes what it is asked
/// to do, and fails where a test says so.
final class InstantProvider: SnapshotProvider {
    struct State {
        var calls: [String] = []
        /// The images of the last capture's containers, by digest.
        var images: [String: String] = [:]
        var captureFailure: SnapshotFailure?
        /// By the names of pods, what the preflight of their captures says.
        var preflightFailures: [String: SnapshotFailure] = [:]
        var verifyFailure: SnapshotFailure?
        /// What speaks against each artifact, and keeps nobody from it.
        var verifyRemarks: [String] = []
        var sealFailure: SnapshotFailure?
        /// Whether captures go on until this is taken back.
        var isHeld = false
        /// By the UID of a pod, the capture that may have frozen it.
        var open: [String: String] = [:]
        /// In which order captures were begun.
        var begun: [String] = []
        /// Two captures of one pod at a time, or one that was begun again after its end.
        var mistakes: [String] = []
        var ended: Set<String> = []
        /// How often each capture was released.
        var releases: [String: Int] = [:]
        var deleted: [Artifact] = []
        var deletionFailure: SnapshotFailure?
        /// Whether what is restored starts from the digests of the artifact, which no registry has.
        var restoresDigests = false
    }

    /// What it was asked to delete.
    var deleted: [Artifact] { state.withLock(\.deleted) }

    /// How often each capture was released.
    var releases: [String: Int] { state.withLock(\.releases) }

    /// What must not happen and did.
    var mistakes: [String] { state.withLock(\.mistakes) }

    /// The captures in the order in which they were begun.
    var begun: [String] { state.withLock(\.begun) }

    private let state = Mutex(State())

    /// Has it fail from now on, or not any more.
    func change(_ body: @Sendable (inout State) -> Void) { state.withLock { body(&$0) } }

    let name: String
    let capabilities: ProviderCapabilities

    init(name: String = "instant", canHoldFrozen: Bool = true) {
        self.name = name
        capabilities = ProviderCapabilities(canKeepRunning: true, canHoldFrozen: canHoldFrozen, isPerContainer: true)
    }

    var calls: [String] { state.withLock(\.calls) }

    func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure) {
        if let failure = state.withLock({ $0.preflightFailures[request.source.pod] }) { throw failure }
    }

    func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        if let failure = note("capture", request, { $0.captureFailure }) { return .failed(failure) }
        let isHeld = state.withLock { state in
            let pod = request.source.podUID
            if state.ended.contains(request.uid) { state.mistakes.append("\(request.uid) was begun again") }
            if let other = state.open[pod], other != request.uid {
                state.mistakes.append("\(request.uid) was begun during \(other)")
            }
            state.open[pod] = request.uid
            if !state.begun.contains(request.uid) { state.begun.append(request.uid) }
            return state.isHeld
        }
        if isHeld {
            let progress = SnapshotProgress("copying", bytesRead: 512 << 20, bytesTotal: 1 << 30)
            return .waiting(progress, wakeOn: [.after(.milliseconds(200))])
        }
        state.withLock { state in
            for container in request.source.containers { state.images[container.name] = container.image }
        }
        let parts = request.source.containers.map {
            Artifact.Part(
                container: $0.name,
                reference: $0.target,
                digest: Self.digest(of: request.uid),
                size: 1
            )
        }
        return .done(Artifact(provider: name, parts: parts, platform: "linux/amd64"))
    }

    /// The digest of the image that a capture makes.
    static func digest(of uid: String) -> String {
        "sha256:" + uid.utf8.suffix(32).map { String($0, radix: 16) }.joined()
    }

    func seal(_ request: SnapshotRequest) async -> Step<Sealed> {
        if let failure = note("seal", request, { $0.sealFailure }) {
            // Whoever does not seal has thawed.
            state.withLock { $0.open[request.source.podUID] = nil }
            return .failed(failure)
        }
        return .done(Sealed())
    }

    func release(_ request: SnapshotRequest) async -> Step<Released> {
        _ = note("release", request)
        state.withLock { state in
            state.open[request.source.podUID] = nil
            state.releases[request.uid, default: 0] += 1
        }
        return .done(Released())
    }

    func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> {
        _ = note("abandon", request)
        state.withLock { state in
            if state.open[request.source.podUID] == request.uid { state.open[request.source.podUID] = nil }
        }
        return .done(Abandoned())
    }

    func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        _ = note("forget", request)
        state.withLock { _ = $0.ended.insert(request.uid) }
        return .done(Forgotten())
    }

    func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        if let failure = state.withLock({ $0.verifyFailure }) { return .failed(failure) }
        return .done(Verified(remarks: state.withLock(\.verifyRemarks)))
    }

    func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted> {
        let failure = state.withLock { state in
            if state.deletionFailure == nil { state.deleted.append(artifact) }
            return state.deletionFailure
        }
        return failure.map { .failed($0) } ?? .done(Deleted())
    }

    func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        state.withLock { state in
            guard state.restoresDigests else { return TemplatePatch(images: state.images) }
            let images = artifact.parts.map { ($0.container, "\($0.reference)@\($0.digest)") }
            return TemplatePatch(images: Dictionary(images) { first, _ in first })
        }
    }

    private func note(
        _ call: String,
        _ request: SnapshotRequest,
        _ failure: @Sendable (State) -> SnapshotFailure? = { _ in nil }
    ) -> SnapshotFailure? {
        state.withLock { state in
            if state.calls.last != call { state.calls.append(call) }
            return failure(state)
        }
    }
}
