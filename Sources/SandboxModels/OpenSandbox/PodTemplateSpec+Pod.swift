// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

extension PodTemplateSpec {
    /// What a pool's pod on a node was made from, as far as the pod itself tells, without what makes it the pool's and without what
    /// the cluster has added and adds to every pod again. So a sandbox that has it can do without its pool.
    public init(of pod: Pod) {
        self.init()
        metadata = .with {
            $0.labels = pod.metadata.labels.filter { !Self.poolLabels.contains($0.key) }
            $0.annotations = pod.metadata.annotations.filter { !Self.poolAnnotations.contains($0.key) }
        }
        spec = pod.spec
        spec.nodeName = nil
        for name in Self.fieldsOfTheCluster { spec.unknownFields[name] = nil }
        dropTokens()
    }

    /// Labels that say whose the pod is, and that it is to go.
    private static let poolLabels: Set<String> = [
        OpenSandbox.Label.poolName, OpenSandbox.Label.poolRevision,
        OpenSandbox.Label.batchSandboxName, OpenSandbox.Label.podIndex,
        OpenSandbox.Label.evict,
    ]

    /// How far a restart of the pod is, which its pool keeps there.
    private static let poolAnnotations: Set<String> = [
        OpenSandbox.Annotation.restartRecord, OpenSandbox.Annotation.restartBaseline,
    ]

    /// What API servers work out from other fields, and refuse where it has become something else; and what no pod is created with.
    private static let fieldsOfTheCluster = ["priority", "preemptionPolicy", "overhead", "ephemeralContainers"]

    private static let tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// Takes the volumes away in which the cluster has put the token of the pod's account, and their mounts.
    private mutating func dropTokens() {
        let mounts = (spec.initContainers + spec.containers).flatMap(\.volumeMounts)
        let mounted = Set(mounts.filter { $0.mountPath == Self.tokenPath }.map(\.name))
        let account = spec.serviceAccountName ?? "default"
        let dropped = mounted.filter { $0.hasPrefix("kube-api-access-") || $0.hasPrefix("\(account)-token-") }
        spec.volumes.removeAll { dropped.contains($0.name) }
        for index in spec.containers.indices {
            spec.containers[index].volumeMounts.removeAll { dropped.contains($0.name) }
        }
        for index in spec.initContainers.indices {
            spec.initContainers[index].volumeMounts.removeAll { dropped.contains($0.name) }
        }
    }
}
