// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The definitions that are deployed are those of the types, and upstream's.
struct SchemaTests {
    private static let shapes: [String: (type: ResourceType, shape: JSONShape, unchecked: Set<String>)] = [
        "batchsandboxes": (
            BatchSandbox.resourceType, BatchSandbox.jsonShape,
            ["spec.template", "spec.shardPatches[]", "spec.taskTemplate", "spec.shardTaskPatches[]"]
        ),
        "pools": (Pool.resourceType, Pool.jsonShape, ["spec.template"]),
        "sandboxsnapshots": (
            SandboxSnapshot.resourceType, SandboxSnapshot.jsonShape, ["status.virtualMachine"]
        ),
    ]

    @Test(arguments: DeployedDefinition.openSandbox) func isWhatTheTypeReadsAndWrites(_ plural: String) throws {
        let deployed = try DeployedDefinition(plural)
        let expected = try #require(Self.shapes[plural])
        let comparison = SchemaComparison(expected.shape, try deployed.schema)
        #expect(comparison.differences == [])
        #expect(comparison.unchecked == expected.unchecked)
        let spec = deployed.definition.spec
        #expect(deployed.definition.metadata.name == expected.type.qualifiedPlural)
        #expect(spec.group == expected.type.group && spec.scope == "Namespaced")
        #expect(spec.names.plural == expected.type.plural && spec.names.kind == expected.type.kind)
        #expect(spec.names.listKind == expected.type.kind + "List")
        #expect(spec.versions.map(\.name) == [expected.type.version])
        #expect(spec.versions[0].served && spec.versions[0].storage)
        #expect(spec.versions[0].subresources?.text == #"{"status":{}}"#)
    }

