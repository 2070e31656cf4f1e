// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

extension TaskReconciler {
    /// Tells which pods are given back, and how many tasks there are in each state. Nobody else writes these fields.
    func report(_ entry: TaskMemory.Entry, _ aim: TaskAim, of sandbox: BatchSandbox) async throws {
        guard sandbox.metadata.deletionTimestamp == nil else { return }
        try await giveBack(entry.schedule, aim, of: sandbox)
        // Without the other fields there can be none of these. The reconciler of the sandbox writes them first.
        guard let status = sandbox.status else { return }
        var fields = entry.schedule.counts.fields
        let message = entry.problem.map { String($0.prefix(1024)) }
        if let message, message != status.taskLastErrorMessage { fields["taskLastErrorMessage"] = .string(message) }
        guard TaskCounts(status) != entry.schedule.counts || fields["taskLastErrorMessage"] != nil else { return }
        try await patch(sandbox, MergePatch(["status": .object(fields)]), subresource: .status)
    }

    /// Writes down how tasks have ended and which pods are given back for that, in one: with the first alone a pod would be kept
    /// for ever, with the second alone its task could run a second time.
    private func giveBack(_ schedule: TaskSchedule, _ aim: TaskAim, of sandbox: BatchSandbox) async throws {
        // A resume runs all of them again.
        let results = aim.isPaused ? [:] : schedule.results
        guard results != sandbox.taskResults() else { return }
        let name = OpenSandbox.Annotation.taskResults
        var annotations: [String: JSONValue] = [:]
        if results.isEmpty {
            annotations[name] = .null
        } else {
            let byPlace = Dictionary(uniqueKeysWithValues: results.map { (String($0), $1) })
            annotations[name] = .string(byPlace.jsonText)
            let earlier = try sandbox.allocation(OpenSandbox.Annotation.allocRelease).pods
            let released = Set(earlier).union(results.values.map(\.pod)).sorted()
            if released != earlier {
                annotations[OpenSandbox.Annotation.allocRelease] = .string(PodAllocation(pods: released).jsonText)
            }
        }
        let change = MergePatch(["metadata": ["annotations": .object(annotations)]])
            .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        // Who has changed the object meanwhile is told of by its watch, and then this is looked at again.
        try await patch(sandbox, change)
    }

    private func patch(
        _ sandbox: BatchSandbox,
        _ change: MergePatch,
        subresource: Subresource? = nil
    ) async throws {
        do {
            _ = try await resource(of: sandbox)
                .patch(sandbox.metadata.name, .merge(change), subresource: subresource)
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return
        }
    }

    /// Tells people of tasks that have failed, once.
    func tell(_ failures: [TaskFailure], of sandbox: BatchSandbox, _ entry: inout TaskMemory.Entry) {
        for failure in failures {
            let message = failure.message(of: sandbox.taskName(failure.index))
            entry.problem = message
            // After a restart all of them are found again.
            guard (sandbox.status?.taskFailed ?? 0) < entry.schedule.counts.failed else { continue }
            recorder.record(.warning, about: sandbox, reason: "TaskFailed", message)
        }
    }

    /// Tells people of what keeps a task from running. The same is not told again.
    func refuse(_ reason: String, _ message: String, of sandbox: BatchSandbox) -> String {
        if sandbox.status?.taskLastErrorMessage != message {
            recorder.record(.warning, about: sandbox, reason: reason, message)
        }
        return message
    }
}
