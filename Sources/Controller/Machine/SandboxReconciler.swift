// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Runs the state machine for the sandboxes of one kind. What is the same in all dialects is here: observing, writing down, carrying
/// out what was decided, and telling of it. What a dialect says itself is asked for below.
protocol SandboxReconciler: Sendable {
    associatedtype Sandbox: MachineObject

    var pods: Informer<Pod> { get }
    /// Made with `StoreIndex.sandbox`.
    var snapshots: Informer<SandboxSnapshot> { get }
    var client: KubeClient { get }
    var providers: SnapshotProviders { get }
    var settings: SandboxControllerSettings { get }
    var recorder: EventRecorder { get }
    var metrics: SandboxMetrics { get }
    var logger: Logger { get }
    var pace: ProgressPace { get }
    var now: @Sendable () -> Date { get }

    /// What there is at a place now.
    func place(_ index: Int, of sandbox: Sandbox) -> PodPlace

    /// What the pod at a place is to the machine of the member that has it.
    func compute(
        _ place: PodPlace,
        of recorded: Recorded,
        _ sandbox: Sandbox,
        _ sightings: CaptureSightings
    ) -> Observation.Compute

    /// The pod to create at a place, without what its artifact and its attempt add. Where somebody else makes it, this sees to that.
    ///
    /// - Throws: What the API server did not do that has to be done before.
    func newPod(at index: Int, of sandbox: Sandbox, from artifact: Artifact?) async throws -> NewPod

    /// What of a sandbox is to be captured.
    func subject(_ index: Int, of sandbox: Sandbox) -> SnapshotSubject

    /// Deletes a pod of a pool's that has an attempt of a member.
    func delete(pooled pod: Pod, attempt: Int, of identity: String, _ sandbox: Sandbox) async throws

    /// Ends the pod of an attempt, or sees to it that somebody else does.
    ///
    /// - Returns: Whether nobody will start its containers any more. If not, a watch tells when that is so.
    /// - Throws: What the API server did not do.
    func end(_ attempt: Int, of member: AggregateDecision.MemberActions, _ sandbox: Sandbox) async throws -> Bool

    /// Whether pods may be deleted because nobody wants them any more.
    func mayEnd(_ sandbox: Sandbox) -> Bool

    /// For how long captures have to wait at most; nil if they may begin.
    ///
    /// - Parameter captures: Their UIDs, and until when they may take.
    func wait(before captures: [(uid: String, deadline: Date)], of sandbox: Sandbox) -> Duration?

    /// Refuses a capture that the dialect does not let begin.
    func check(_ capture: String, of sandbox: Sandbox, by provider: any SnapshotProvider) async throws(SnapshotFailure)

    /// What people are told of one record that has followed another one; nil for nothing.
    func note(from before: AggregateRecord, to after: AggregateRecord) -> SandboxNote?
}

/// What comes of the wish for a pod.
enum NewPod {
    /// It is to be created.
    case pod(Pod)
    /// Somebody else makes it.
    case notOurs
    /// It cannot be made before something else has changed, which a watch tells of.
    case notYet(Problem)
    /// It can never be made as its template is.
    case refused(Problem)
}

extension SandboxReconciler {
    func compute(
        _ place: PodPlace,
        of recorded: Recorded,
        _ sandbox: Sandbox,
        _ sightings: CaptureSightings
    ) -> Observation.Compute {
        place.compute(of: recorded, gone: sightings.gonePods, now: now())
    }

    func end(_ attempt: Int, of member: AggregateDecision.MemberActions, _ sandbox: Sandbox) async throws -> Bool {
        try await delete(attempt, of: member, sandbox)
        return true
    }

    func delete(pooled pod: Pod, attempt: Int, of identity: String, _ sandbox: Sandbox) async throws {}

    func mayEnd(_ sandbox: Sandbox) -> Bool { true }

    func wait(before captures: [(uid: String, deadline: Date)], of sandbox: Sandbox) -> Duration? { nil }

    func check(_ capture: String, of sandbox: Sandbox, by provider: any SnapshotProvider) throws(SnapshotFailure) {}

    func note(from before: AggregateRecord, to after: AggregateRecord) -> SandboxNote? {
        SandboxNote(from: before, to: after)
    }

    /// The sandboxes of one's namespace.
    func resource(of sandbox: Sandbox) -> ResourceClient<Sandbox> {
        client.resource(in: .named(sandbox.metadata.namespace ?? "default"))
    }

    /// What comes next for a sandbox that is seen to be so.
    ///
    /// - Parameter place: What there is at a place.
    func decide(
        _ intent: AggregateIntent,
        _ record: AggregateRecord,
        _ sandbox: Sandbox,
        _ sightings: CaptureSightings,
        place: (Int) -> PodPlace
    ) -> AggregateDecision {
        Aggregate.decide(intent: intent, recorded: record, now: now(), policy: settings.policy) {
            observations(of: $0, sandbox, sightings, place: place)
        }
    }

    /// What is true outside of each member, by its identity.
    private func observations(
        of record: AggregateRecord,
        _ sandbox: Sandbox,
        _ sightings: CaptureSightings,
        place: (Int) -> PodPlace
    ) -> [String: Observation] {
        var observations: [String: Observation] = [:]
        let queue = SnapshotQueue(of: sandbox.reference, in: snapshots.store)
        let meant = queue.waiting.reduce(into: [String: String]()) {
            $0[$1] = record.member(forSnapshot: $1)?.recorded.identity
        }
        for member in record.members {
            let identity = member.recorded.identity
            let place = place(member.index)
            let refused = sightings.refusedPods[identity].map {
                Observation.Compute.ended(member.recorded.incarnation, $0)
            }
            let forgotten: Observation.Compute? = sightings.isForgotten(place.pod) ? .absent : nil
            observations[identity] = Observation(
                compute: refused ?? forgotten ?? compute(place, of: member.recorded, sandbox, sightings),
                capture: sightings.captures[identity],
                verification: sightings.verifications[identity],
                cleaned: sightings.cleaned[identity] ?? [],
                checkpoint: queue.checkpoint(after: member.recorded.checkpoint) { meant[$0] == identity },
                isGivenAway: place.isGivenBack
            )
        }
        return observations
    }

    /// Tells people of transitions.
    func tell(from before: AggregateRecord, to after: AggregateRecord, of sandbox: Sandbox) {
        metrics.recorded(after, insteadOf: before)
        if before.phase != after.phase {
            logger.info(
                "transition",
                metadata: [
                    "sandbox": "\(sandbox.key)", "from": "\(before.phase.rawValue)", "to": "\(after.phase.rawValue)",
                ]
            )
        }
        guard let note = note(from: before, to: after) else { return }
        recorder.record(note.severity, about: sandbox, reason: note.reason, note.message)
    }

    /// Tells that images are left in the registry of which nothing can be remembered.
    func tellOfForgottenImages(_ sandbox: Sandbox) {
        recorder.record(
            .warning,
            about: sandbox,
            reason: "ImagesForgotten",
            "The sandbox has more images of its pauses than can be remembered. The oldest stay in the registry."
        )
    }
}
