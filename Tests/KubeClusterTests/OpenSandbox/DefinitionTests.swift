// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// A real API server takes what is deployed, and what upstream's clients write.
struct DefinitionTests {
    @Test func definitionsAreStructural() async throws {
        try await Cluster.runWithOpenSandbox { client, _ in
            for plural in DeployedDefinition.openSandbox {
                let found = try await client.resource(CustomResourceDefinition.self).get(
                    DeployedDefinition(plural).definition.metadata.name
                )
                let conditions = found.status?.conditions ?? []
                #expect(conditions.isTrue("Established") && conditions.isTrue("NamesAccepted"))
                #expect(
                    conditions["NonStructuralSchema"] == nil
                        && conditions["KubernetesAPIApprovalPolicyConformant"] == nil
                )
            }
        }
    }

    /// What upstream's documents show and its server writes.
    private static let examples: [(ResourceType, String)] = [
        // The server's, with a time to live.
        (
            BatchSandbox.resourceType,
            """
            {"metadata":{"name":"0b7e9c1a","labels":{"opensandbox.io/id":"0b7e9c1a","project":"x"},
            "annotations":{"opensandbox.io/access-renew-extend-seconds":"600"}},"spec":{"replicas":1,
            "expireTime":"2036-11-21T00:40:42.936841+00:00","template":{"metadata":{"labels":{"opensandbox.io/id":"0b7e9c1a"}},
            "spec":{"restartPolicy":"Never","initContainers":[{"name":"execd-installer","image":"e","command":["/bin/sh","-c","x"],
            "volumeMounts":[{"name":"opensandbox-bin","mountPath":"/opt/opensandbox"}]}],"containers":[{"name":"sandbox",
            "image":"python:3.11","command":["/opt/opensandbox/bootstrap.sh","tail","-f","/dev/null"],"resources":{"limits":
            {"cpu":"1","memory":"2Gi"},"requests":{"cpu":"1","memory":"2Gi"}},"env":[{"name":"EXECD","value":"/x"}]}],
            "volumes":[{"name":"opensandbox-bin","emptyDir":{}}],"tolerations":[{"operator":"Exists"}],"fieldOfNextYear":{"a":[null]}}}}}
            """
        ),
        // Two without a pool, with differences.
        (
            BatchSandbox.resourceType,
            """
            {"metadata":{"name":"basic"},"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"sandbox","image":"nginx"}]}},
            "shardPatches":[{"spec":{"containers":[{"name":"sandbox","image":"busybox"}]}},{"metadata":{"labels":{"a":"b"}}}]}}
            """
        ),
        // The server's of a pool: Go writes null for a template that is not there, which the API server leaves out.
        (
            BatchSandbox.resourceType,
            """
            {"metadata":{"name":"pooled"},"spec":{"replicas":1,"poolRef":"*","template":null,"taskTemplate":{"spec":{"process":
            {"command":["/bin/sh","-c","/opt/opensandbox/bootstrap.sh python app.py &"],"env":[{"name":"A","value":"1"}]}}}}}
            """
        ),
        // Tasks that differ.
        (
            BatchSandbox.resourceType,
            """
            {"metadata":{"name":"tasks"},"spec":{"replicas":2,"poolRef":"pool","taskTemplate":{"spec":{"process":{"command":["echo"],
            "args":["0"]},"timeoutSeconds":60}},"shardTaskPatches":[{"spec":{"process":{"args":["1"]}}},{"spec":{"process":{"args":
            ["2"]}}}],"taskResourcePolicyWhenCompleted":"Release"}}
            """
        ),
        (
            Pool.resourceType,
            """
            {"metadata":{"name":"pool"},"spec":{"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c",
            "image":"nginx:alpine"}]}},"capacitySpec":{"bufferMin":2,"bufferMax":10,"poolMin":2,"poolMax":20},"scaleStrategy":
            {"maxUnavailable":"20%"},"updateStrategy":{"maxUnavailable":5},"recycleStrategy":{"type":"Noop"}}}
            """
        ),
        (
            SandboxSnapshot.resourceType,
            """
            {"metadata":{"name":"osb-snap-0123456789abcdef0123456789abcdef","labels":{"opensandbox.io/snapshot-id":"i",
            "opensandbox.io/source-sandbox-id":"s","opensandbox.io/snapshot-scope":"public"}},"spec":{"sandboxName":"basic"}}
            """
        ),
    ]

    @Test func examplesAreTakenAsTheyAre() async throws {
        try await Cluster.runWithOpenSandbox { client, namespace in
            for (type, json) in Self.examples {
                var sent = try DynamicObject(json: json)
                sent.apiVersion = type.apiVersion
                sent.kind = type.kind
                let resource = client.resource(type, in: .named(namespace))
                _ = try await resource.create(sent)
                let found = try await resource.get(sent.metadata.name)
                var spec = try #require(sent["spec"])
                if spec["template"] == .null { spec["template"] = nil }
                if type == BatchSandbox.resourceType, spec["taskResourcePolicyWhenCompleted"] == nil {
                    spec["taskResourcePolicyWhenCompleted"] = "Retain"
                }
                #expect(found["spec"] == spec)
                #expect(found.metadata.labels == sent.metadata.labels)
                #expect(found.metadata.annotations == sent.metadata.annotations)
            }
            // The types read all of them, and write nothing else.
            let sandboxes = client.resource(BatchSandbox.self, in: .named(namespace))
            for sandbox in try await sandboxes.list().items {
                let dynamic = try await client.resource(BatchSandbox.resourceType, in: .named(namespace)).get(
                    sandbox.metadata.name
                )
                #expect(try JSONValue(encoding: sandbox.spec) == dynamic["spec"])
                let labelled = try await sandboxes.update(sandbox.metadata.name) { $0.metadata.labels["seen"] = "yes" }
                #expect(labelled.metadata.labels["seen"] == "yes" && labelled.metadata.generation == 1)
            }
        }
    }

    /// Kind, field of the spec, and a value that must not be there.
    private static let invalidSpecs: [(plural: String, field: String, value: JSONValue)] = [
        ("batchsandboxes", "replicas", .number(JSONNumber(-1))), ("batchsandboxes", "replicas", "1"),
        ("batchsandboxes", "pause", "true"), ("batchsandboxes", "expireTime", "tomorrow"),
        ("batchsandboxes", "shardPatches", [:]),
        ("pools", "capacitySpec", ["bufferMin": 1, "bufferMax": 1, "poolMin": 1]),
        (
            "pools", "capacitySpec",
            ["bufferMin": .number(JSONNumber(-1)), "bufferMax": 1, "poolMin": 1, "poolMax": 1]
        ),
        ("pools", "recycleStrategy", ["type": "Burn"]), ("pools", "scaleStrategy", ["maxUnavailable": true]),
        ("sandboxsnapshots", "sandboxName", 7), ("sandboxsnapshots", "source", ["kind": "Pod"]),
        ("sandboxsnapshots", "containers", ["a", "a"]),
    ]

    @Test func invalidSpecsAreRefused() async throws {
        try await Cluster.runWithOpenSandbox { client, namespace in
            let valid: [String: (ResourceType, JSONValue)] = [
                "batchsandboxes": (BatchSandbox.resourceType, ["replicas": 1]),
                "pools": (
                    Pool.resourceType,
                    ["capacitySpec": ["bufferMin": 1, "bufferMax": 1, "poolMin": 1, "poolMax": 1]]
                ),
                "sandboxsnapshots": (SandboxSnapshot.resourceType, ["sandboxName": "s"]),
            ]
            for (plural, field, value) in Self.invalidSpecs {
                let (type, spec) = try #require(valid[plural])
                let resource = client.resource(type, in: .named(namespace))
                var object = DynamicObject(type, name: "valid")
                object["spec"] = spec
                _ = try await resource.create(object, WriteOptions(isDryRun: true))
                var changed = spec
                changed[field] = value
                object["spec"] = changed
                await #expect("\(field): \(value)") {
                    try await resource.create(object, WriteOptions(isDryRun: true))
                } throws: {
                    ($0 as? KubeError)?.statusCode == 422 && "\($0)".contains("spec.\(field)")
                }
            }
        }
    }

    @Test func invalidStatesAreRefused() async throws {
        try await Cluster.runWithOpenSandbox { client, namespace in
            let sandboxes = client.resource(BatchSandbox.self, in: .named(namespace))
            _ = try await sandboxes.create(.with { $0.metadata.name = "one" })
            let counts = MergePatch(["status": try JSONValue(encoding: BatchSandboxStatus())])
            _ = try await sandboxes.patch("one", .merge(counts), subresource: .status)
            let invalid: [(field: String, value: JSONValue)] = [
                ("phase", "Hibernating"), ("ready", "1"), ("replicas", .null),
                ("conditions", [["type": "Odd", "status": "True"]]),
                ("conditions", [["type": "Ready", "status": "Maybe"]]), ("conditions", [["type": "Ready"]]),
                ("progress", ["bytesRead": 1]), ("artifact", ["imageUri": "i", "imageDigest": "d", "size": "1"]),
            ]
            for (field, value) in invalid {
                let wrong = MergePatch(["status": .object([field: value])])
                await #expect("\(field): \(value)") {
                    try await sandboxes.patch("one", .merge(wrong), subresource: .status)
                } throws: {
                    ($0 as? KubeError)?.statusCode == 422 && "\($0)".contains("status.\(field)")
                }
            }
        }
    }

    @Test func tablesReadWell() async throws {
        try await Cluster.runWithOpenSandbox { client, namespace in
            let sandboxes = client.resource(BatchSandbox.self, in: .named(namespace))
            _ = try await sandboxes.create(
                .with {
                    $0.metadata.name = "web"
                    $0.spec.template = RawJSON(
                        JSONValue.object([
                            "spec": ["containers": [["name": "c", "image": "python:3.11"], ["name": "d"]]]
                        ])
                    )
                    $0.spec.expireTime = SpelledTime("2036-11-21T00:00:00Z")
                }
            )
            let progress = CaptureProgress.with {
                $0.stage = "copying"
                $0.bytesRead = 1 << 20
                $0.bytesTotal = 4 << 20
            }.summarized()
            let status = BatchSandboxStatus.with {
                $0.phase = .pausing
                $0.replicas = 1
                $0.progress = progress
            }
            _ = try await sandboxes.patch(
                "web",
                .merge(MergePatch(["status": try JSONValue(encoding: status)])),
                subresource: .status
            )
            let snapshots = client.resource(SandboxSnapshot.self, in: .named(namespace))
            _ = try await snapshots.create(
                .with {
                    $0.metadata.name = "web-pause"
                    $0.spec.sandboxName = "web"
                }
            )
            let captured = SandboxSnapshotStatus.with {
                $0.phase = .committing
                $0.progress = progress
                $0.frozenMilliseconds = 87
                $0.containers = [
                    .with {
                        $0.containerName = "c"
                        $0.imageUri = "r.example/web-c:snap-gen2"
                    }
                ]
            }
            _ = try await snapshots.patch(
                "web-pause",
                .merge(MergePatch(["status": try JSONValue(encoding: captured)])),
                subresource: .status
            )
            _ = try await client.resource(Pool.self, in: .named(namespace)).create(.with { $0.metadata.name = "warm" })

            let table = try await KubernetesTestbed.find().kubectl(
                "--namespace",
                namespace,
                "get",
                "bsbx,sbxsnap,pools"
            )
            let lines = table.split(separator: "\n").map { $0.split(separator: /\s{2,}/).map(String.init) }
            #expect(lines.count == 6)
            #expect(
                lines.first == [
                    "NAME", "PHASE", "DESIRED", "TOTAL", "ALLOCATED", "READY", "PROGRESS", "IMAGE", "EXPIRE", "AGE",
                ]
            )
            #expect(
                lines[1].dropLast() == [
                    "batchsandbox.sandbox.opensandbox.io/web", "Pausing", "1", "1", "0", "0", "copying 25% of 4 MiB",
                    "python:3.11", "2036-11-21T00:00:00Z",
                ]
            )
            #expect(lines[2] == ["NAME", "PHASE", "SANDBOX", "PROGRESS", "IMAGE", "AGE"])
            #expect(
                lines[3].dropLast() == [
                    "sandboxsnapshot.sandbox.opensandbox.io/web-pause", "Committing", "web", "copying 25% of 4 MiB",
                    "r.example/web-c:snap-gen2",
                ]
            )
            #expect(lines[4] == ["NAME", "TOTAL", "ALLOCATED", "AVAILABLE", "UPDATED", "AGE"])
        }
    }
}
