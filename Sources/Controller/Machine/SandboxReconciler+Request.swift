// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// The requests to a provider. One is written into the SandboxSnapshot before anything is begun, so that after a restart the
/// same is asked: of the same pod and the same containers, into the same images.
extension SandboxReconciler {
    /// The request of a capture that was begun; nil if there is none.
    ///
    /// - Parameter index: The place of its member.
    func request(_ uid: String, of sandbox: Sandbox, at index: Int) -> SnapshotRequest? {
        guard let snapshot = pauseSnapshot(of: sandbox, at: index), let request = snapshot.request, request.uid == uid
        else {
            return nil
        }
        return request
    }

    /// Begins the captures that are to be begun: all that could refuse one is asked first, then what is asked for is written down.
    /// So nothing is frozen for a pause that cannot come about. Watches tell when what was written is known here.
    ///
    /// - Returns: Whether all have been begun.
    /// - Throws: What the API server or the provider did not do.
    func beginCaptures(
        _ decision: AggregateDecision,
        _ sandbox: Sandbox,
        _ sightings: inout CaptureSightings
    ) async throws -> Bool {
        let captures = decision.actions.flatMap { member in
            member.actions.compactMap { action -> Beginning? in
                guard case .capture(let uid, let deadline) = action,
                    request(uid, of: sandbox, at: member.index) == nil
                else { return nil }
                return Beginning(member: member.identity, index: member.index, uid: uid, deadline: deadline)
            }
        }
        guard !captures.isEmpty else { return true }
        // Those of earlier captures have to go first.
        let earlier = captures.compactMap { pauseSnapshot(of: sandbox, at: $0.index) }
        for snapshot in earlier { try await delete(snapshot, propagation: .foreground) }
        guard earlier.isEmpty else { return false }
        if let wait = wait(before: captures.map { ($0.uid, $0.deadline) }, of: sandbox) {
            sightings.wake(after: wait)
            return false
        }
        var snapshots: [SandboxSnapshot] = []
        for capture in captures {
            var snapshot = capture.snapshot(of: sandbox)
            do throws(SnapshotFailure) {
                snapshot.metadata.annotations[SnapshotRequest.annotationName] =
                    try await asked(capture, sandbox, for: snapshot).annotation
            } catch {
                if error.isRetryable { throw error }
                // There is one all the same, for whoever looks there for the reason.
                if let created = try await create(snapshot, of: sandbox) {
                    _ = try await statusWriter.tell(.failed(error.problem), of: nil, in: created)
                }
                sightings.refuse(capture, error.problem)
                return false
            }
            snapshots.append(snapshot)
        }
        for (snapshot, capture) in zip(snapshots, captures) {
            do {
                if let created = try await create(snapshot, of: sandbox) { tell(of: created, sandbox) }
            } catch let failure as SnapshotFailure where !failure.isRetryable {
                sightings.refuse(capture, failure.problem)
                return false
            }
        }
        return false
    }

    /// What is asked of the provider, and what it does not refuse. It is written down only after that: where there is no request,
    /// nothing was begun, and nothing has to be thawed.
    private func asked(
        _ capture: Beginning,
        _ sandbox: Sandbox,
        for snapshot: SandboxSnapshot
    ) async throws(SnapshotFailure) -> SnapshotRequest {
        let provider = providers.standard
        // What the sandbox did after its capture would be lost without a word.
        guard provider.capabilities.canHoldFrozen else {
            throw SnapshotFailure(
                "PauseNotSupported",
                "The provider \(provider.name) cannot hold a sandbox frozen from its capture until its end, so a pause would lose "
                    + "what is written in between. Delete the sandbox, or let a provider pause it that can."
            )
        }
        try await check(capture.uid, of: sandbox, by: provider)
        let source = try SnapshotSource(
            subject(capture.index, of: sandbox),
            for: snapshot,
            replica: capture.index,
            in: settings.registry,
            environment: settings.snapshotEnvironment,
            storesImages: provider.capabilities.storesImages
        )
        let request = SnapshotRequest(
            uid: capture.uid,
            source: source,
            afterwards: .holdFrozen(until: capture.deadline),
            provider: provider.name,
            requestID: RequestID.current?.text
        )
        try await provider.preflight(request)
        return request
    }

    /// Tells people what is captured, and into which images.
    private func tell(of snapshot: SandboxSnapshot, _ sandbox: Sandbox) {
        guard let source = snapshot.request?.source else { return }
        let images = source.containers.map { $0.target.isEmpty ? $0.name : "\($0.name) into \($0.target)" }
        recorder.record(
            .normal,
            about: sandbox,
            reason: "Committing",
            "Capturing pod \(source.pod) on node \(source.node), \(images.joined(separator: ", ")): from the last copy on it stays "
                + "frozen. The SandboxSnapshot \(snapshot.metadata.name) tells how far that is."
        )
    }

    /// - Returns: Nil if there is one of that name that will go, or that the cache will show.
    /// - Throws: `SnapshotFailure` if somebody else's is in the way; what the API server did not do.
    private func create(_ snapshot: SandboxSnapshot, of sandbox: Sandbox) async throws -> SandboxSnapshot? {
        let name = snapshot.metadata.name
        let snapshots = client.resource(SandboxSnapshot.self, in: .named(sandbox.metadata.namespace ?? "default"))
        do {
            return try await snapshots.create(snapshot)
        } catch let error as KubeError where error.isAlreadyExists {
            guard let other = try await snapshots.find(name), !other.isOfPause || other.sandbox != sandbox.reference
            else {
                return nil
            }
            throw SnapshotFailure(
                "SnapshotNameTaken",
                "The pause would be told in the SandboxSnapshot \(name), but somebody else has made one of that name. Delete "
                    + "it, then pause the sandbox again."
            )
        }
    }
}

/// A capture that is to be begun.
private struct Beginning {
    let member: String
    let index: Int
    let uid: String
    let deadline: Date

    /// What it will be told in, with nothing asked for yet.
    func snapshot(of sandbox: some MachineObject) -> SandboxSnapshot {
        .with {
            $0.metadata.name = SandboxSnapshot.pauseName(of: sandbox.metadata.name, replica: index)
            $0.metadata.ownerReferences = [sandbox.controllerReference()]
            $0.metadata.annotations[OpenSandbox.Annotation.requestID] = RequestID.current?.text
            $0.spec.sandboxName = sandbox.metadata.name
            $0.spec.source = sandbox.snapshotOrigin
        }
    }
}

extension CaptureSightings {
    /// A capture will not come about, and was not begun.
    fileprivate mutating func refuse(_ capture: Beginning, _ problem: Problem) {
        sight(capture.member, .init(uid: capture.uid, progress: .failed(problem), hold: .unknown))
    }
}

extension SandboxSnapshot {
    /// What its capture was asked for; nil if that is not written down.
    var request: SnapshotRequest? {
        guard let text = metadata.annotations[SnapshotRequest.annotationName],
            var request = SnapshotRequest(annotation: text)
        else { return nil }
        // It was written before there was an object to have a UID.
        request.owner = metadata.uid.map { SnapshotOwner(name: metadata.name, uid: $0) }
        return request
    }
}
