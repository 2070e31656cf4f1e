// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

/// What is known before anything is frozen of whether a commit could succeed.
struct CommitPreflight {
    /// The runtimes whose containers write where the node does not see it, as they are found in the names of runtime classes
    /// and of their handlers.
    private static let opaqueRuntimes = ["gvisor", "runsc", "kata", "firecracker", "cloud-hypervisor"]

    var request: SnapshotRequest
    /// The pod that is to be captured; nil if it is gone.
    var pod: Pod?
    /// The handler of the pod's runtime class, where that can be read.
    var runtimeHandler: String?
    /// The name of the Secret to push with, if one is configured.
    var pushSecret: String?
    /// That Secret, if it is there.
    var secret: Secret?

    /// Why it would not; nil if nothing is known against it.
    var refusal: SnapshotFailure? {
        podRefusal ?? runtimeRefusal ?? probeRefusal ?? secretRefusal
    }

    private var podRefusal: SnapshotFailure? {
        guard let pod, pod.metadata.uid == request.source.podUID, pod.metadata.deletionTimestamp == nil else {
            return SnapshotFailure(
                "SourcePodNotFound",
                "The pod \(request.source.pod) that was to be captured is gone, and what it had written with it."
            )
        }
        return nil
    }

    private var runtimeRefusal: SnapshotFailure? {
        guard let runtimeClass = request.source.runtimeClass else { return nil }
        guard let runtime = Self.opaqueRuntime(in: [runtimeClass, runtimeHandler ?? ""]) else { return nil }
        return SnapshotFailure(
            "UnsupportedRuntime",
            "The pod runs under the runtime class \(runtimeClass) (\(runtime)), which keeps what it writes where the node cannot "
                + "see it: a snapshot would be empty. Use a runtime class of runc, or a provider that can capture this one."
        )
    }

    /// The runtime that one of these names is of, if containers of it write where the node does not see it.
    static func opaqueRuntime(in names: [String]) -> String? {
        let names = names.map { $0.lowercased() }
        return opaqueRuntimes.first { name in names.contains { $0.contains(name) } }
    }

    private var probeRefusal: SnapshotFailure? {
        guard let limit = pod?.freezeLimit, limit.seconds < 1 else { return nil }
        return SnapshotFailure(
            "LivenessProbeTooStrict",
            "A liveness probe of container \(limit.container) of pod \(request.source.pod) kills it at the first failure, and a "
                + "frozen container answers none: what it has written would be lost. Give the probe a failureThreshold of 2 or "
                + "more; a freeze may then last for periodSeconds for each failure but the last."
        )
    }

    private var secretRefusal: SnapshotFailure? {
        guard let pushSecret else { return nil }
        let place = "\(request.source.namespace)/\(pushSecret)"
        guard let secret else {
            return SnapshotFailure(
                "PushSecretNotFound",
                "The Secret \(place) with which snapshots are pushed (--snapshot-push-secret) is not there. Create it in the "
                    + "sandbox's namespace, with the type \(DockerSecret.type)."
            )
        }
        guard secret.type == DockerSecret.type else {
            return SnapshotFailure(
                "PushSecretInvalid",
                "The Secret \(place) has the type \(secret.type ?? "Opaque"), not \(DockerSecret.type). Create it with "
                    + "'kubectl create secret docker-registry'."
            )
        }
        guard secret.data[DockerSecret.key] != nil else {
            return SnapshotFailure("PushSecretInvalid", "The Secret \(place) has no value \(DockerSecret.key).")
        }
        return nil
    }
}
