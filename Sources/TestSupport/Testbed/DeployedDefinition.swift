// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
public import KubeModels
import Yams

/// A CustomResourceDefinition of `deploy/crds` or `deploy/kruise/crds`.
public struct DeployedDefinition: Sendable {
    /// The plural of the kind that it defines.
    public let plural: String
    /// The definition.
    public var definition: CustomResourceDefinition

    /// All of the OpenSandbox dialect.
    public static let openSandbox = ["batchsandboxes", "pools", "sandboxsnapshots"]

    /// All of the Kruise dialect.
    public static let kruise = ["checkpoints", "sandboxclaims", "sandboxes", "sandboxsets", "sandboxtemplates"]

    /// Reads `<plural>.yaml` in the folder of its dialect.
    public init(_ plural: String) throws {
        let path = Self.kruise.contains(plural) ? "deploy/kruise/crds" : "deploy/crds"
        let folder = URL(fileURLWithPath: #filePath).appending(path: "../../../../\(path)").standardized
        let text = try String(contentsOf: folder.appending(path: "\(plural).yaml"), encoding: .utf8)
        guard let root = try Yams.compose(yaml: text) else { throw JSONError("is empty") }
        self.plural = plural
        definition = try JSONValue(root).decoded()
    }

    /// The schema of the only version: `openAPIV3Schema`.
    public var schema: JSONValue {
        get throws {
            guard let schema: JSONValue = try definition.spec.versions.first?.schema?.decoded(),
                let root = schema["openAPIV3Schema"]
            else { throw JSONError("has no schema") }
            return root
        }
    }

    /// Changes the schema.
    public mutating func changeSchema(_ change: (inout JSONValue) throws -> Void) throws {
        var schema = try schema
        try change(&schema)
        definition.spec.versions[0].schema = RawJSON(JSONValue.object(["openAPIV3Schema": schema]))
    }

    /// The same kinds in another group, which another test has to itself. Short names are left out: they are for one group.
    public func moved(to group: String) -> DeployedDefinition {
        var copy = self
        copy.definition.metadata.name = "\(plural).\(group)"
        copy.definition.spec.group = group
        copy.definition.spec.names.shortNames = []
        return copy
    }

    /// The same without the fields that upstream's schema of v0.2.0 does not have.
    public func baseline() throws -> DeployedDefinition {
        var copy = self
        try copy.changeSchema { schema in
            for path in Self.additions[plural] ?? [] {
                try Self.remove(path.split(separator: ".").map(String.init), from: &schema)
            }
            if plural == "batchsandboxes" {
                try Self.change(["status", "conditions", "[]", "type"], in: &schema) { type in
                    type["enum"] = ["Ready", "Progressing", "Paused", "PauseFailed", "ResumeFailed", "PodFailed"]
                }
            }
        }
        return copy
    }

    /// What upstream's schema of v0.2.0 does not have. `[]` stands for the elements of a list.
    private static let additions: [String: [String]] = [
        "batchsandboxes": [
            "status.taskLastErrorMessage", "status.failedPodUIDs", "status.progress", "status.artifact",
            "status.conditions.[].observedGeneration",
        ],
        "pools": [],
        "sandboxsnapshots": [
            "spec.source", "spec.containers", "spec.provider", "status.containers.[].size",
            "status.containers.[].layers",
            "status.containers.[].baseDigest", "status.conditions.[].observedGeneration", "status.sourcePodUID",
            "status.progress", "status.startTime", "status.completionTime", "status.frozenMilliseconds",
            "status.bytesRead",
            "status.bytesWritten", "status.provider", "status.platform", "status.format", "status.virtualMachine",
        ],
    ]

    private static func remove(_ path: [String], from schema: inout JSONValue) throws {
        guard let name = path.last else { return }
        try change(path.dropLast(), in: &schema) { parent in
            guard parent["properties"]?[name] != nil else { throw JSONError("is not there", path: path) }
            var members = parent["properties"] ?? [:]
            members[name] = nil
            parent["properties"] = members
        }
    }

    private static func change(
        _ path: [String],
        in schema: inout JSONValue,
        _ body: (inout JSONValue) throws -> Void
    ) throws {
        guard let name = path.first else { return try body(&schema) }
        let isElement = name == "[]"
        guard var child = isElement ? schema["items"] : schema["properties"]?[name] else {
            throw JSONError("is not there", path: path)
        }
        try change(Array(path.dropFirst()), in: &child, body)
        if isElement {
            schema["items"] = child
        } else {
            var members = schema["properties"] ?? [:]
            members[name] = child
            schema["properties"] = members
        }
    }
}

extension JSONValue {
    /// What a YAML document says. What is quoted is a string, whatever it looks like.
    fileprivate init(_ node: Yams.Node) throws {
        switch node {
        case .mapping(let mapping):
            self = [:]
            for (key, value) in mapping {
                guard let name = key.string else { throw JSONError("has a key that is no string") }
                self[name] = try JSONValue(value)
            }
        case .sequence(let sequence): self = .array(try sequence.map { try JSONValue($0) })
        case .scalar(let scalar):
            switch Resolver.default.resolveTag(of: node) {
            case .bool: self = .bool(Bool.construct(from: scalar) ?? false)
            case .int: self = .number(JSONNumber(Int.construct(from: scalar) ?? 0))
            case .null: self = .null
            default: self = .string(scalar.string)
            }
        case .alias: throw JSONError("has an alias")
        }
    }
}
