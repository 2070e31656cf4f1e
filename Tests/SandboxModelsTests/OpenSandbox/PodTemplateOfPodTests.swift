// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// What a pool's pod on a node was made from.
struct PodTemplateOfPodTests {
    @Test func aPodIsNoPoolsAnyMoreAndOnNoNode() throws {
        let pod = try Pod(
            json: """
                {"metadata":{"name":"p-x7","generateName":"p-","namespace":"ns","uid":"u","labels":{"app":"x",
                "sandbox.opensandbox.io/pool-name":"p","sandbox.opensandbox.io/pool-revision":"1f",
                "batch-sandbox.sandbox.opensandbox.io/name":"b","batch-sandbox.sandbox.opensandbox.io/pod-index":"0",
                "pool.opensandbox.io/evict":""},"annotations":{"n":"v","sandbox.opensandbox.io/restart-record":"{}"},
                "ownerReferences":[{"apiVersion":"sandbox.opensandbox.io/v1alpha1","kind":"Pool","name":"p","uid":"q",
                "controller":true}]},"spec":{"nodeName":"n1","serviceAccountName":"sa","priority":0,
                "preemptionPolicy":"PreemptLowerPriority","affinity":{"a":1},"tolerations":[{"key":"k"}],
                "initContainers":[{"name":"i","image":"i","volumeMounts":[
                {"name":"kube-api-access-abcde","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","readOnly":true}]}],
                "containers":[{"name":"c","image":"i","future":[1],"volumeMounts":[{"name":"own","mountPath":"/own"},
                {"name":"kube-api-access-abcde","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","readOnly":true}]}],
                "volumes":[{"name":"own","emptyDir":{}},{"name":"kube-api-access-abcde","projected":{"sources":[]}}]},
                "status":{"phase":"Running"}}
                """
        )
        let expected: JSONValue = [
            "metadata": ["labels": ["app": "x"], "annotations": ["n": "v"]],
            "spec": [
                "serviceAccountName": "sa", "affinity": ["a": 1], "tolerations": [["key": "k"]],
                "initContainers": [["name": "i", "image": "i"]],
                "containers": [
                    [
                        "name": "c", "image": "i", "future": [1],
                        "volumeMounts": [["name": "own", "mountPath": "/own"]],
                    ]
                ],
                "volumes": [["name": "own", "emptyDir": [:]]],
            ],
        ]
        #expect(try JSONValue(encoding: PodTemplateSpec(of: pod)) == expected)
    }

    @Test(
        "the token that the cluster has mounted is dropped, and what somebody else has is kept",
        arguments: [
            ("default-token-x2x4z", nil, true), ("sa-token-x2x4z", "sa", true), ("default-token-x2x4z", "sa", false),
            ("my-token", nil, false),
        ]
    )
    func tokens(name: String, account: String?, isDropped: Bool) {
        let pod = Pod.with {
            $0.spec.serviceAccountName = account
            $0.spec.volumes = [.with { $0.name = name }]
            $0.spec.containers = [
                .with {
                    $0.volumeMounts = [
                        .with {
                            $0.name = name
                            $0.mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
                        }
                    ]
                }
            ]
        }
        let template = PodTemplateSpec(of: pod)
        #expect(template.spec.volumes.isEmpty == isDropped)
        #expect(template.spec.containers[0].volumeMounts.isEmpty == isDropped)
    }
}
