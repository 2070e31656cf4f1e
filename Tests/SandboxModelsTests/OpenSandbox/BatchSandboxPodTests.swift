// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// Pods are made from the template and the patch for their place.
struct BatchSandboxPodTests {
    private func sandbox(_ spec: String) throws -> BatchSandbox {
        try BatchSandbox(
            json: #"{"metadata":{"name":"web","namespace":"ns","uid":"u-1"},"spec":\#(spec)}"#
        )
    }

    @Test func aPodHasWhatTheTemplateHas() throws {
        let sandbox = try sandbox(
            """
            {"replicas":2,"template":{"metadata":{"labels":{"app":"x"},"annotations":{"n":"v"},"finalizers":["f/g"]},
            "spec":{"containers":[{"name":"c","image":"i","future":[1]}],"affinity":{"nodeAffinity":{}}}}}
            """
        )
        let pod = try sandbox.pod(at: 1)
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": "web-1", "namespace": "ns",
                "labels": [
                    "app": "x", "batch-sandbox.sandbox.opensandbox.io/name": "web",
                    "batch-sandbox.sandbox.opensandbox.io/pod-index": "1",
                ],
                "annotations": ["n": "v"], "finalizers": ["f/g"],
                "ownerReferences": [
                    [
                        "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox", "name": "web",
                        "uid": "u-1",
                        "controller": true, "blockOwnerDeletion": true,
                    ]
                ],
            ],
            "spec": ["containers": [["name": "c", "image": "i", "future": [1]]], "affinity": ["nodeAffinity": [:]]],
        ]
        #expect(try JSONValue(encoding: pod) == expected)
    }

    @Test func patchesAreForThePodAtTheirPlace() throws {
        let sandbox = try sandbox(
            """
            {"replicas":3,"template":{"metadata":{"labels":{"app":"x","old":"y"}},"spec":{"containers":[
            {"name":"c","image":"i","env":[{"name":"A","value":"1"}]},{"name":"d","image":"j"}]}},"shardPatches":[
            {"metadata":{"labels":{"old":null}},"spec":{"containers":[{"name":"c","env":[{"name":"B","value":"2"}]}]}},null]}
            """
        )
        let first = try sandbox.pod(at: 0)
        #expect(first.metadata.labels["old"] == nil && first.metadata.labels["app"] == "x")
        #expect(first.spec.containers.map(\.name) == ["c", "d"])
        #expect(first.spec.containers[0].image == "i")
        #expect(first.spec.containers[0].env.map(\.name) == ["A", "B"])
        for index in 1...2 {
            let pod = try sandbox.pod(at: index)
            #expect(pod.metadata.labels["old"] == "y" && pod.spec.containers[0].env.count == 1)
        }
    }

    /// A patch cannot make a pod that its sandbox would not find, or that another one would take for its own.
    @Test func patchesDoNotTakeAPodsIdentity() throws {
        let sandbox = try sandbox(
            """
            {"template":{"spec":{"containers":[]}},"shardPatches":[{"metadata":{"name":"other","generateName":"g",
            "namespace":"kube-system","ownerReferences":[{"uid":"x","kind":"Node","name":"n","apiVersion":"v1"}],
            "labels":{"batch-sandbox.sandbox.opensandbox.io/name":"other","batch-sandbox.sandbox.opensandbox.io/pod-index":"9"}}}]}
            """
        )
        let pod = try sandbox.pod(at: 0)
        let plain = try self.sandbox(#"{"template":{"spec":{"containers":[]}}}"#).pod(at: 0)
        #expect(pod == plain)
    }

    @Test func whatIsBrokenIsNamed() throws {
        func complaint(_ spec: String, at index: Int = 0) throws -> String {
            let sandbox = try sandbox(spec)
            return try #require(throws: PodTemplateError.self) { try sandbox.pod(at: index) }.description
        }
        #expect(try complaint(#"{"template":null}"#).contains("spec.template is missing"))
        #expect(try complaint(#"{"template":[]}"#).contains("is an array, not an object"))
        #expect(try complaint(#"{"template":{"spec":{"containers":"x"}}}"#).contains("spec.containers"))
        let patched = #"{"template":{"spec":{"containers":[{"name":"c"}]}},"shardPatches":[{},"#
        #expect(try complaint(patched + "1]}", at: 1).contains("spec.shardPatches[1]"))
        #expect(try complaint(patched + #"{"spec":{"containers":[{"image":"x"}]}}]}"#, at: 1).contains("'name'"))
        #expect(
            try complaint(patched + #"{"spec":{"containers":{"image":"x"}}}]}"#, at: 1).contains(
                "an object, not an array"
            )
        )
        #expect(try complaint(patched + #"{"spec":{"$patch":"burn"}}]}"#, at: 1).contains("$patch"))
    }
}
