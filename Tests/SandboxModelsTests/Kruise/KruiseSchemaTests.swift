// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The definitions that are deployed are those of the types, and upstream's.
struct KruiseSchemaTests {
    private struct Expected {
        var type: ResourceType
        var shape: JSONShape
        /// What nobody looks into.
        var unchecked: Set<String>
        /// What the API server looks into, and the controller keeps as it is.
        var kept: Set<String> = []
        var subresources: String? = #"{"status":{}}"#
        var short: String
        /// Names and paths of upstream's columns, in their order. Ours stand after them, and are shown only when they are asked for.
        var columns: [[String]]
    }

    private static let age = ["Age", ".metadata.creationTimestamp"]
    private static let hibernation = "spec.pauseStrategy.hibernateStrategy"

    private static let expected: [String: Expected] = [
        "sandboxes": Expected(
            type: KruiseSandbox.resourceType,
            shape: KruiseSandbox.jsonShape,
            unchecked: ["spec.template", "spec.volumeClaimTemplates[]"],
            kept: [hibernation, "spec.lifecycle", "spec.upgradePolicy"],
            short: "sbx",
            columns: [
                ["Status", ".status.phase"], age,
                ["Claimed", #".metadata.labels.agents\.kruise\.io/sandbox-claimed"#],
                ["shutdown_time", ".spec.shutdownTime"], ["pause_time", ".spec.pauseTime"],
                ["RecycledCount", ".status.recycledCount"], ["Message", ".status.message"],
            ]
        ),
        "sandboxtemplates": Expected(
            type: KruiseSandboxTemplate.resourceType,
            shape: KruiseSandboxTemplate.jsonShape,
            unchecked: ["spec.template", "spec.volumeClaimTemplates[]"],
            kept: [hibernation],
            subresources: nil,
            short: "sbt",
            columns: []
        ),
        "sandboxsets": Expected(
            type: KruiseSandboxSet.resourceType,
            shape: KruiseSandboxSet.jsonShape,
            unchecked: ["spec.template", "spec.volumeClaimTemplates[]"],
            kept: [hibernation],
            subresources: """
                {"scale":{"labelSelectorPath":".status.selector","specReplicasPath":".spec.replicas",\
                "statusReplicasPath":".status.replicas"},"status":{}}
                """,
            short: "sbs",
            columns: [
                ["Replicas", ".status.replicas"], ["Available", ".status.availableReplicas"],
                ["UpdatedReplicas", ".status.updatedReplicas"],
                ["UpdatedAvailableReplicas", ".status.updatedAvailableReplicas"],
                ["UpdateRevision", ".status.updateRevision"], age,
            ]
        ),
        "sandboxclaims": Expected(
            type: KruiseSandboxClaim.resourceType,
            shape: KruiseSandboxClaim.jsonShape,
            unchecked: [],
            kept: ["spec.inplaceUpdate", "spec.dynamicVolumesMount[]"],
            short: "sbc",
            columns: [
                ["Phase", ".status.phase"], ["Template", ".spec.templateName"], ["Desired", ".spec.replicas"],
                ["Claimed", ".status.claimedReplicas"], age,
            ]
        ),
        "checkpoints": Expected(
            type: KruiseCheckpoint.resourceType,
            shape: KruiseCheckpoint.jsonShape,
            unchecked: ["status.podTemplateDelta"],
            short: "cp",
            columns: [["Status", ".status.phase"], age]
        ),
    ]

    @Test func areAll() {
        #expect(Set(Self.expected.keys) == Set(DeployedDefinition.kruise))
    }

    @Test(arguments: DeployedDefinition.kruise) func isWhatTheTypeReadsAndWrites(_ plural: String) throws {
        let deployed = try DeployedDefinition(plural)
        let expected = try #require(Self.expected[plural])
        let comparison = SchemaComparison(expected.shape, try deployed.schema)
        let kept = expected.kept.map { "\($0): the schema looks into what the type keeps as it is" }
        #expect(comparison.differences.sorted() == kept.sorted())
        #expect(comparison.unchecked == expected.unchecked)
        let spec = deployed.definition.spec
        #expect(deployed.definition.metadata.name == expected.type.qualifiedPlural)
        #expect(spec.group == expected.type.group && spec.scope == "Namespaced")
        #expect(spec.names.plural == expected.type.plural && spec.names.kind == expected.type.kind)
        #expect(spec.names.listKind == expected.type.kind + "List")
        #expect(spec.versions.map(\.name) == [expected.type.version])
        #expect(spec.versions[0].served && spec.versions[0].storage)
        let subresources: JSONValue? = try spec.versions[0].subresources?.decoded()
        #expect(try subresources == expected.subresources.map { try JSONValue(json: $0) })
    }

    @Test(arguments: DeployedDefinition.kruise) func hasUpstreamsColumnsAndShortNames(_ plural: String) throws {
        let deployed = try DeployedDefinition(plural)
        let expected = try #require(Self.expected[plural])
        #expect(deployed.definition.spec.names.shortNames == [expected.short])
        let columns: [JSONValue] =
            try deployed.definition.spec.versions[0].unknownFields["additionalPrinterColumns"]?.decoded() ?? []
        let shown = columns.filter { ($0["priority"]?.integer ?? 0) == 0 }
        #expect(shown.map { [$0["name"]?.string, $0["jsonPath"]?.string].compactMap(\.self) } == expected.columns)
    }

    /// What upstream requires. Every one of its objects has a spec.
    @Test(arguments: DeployedDefinition.kruise) func requiresWhatUpstreamDoes(_ plural: String) throws {
        let schema = try DeployedDefinition(plural).schema
        let required: [String: [String: [JSONValue]]] = [
            "sandboxsets": ["spec": ["replicas"], "status": ["replicas", "availableReplicas"]],
            "sandboxclaims": ["spec": ["templateName"]],
        ]
        #expect(schema["required"] == ["spec"])
        for part in ["spec", "status"] {
            #expect(schema["properties"]?[part]?["required"]?.array == required[plural]?[part])
        }
    }

    @Test func hasUpstreamsDefaultsAndLimits() throws {
        func spec(_ plural: String, _ path: String...) throws -> JSONValue? {
            let spec = try DeployedDefinition(plural).schema["properties"]?["spec"]
            return path.reduce(spec) { $0?["properties"]?[$1] }
        }
        #expect(try spec("sandboxclaims", "replicas")?["default"] == 1)
        #expect(try spec("sandboxclaims", "replicas")?["minimum"] == 1)
        #expect(try spec("sandboxclaims", "claimTimeout")?["default"] == "1m")
        #expect(try spec("sandboxclaims", "ttlAfterCompleted")?["default"] == "60m")
        #expect(try spec("sandboxclaims", "waitReadyTimeout")?["default"] == "30s")
        #expect(try spec("sandboxclaims", "createOnNoStock")?["default"] == true)
        for hook in ["preUpgrade", "postUpgrade"] {
            #expect(try spec("sandboxes", "lifecycle", hook, "timeoutSeconds")?["default"] == 60)
        }
        for plural in ["sandboxes", "sandboxsets", "sandboxtemplates"] {
            #expect(try spec(plural, "pauseStrategy", "type")?["enum"] == ["Stop", "Hibernate"])
            #expect(try spec(plural, "persistentContents")?["items"]?["enum"] == nil)
        }
        #expect(try spec("checkpoints", "ttlAfterFinished")?["pattern"] == nil)
        #expect(try spec("sandboxclaims", "dynamicVolumesMount")?["x-kubernetes-list-map-keys"] == ["mountPath"])
    }

    /// A condition of a type there is once.
    @Test(arguments: ["sandboxes", "sandboxsets", "sandboxclaims", "checkpoints"])
    func conditionsAreAMapByType(_ plural: String) throws {
        let conditions = try DeployedDefinition(plural).schema["properties"]?["status"]?["properties"]?["conditions"]
        #expect(conditions?["x-kubernetes-list-type"] == "map")
        #expect(conditions?["x-kubernetes-list-map-keys"] == ["type"])
        #expect(conditions?["items"]?["properties"]?["status"]?["enum"] == ["True", "False", "Unknown"])
    }
}
