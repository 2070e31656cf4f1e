// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider

/// What upstream's controller is told: whether the sandbox is to have a pod, and from which images the next one starts.
extension AgentSandboxReconciler {
    // MARK: - To run

    func newPod(at index: Int, of sandbox: Sandbox, from artifact: Artifact?) async throws -> NewPod {
        // The first pod is upstream's own affair.
        guard let artifact else { return .notOurs }
        var changed = sandbox
        var notes = AgentSandboxNotes(of: sandbox)
        do {
            try start(&changed, from: providers.provider(of: artifact).restore(artifact), &notes)
        } catch let failure as SnapshotFailure {
            if failure.isRetryable { throw failure }
            return .refused(failure.problem)
        } catch {
            return .refused(
                Problem("PodNotMade", "spec.podTemplate cannot be made to start from the snapshot: \(error)")
            )
        }
        let record = try MachineState.storedRecord(in: sandbox)
        notes.startedAttempt = record?.replicas.first?.recorded.incarnation
        do {
            try await tellUpstream(changed, suspended: false, notes, insteadOf: sandbox)
        } catch let error as KubeError where error.kind == .invalid || error.kind == .forbidden {
            return .refused(
                Problem("ResumeRefused", "The API server does not let operatingMode be set to Running: \(error)")
            )
        }
        return .notOurs
    }

    // MARK: - To have no pod

    func end(_ attempt: Int, of member: AggregateDecision.MemberActions, _ sandbox: Sandbox) async throws -> Bool {
        guard sandbox.metadata.deletionTimestamp == nil else {
            // Upstream's controller leaves it to the garbage collector, which waits for the object to go.
            try await delete(attempt, of: member, sandbox)
            return true
        }
        let record = try MachineState.storedRecord(in: sandbox)
        let recorded = record?.members.first { $0.recorded.identity == member.identity }?.recorded
        switch recorded?.phase {
        case .releasing(_, let artifact)?:
            try await suspend(sandbox, into: artifact)
            // Before that it would start the containers again.
            return place(member.index, of: sandbox).pod.map { $0.metadata.deletionTimestamp != nil } ?? true
        case .paused?:
            // A resume that did not come about.
            try await suspend(sandbox, into: recorded?.artifact)
            return true
        case .pending?, .running?, .pausing?, .sealing?, .thawing?, .resuming?, .failed?, .deleting?, .deleted?, nil:
            return false
        }
    }

    /// Has upstream's controller delete the pod, and puts the snapshot into the template: so whoever sets the mode to Running, such as
    /// upstream's clients, resumes from it.
    private func suspend(_ sandbox: Sandbox, into artifact: Artifact?) async throws {
        var changed = sandbox
        var notes = AgentSandboxNotes(of: sandbox)
        if let artifact {
            do {
                let patch = try providers.provider(of: artifact).restore(artifact)
                let images = TemplatePatch(images: patch.images, imagePullSecrets: patch.imagePullSecrets)
                try start(&changed, from: images, &notes)
            } catch {
                // The resume says so, with the reason.
                logger.warning(
                    "the template of a sandbox is left as it is",
                    metadata: ["sandbox": "\(sandbox.key)", "error": "\(error)"]
                )
                changed = sandbox
            }
        }
        do {
            try await tellUpstream(changed, suspended: true, notes, insteadOf: sandbox)
        } catch let error as KubeError where error.kind == .invalid || error.kind == .forbidden {
            recorder.record(
                .warning,
                about: sandbox,
                reason: "SuspendRefused",
                "The sandbox is saved and stays frozen, because the API server does not let operatingMode be set to Suspended: \(error)"
            )
            throw error
        }
    }

    /// Writes the mode down, if the object is still the one that was read. Its watch tells of the rest.
    private func tellUpstream(
        _ changed: Sandbox,
        suspended: Bool,
        _ notes: AgentSandboxNotes,
        insteadOf sandbox: Sandbox
    ) async throws {
        var (changed, notes) = (changed, notes)
        changed.isSuspended = suspended
        notes.isSuspended = suspended
        changed.metadata.annotations[AgentSandboxes.Annotation.notes] = notes.jsonText
        let change = try MergePatch(from: sandbox, to: changed)
        guard change.document.object?.isEmpty == false else { return }
        _ = try await write(change, to: sandbox)
    }

    // MARK: - The template

    /// Has the next pod start from what was captured.
    private func start(_ sandbox: inout Sandbox, from patch: TemplatePatch, _ notes: inout AgentSandboxNotes) throws {
        guard var template = try sandbox.podTemplate() else { throw JSONError("there is none") }
        let names = Set(template.spec.containers.map(\.name))
        let missing = patch.images.keys.filter { !names.contains($0) }.sorted()
        guard missing.isEmpty else {
            throw SnapshotFailure(
                "ContainerNotFound",
                "The snapshot has containers that spec.podTemplate lacks: \(missing.joined(separator: ", ")). Add them, then try again."
            )
        }
        var patch = patch
        // It would stay there for ever.
        patch.preferredNodes = []
        sandbox.rememberImages(of: template, before: patch.images, notes)
        try template.restore(patch, pullSecret: settings.pullSecret)
        notes.images.merge(patch.images) { _, new in new }
        sandbox.spec.podTemplate = RawJSON(template)
    }

    // MARK: - What could refuse it

    /// Asks the API server whether it would let the sandbox be suspended, before anything is frozen for that.
    func check(_ capture: String, of sandbox: Sandbox, by provider: any SnapshotProvider) async throws(SnapshotFailure)
    {
        if let time = sandbox.spec.shutdownTime, time.date <= now() {
            throw SnapshotFailure(
                "SandboxExpired",
                "Its shutdownTime \(time.text) has passed, so its pod is being deleted. Set a later one, then try again."
            )
        }
        guard !sandbox.isSuspended else { return }
        var suspended = sandbox
        suspended.isSuspended = true
        do {
            let change = try MergePatch(from: sandbox, to: suspended)
            let options = WriteOptions(isDryRun: true)
            _ = try await resource(of: sandbox).patch(sandbox.metadata.name, .merge(change), options)
        } catch let error as KubeError where error.kind == .invalid || error.kind == .forbidden {
            throw SnapshotFailure(
                "SuspendRefused",
                "The API server would not let operatingMode be set to Suspended, so nothing was frozen and the sandbox runs on: \(error)"
            )
        } catch {
            // A webhook that knows no dry runs, for instance. It proves nothing.
            return
        }
    }
}
