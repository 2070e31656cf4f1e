// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SnapshotProvider

extension Pod {
    /// Makes a pod that is to be created start from an artifact.
    ///
    /// - Parameters:
    ///   - patch: What its provider says.
    ///   - pullSecret: A Secret to pull images with, besides those that the provider names.
    /// - Throws: `JSONError` if an init container, a volume or a mount of the provider's is none.
    mutating func restore(_ patch: TemplatePatch, pullSecret: String?) throws(JSONError) {
        for index in spec.containers.indices {
            if let image = patch.images[spec.containers[index].name] { spec.containers[index].image = image }
        }
        for secret in patch.imagePullSecrets + (pullSecret.map { [$0] } ?? [])
        where !spec.imagePullSecrets.contains(where: { $0.name == secret }) {
            spec.imagePullSecrets.append(.with { $0.name = secret })
        }
        metadata.annotations.merge(patch.annotations) { _, new in new }
        var first: [Container] = []
        for text in patch.initContainers { first.append(try Container(json: text)) }
        spec.initContainers = first + spec.initContainers
        try mount(patch)
        prefer(patch.preferredNodes)
    }

    private mutating func mount(_ patch: TemplatePatch) throws(JSONError) {
        for text in patch.volumes {
            let volume = try Volume(json: text)
            spec.volumes.removeAll { $0.name == volume.name }
            spec.volumes.append(volume)
        }
        for index in spec.containers.indices {
            for text in patch.volumeMounts[spec.containers[index].name] ?? [] {
                let mount = try VolumeMount(json: text)
                spec.containers[index].volumeMounts.removeAll { $0.mountPath == mount.mountPath }
                spec.containers[index].volumeMounts.append(mount)
            }
        }
    }

    /// Only where nothing is said about affinity yet: whoever did knows better.
    private mutating func prefer(_ nodes: [String]) {
        guard !nodes.isEmpty, spec.unknownFields["affinity"] == nil else { return }
        let expression: JSONValue = [
            "key": "kubernetes.io/hostname", "operator": "In", "values": .array(nodes.map { .string($0) }),
        ]
        let preference: JSONValue = ["weight": 100, "preference": ["matchExpressions": [expression]]]
        let affinity: JSONValue = [
            "nodeAffinity": ["preferredDuringSchedulingIgnoredDuringExecution": [preference]]
        ]
        spec.unknownFields["affinity"] = RawJSON(affinity)
    }
}

extension PodTemplateSpec {
    /// Makes pods that are made from it start from an artifact, as a pod is made to.
    mutating func restore(_ patch: TemplatePatch, pullSecret: String?) throws(JSONError) {
        var pod = Pod()
        pod.metadata = metadata ?? ObjectMeta()
        pod.spec = spec
        try pod.restore(patch, pullSecret: pullSecret)
        spec = pod.spec
        if metadata != nil || pod.metadata != ObjectMeta() { metadata = pod.metadata }
    }
}