    @Test func wordsOfConditionsAreThoseOfTheSchema() throws {
        func types(_ plural: String) throws -> [String?]? {
            let schema = try DeployedDefinition(plural).schema
            let conditions = schema["properties"]?["status"]?["properties"]?["conditions"]
            #expect(conditions?["x-kubernetes-list-type"] == "map")
            #expect(conditions?["x-kubernetes-list-map-keys"] == ["type"])
            return conditions?["items"]?["properties"]?["type"]?["enum"]?.array?.map(\.string)
        }
        #expect(try types("batchsandboxes") == BatchSandboxCondition.allCases.map(\.rawValue))
        #expect(try types("sandboxsnapshots") == SandboxSnapshotCondition.allCases.map(\.rawValue))
        let baseline = try DeployedDefinition("batchsandboxes").baseline().schema
        let words = baseline["properties"]?["status"]?["properties"]?["conditions"]?["items"]?["properties"]?["type"]
        #expect(
            words?["enum"]?.array?.map(\.string)
                == BatchSandboxCondition.allCases.filter(\.isBaseline).map(\.rawValue)
        )
    }

    /// Every field of upstream's v0.2.0.
    private static let upstream: [String: Set<String>] = [
        "batchsandboxes": [
            "spec.replicas", "spec.poolRef", "spec.template", "spec.shardPatches", "spec.expireTime",
            "spec.taskTemplate",
            "spec.shardTaskPatches", "spec.taskResourcePolicyWhenCompleted", "spec.pause", "status.replicas",
            "status.allocated", "status.ready", "status.taskFailed", "status.taskPending", "status.taskRunning",
            "status.taskSucceed", "status.taskUnknown", "status.observedGeneration", "status.phase",
            "status.pauseObservedGeneration", "status.conditions", "status.conditions[].type",
            "status.conditions[].status",
            "status.conditions[].reason", "status.conditions[].message", "status.conditions[].lastTransitionTime",
        ],
        "pools": [
            "spec.template", "spec.capacitySpec", "spec.capacitySpec.bufferMax", "spec.capacitySpec.bufferMin",
            "spec.capacitySpec.poolMax", "spec.capacitySpec.poolMin", "spec.scaleStrategy",
            "spec.scaleStrategy.maxUnavailable", "spec.updateStrategy", "spec.updateStrategy.maxUnavailable",
            "spec.recycleStrategy", "spec.recycleStrategy.type", "status.observedGeneration", "status.revision",
            "status.total", "status.allocated", "status.available", "status.updated",
        ],
        "sandboxsnapshots": [
            "spec.sandboxName", "status.phase", "status.containers", "status.containers[].containerName",
            "status.containers[].imageUri", "status.containers[].imageDigest", "status.conditions",
            "status.conditions[].type", "status.conditions[].status", "status.conditions[].reason",
            "status.conditions[].message", "status.conditions[].lastTransitionTime", "status.sourcePodName",
            "status.sourceNodeName", "status.observedGeneration",
        ],
    ]

    private static let required: [String: [String: [JSONValue]]] = [
        "batchsandboxes": [
            "spec": ["replicas"],
            "status": [
                "replicas", "allocated", "ready", "taskFailed", "taskPending", "taskRunning", "taskSucceed",
                "taskUnknown",
            ],
        ],
        "pools": ["spec": ["capacitySpec"], "status": ["revision", "total", "allocated", "available"]],
        "sandboxsnapshots": ["spec": ["sandboxName"]],
    ]

    @Test(arguments: DeployedDefinition.openSandbox) func hasWhatUpstreamHasAndRequiresNoMore(_ plural: String) throws {
        let deployed = try DeployedDefinition(plural)
        let own: Set<String> = ["apiVersion", "kind", "metadata", "spec", "status"]
        #expect(try deployed.baseline().schema.fields().subtracting(own) == Self.upstream[plural])
        let schema = try deployed.schema
        #expect(schema["required"] == nil)
        for part in ["spec", "status"] {
            #expect(schema["properties"]?[part]?["required"]?.array == Self.required[plural]?[part])
        }
    }

    @Test func hasUpstreamsDefaultsAndLimits() throws {
        func spec(_ plural: String, _ path: String...) throws -> JSONValue? {
            let spec = try DeployedDefinition(plural).schema["properties"]?["spec"]
            return path.reduce(spec) { $0?["properties"]?[$1] }
        }
        #expect(try spec("batchsandboxes", "replicas")?["default"] == 1)
        #expect(try spec("batchsandboxes", "replicas")?["minimum"] == 0)
        #expect(try spec("batchsandboxes", "taskResourcePolicyWhenCompleted")?["default"] == "Retain")
        #expect(try spec("batchsandboxes", "taskResourcePolicyWhenCompleted")?["enum"] == nil)
        #expect(try spec("batchsandboxes", "pause")?["default"] == nil)
        #expect(try spec("pools", "recycleStrategy", "type")?["default"] == "Delete")
        for field in ["bufferMax", "bufferMin", "poolMax", "poolMin"] {
            #expect(try spec("pools", "capacitySpec", field)?["minimum"] == 0)
        }
    }

    /// Names and paths of upstream's columns, in their order. Ours stand between them.
    @Test func hasUpstreamsColumnsAndShortNames() throws {
        let expected: [String: (short: [String], columns: [[String]])] = [
            "batchsandboxes": (
                ["bsbx"],
                [
                    ["DESIRED", ".spec.replicas", "0"], ["TOTAL", ".status.replicas", "0"],
                    ["ALLOCATED", ".status.allocated", "0"], ["Ready", ".status.ready", "0"],
                    ["TASK_RUNNING", ".status.taskRunning", "1"], ["TASK_SUCCEED", ".status.taskSucceed", "1"],
                    ["TASK_FAILED", ".status.taskFailed", "1"], ["TASK_UNKNOWN", ".status.taskUnknown", "1"],
                    ["EXPIRE", ".spec.expireTime", "0"], ["AGE", ".metadata.creationTimestamp", "0"],
                ]
            ),
            "pools": (
                [],
                [
                    ["TOTAL", ".status.total", "0"], ["ALLOCATED", ".status.allocated", "0"],
                    ["AVAILABLE", ".status.available", "0"], ["UPDATED", ".status.updated", "0"],
                    ["AGE", ".metadata.creationTimestamp", "0"],
                ]
            ),
            "sandboxsnapshots": (
                ["sbxsnap"],
                [
                    ["PHASE", ".status.phase", "0"], ["SANDBOX", ".spec.sandboxName", "0"],
                    ["AGE", ".metadata.creationTimestamp", "0"],
                ]
            ),
        ]
        for (plural, expected) in expected {
            let deployed = try DeployedDefinition(plural)
            #expect(deployed.definition.spec.names.shortNames == expected.short)
            let text = try #require(deployed.definition.spec.versions[0].unknownFields["additionalPrinterColumns"])
            let columns: [JSONValue] = try text.decoded()
            let found = columns.map { column in
                [column["name"]?.string, column["jsonPath"]?.string, String(column["priority"]?.integer ?? 0)]
                    .compactMap(\.self)
            }
            #expect(found.filter(expected.columns.contains) == expected.columns)
        }
    }
}
