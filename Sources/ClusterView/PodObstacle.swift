// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

package import KubeModels

/// Why a pod does not come up, as far as the cluster has said so.
package struct PodObstacle: Equatable {
    /// In words.
    package let text: String
    /// Whether no node has the labels that the pod asks for.
    package let isOfNodeLabels: Bool

    /// Reads it off a pod; nil if nothing is said.
    package init?(_ pod: Pod) {
        guard let status = pod.status else { return nil }
        if let scheduled = status.conditions["PodScheduled"], scheduled.status == "False" {
            text = Self.joined(scheduled.reason, scheduled.message)
            // "node(s) didn't match node selector", later "... Pod's node affinity/selector".
            let words = scheduled.message ?? ""
            isOfNodeLabels = words.contains("didn't match") && words.contains("selector")
            return
        }
        let all = status.initContainerStatuses + status.containerStatuses
        let ordinary: Set<String?> = ["PodInitializing", "ContainerCreating", nil]
        guard let waiting = all.lazy.compactMap(\.state?.waiting).first(where: { !ordinary.contains($0.reason) }) else {
            return nil
        }
        text = Self.joined(waiting.reason, waiting.message)
        isOfNodeLabels = false
    }

    private static func joined(_ reason: String?, _ message: String?) -> String {
        [reason, message].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
