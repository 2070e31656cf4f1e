// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What a provider and the API server have answered while one sandbox was looked at. It is not kept: the next look asks
/// again, and every step of a provider answers the same then.
struct CaptureSightings {
    /// By the identities of the members.
    var captures: [String: Observation.Capture] = [:]
    var verifications: [String: Observation.Verification] = [:]
    var cleaned: [String: Set<Leftover>] = [:]
    /// Artifacts that are needed no more, which is to be written down.
    private(set) var givenUp: [String: [Artifact]] = [:]
    /// Pods that could not be created.
    var refusedPods: [String: Problem] = [:]
    /// Pods that cannot be created yet, and why.
    private(set) var postponedPods: [String: Problem] = [:]
    /// Pods of pools that the API server has said to be gone.
    var gonePods: Set<String> = []
    /// Pods whose objects were taken away when all of them was known to be dead, by UID. A cache shows them a while longer.
    private(set) var forgottenPods: Set<String> = []
    /// How far the captures are of which a provider has said so.
    var progress: [String: CaptureProgress] = [:]
    /// Whether something was seen since this was last asked that may change a decision.
    private var isNews = false
    /// When somebody who was asked wants to be asked again.
    private(set) var wakeAfter: Duration?

    mutating func sight(_ member: String, _ capture: Observation.Capture) {
        guard captures[member] != capture else { return }
        captures[member] = capture
        isNews = true
    }

    mutating func sight(_ member: String, _ verification: Observation.Verification) {
        guard verifications[member] != verification else { return }
        verifications[member] = verification
        isNews = true
    }

    mutating func clean(_ member: String, _ leftover: Leftover) {
        if cleaned[member, default: []].insert(leftover).inserted { isNews = true }
    }

    mutating func giveUp(_ member: String, _ artifact: Artifact) {
        clean(member, .artifact(artifact))
        if givenUp[member]?.contains(artifact) != true { givenUp[member, default: []].append(artifact) }
    }

    mutating func refuse(_ member: String, _ problem: Problem) {
        guard refusedPods[member] != problem else { return }
        refusedPods[member] = problem
        isNews = true
    }

    mutating func forget(podUID: String) {
        if forgottenPods.insert(podUID).inserted { isNews = true }
    }

    /// Whether there is nothing any more at a place where a cache still shows a pod.
    func isForgotten(_ pod: Pod?) -> Bool { pod?.metadata.uid.map { forgottenPods.contains($0) } ?? false }

    /// A pod cannot be created yet. It changes no decision.
    mutating func postpone(_ member: String, _ problem: Problem) { postponedPods[member] = problem }

    mutating func wake(after delay: Duration) {
        wakeAfter = min(wakeAfter ?? delay, delay)
    }

    /// Adds what was seen while others were asked.
    mutating func add(_ other: CaptureSightings) {
        captures.merge(other.captures) { $1 }
        verifications.merge(other.verifications) { $1 }
        cleaned.merge(other.cleaned) { $0.union($1) }
        givenUp.merge(other.givenUp) { $0 + $1 }
        refusedPods.merge(other.refusedPods) { $1 }
        postponedPods.merge(other.postponedPods) { $1 }
        forgottenPods.formUnion(other.forgottenPods)
        progress.merge(other.progress) { $1 }
        isNews = isNews || other.isNews
        if let delay = other.wakeAfter { wake(after: delay) }
    }

    /// Whether to decide again.
    mutating func takeNews() -> Bool {
        defer { isNews = false }
        return isNews
    }
}
