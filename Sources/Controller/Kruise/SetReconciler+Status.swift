// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import Synchronization

import struct Foundation.Date

/// Telling what there is of a set.
extension SandboxSetReconciler {
    /// Seconds between two tellings: while many sandboxes come, each of them changes the counts.
    private static let interval: Double = 0.25
    /// The condition that says whether sandboxes can be made.
    private static let condition = "TemplateAvailable"

    /// Writes the status, if it has changed and was not written just now.
    ///
    /// - Parameters:
    ///   - plan: What sandboxes are made from.
    ///   - problem: Why there is nothing that they could be made from. Those that are there stay.
    func report(
        _ plan: SandboxSetPlan?,
        _ problem: KruiseSetProblem?,
        of set: KruiseSandboxSet
    ) async throws -> PoolWake {
        var wake = PoolWake()
        let members = members(of: set, plan?.revision).filter { $0.state == .creating || $0.state == .available }
        var status = set.status ?? KruiseSandboxSetStatus()
        status.observedGeneration = set.metadata.generation
        status.selector = set.selector
        status.replicas = members.count
        status.availableReplicas = members.count { $0.state == .available }
        if let plan {
            status.updateRevision = plan.revision
            status.currentRevision = plan.name(of: set)
            status.updatedReplicas = members.count(where: \.isUpdated)
            status.updatedAvailableReplicas = members.count { $0.isUpdated && $0.state == .available }
            status.conditions[Self.condition] = nil
        }
        if let problem {
            if status.conditions[Self.condition]?.message != problem.message {
                recorder.record(.warning, about: set, reason: problem.reason, problem.message)
            }
            status.conditions[Self.condition] = .with {
                $0.type = Self.condition
                $0.status = "False"
                $0.observedGeneration = set.metadata.generation
                $0.lastTransitionTime = Timestamp(now())
                $0.reason = problem.reason
                $0.message = problem.message
            }
        }
        guard status != set.status else { return wake }
        let passed = told[set.key].map { now().timeIntervalSince($0) } ?? Self.interval
        if passed >= 0, passed < Self.interval {
            wake.add(.seconds(Self.interval - passed))
            return wake
        }
        var change = set
        change.status = status
        do {
            _ = try await resource(KruiseSandboxSet.self, of: set)
                .patch(set.metadata.name, .merge(MergePatch(from: set, to: change)), subresource: .status)
            told[set.key] = now()
        } catch let error as KubeError where error.isNotFound {
            return wake
        }
        return wake
    }
}

/// When the status of each set was written last. A cache.
final class SandboxSetTellings: Sendable {
    private let dates = Mutex<[ObjectKey: Date]>([:])

    /// When that of one was.
    subscript(set: ObjectKey) -> Date? {
        get { dates.withLock { $0[set] } }
        set { dates.withLock { $0[set] = newValue } }
    }

    /// A set is of no interest any more.
    func forget(_ set: ObjectKey) { self[set] = nil }
}
