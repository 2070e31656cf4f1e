// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

extension TaskReconciler {
    /// Tells which pods are given back, and how many tasks there are in each state. Nobody else writes these fields.
    ///
    /// - Returns: Whether all is told; not if somebody has changed the object since it was read.
    func report(_ entry: TaskMemory.Entry, of sandbox: BatchSandbox) async throws -> Bool {
        guard sandbox.metadata.deletionTimestamp == nil else { return true }
        guard try await giveBack(entry.schedule, of: sandbox) else { return false }
        // Without the other fields there can be none of these. The reconciler of the sandbox writes them first.
        guard let status = sandbox.status else { return true }
        var fields = entry.schedule.counts.fields
        let message = entry.problem.map { String($0.prefix(1024)) }
        if let message, message != status.taskLastErrorMessage { fields["taskLastErrorMessage"] = .string(message) }
        guard TaskCounts(status) != entry.schedule.counts || fields["taskLastErrorMessage"] != nil else {
            return true
        }
        return try await patch(sandbox, MergePatch(["status": .object(fields)]), subresource: .status)
    }

    /// Writes down how tasks have ended and which pods are given back for that, in one: with the first alone a pod would be kept
    /// for ever, with the second alone its task could run a second time.
    private func giveBack(_ schedule: TaskSchedule, of sandbox: BatchSandbox) async throws -> Bool {
        let results = schedule.results
        guard results != sandbox.taskResults() else { return true }
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
        return try await patch(sandbox, change)
    }

    private func patch(
        _ sandbox: BatchSandbox,
        _ change: MergePatch,
        subresource: Subresource? = nil
    ) async throws -> Bool {
        do {
            _ = try await resource(of: sandbox)
                .patch(sandbox.metadata.name, .merge(change), subresource: subresource)
            return true
        } catch let error as KubeError where error.isConflict {
            return false
        } catch let error as KubeError where error.isNotFound {
            return true
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
