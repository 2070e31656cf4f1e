// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SnapshotProvider
import Testing

@testable import Controller

@Suite("A pod that starts from an artifact")
struct PodRestoringTests {
    @Test("has the provider's volumes where it says so, in place of the template's, and its init containers first")
    func volumes() throws {
        var pod = Pod()
        pod.spec.volumes = [Volume("a", ofNode: "/a", type: "Directory"), Volume("b", ofNode: "/b", type: "Directory")]
        pod.spec.initContainers = [.with { $0.name = "own" }]
        pod.spec.containers = [
            .with {
                $0.name = "main"
                $0.volumeMounts = [VolumeMount("b", at: "/work"), VolumeMount("b", at: "/other")]
            },
            .with { $0.name = "side" },
        ]
        let patch = TemplatePatch(
            initContainers: [#"{"name":"unpack"}"#],
            volumes: [#"{"name":"a","emptyDir":{}}"#],
            volumeMounts: ["main": [VolumeMount("a", at: "/work", part: "main").jsonText]]
        )
        try pod.restore(patch, pullSecret: nil)
        #expect(pod.spec.initContainers.map(\.name) == ["unpack", "own"])
        #expect(pod.spec.volumes.map(\.name) == ["b", "a"])
        #expect(pod.spec.volumes.last?.emptyDir != nil && pod.spec.volumes.last?.hostPath == nil)
        #expect(pod.spec.containers[0].volumeMounts.map(\.mountPath) == ["/other", "/work"])
        #expect(pod.spec.containers[0].volumeMounts.map(\.name) == ["b", "a"])
        #expect(pod.spec.containers[1].volumeMounts.isEmpty)
        #expect(throws: (any Error).self) { try pod.restore(TemplatePatch(volumes: ["{"]), pullSecret: nil) }
    }
}
