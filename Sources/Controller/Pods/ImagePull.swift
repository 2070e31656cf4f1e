// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

import struct Foundation.Date

/// How a kubelet's attempts to get an image are to be read.
enum ImagePull {
    /// Seconds from the start of a pod in which a back-off says nothing: it is told without the error that led to it.
    static let patience: Double = 60

    /// What a kubelet says that has pulled as many images as it may for now (`registryPullQPS`, by default five a second): it
    /// tries again by itself. Several sandboxes that are started on one node at a time come to that.
    private static let throttled = "pull QPS exceeded"

    /// Whether a container that waits for its image gets it without help, as far as can be said.
    static func mayComeAbout(_ waiting: ContainerStateWaiting, in pod: Pod, now: Date) -> Bool {
        if waiting.message?.contains(throttled) == true { return true }
        guard waiting.reason == "ImagePullBackOff", let start = pod.status?.startTime else { return false }
        return now.timeIntervalSince(start.date) < patience
    }
}
