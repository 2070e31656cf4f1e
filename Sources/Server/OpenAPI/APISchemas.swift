// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The forms that have names.
enum APISchemas {
    static let all: [String: APISchema] = [
        "Error": .object([.required("code", .string), .required("message", .string)]),
        "ValidationError": .object([.required("detail", .list(of: .reference("ValidationIssue"), atLeast: 1))]),
        "ValidationIssue": .object([
            .required("type", .string),
            .required("loc", .list(of: .either([.string, .integer(0...Int.max)]))),
            .required("msg", .string),
            .optional("ctx", .anyObject),
        ]),
        "Pagination": .object([
            .required("page", .count), .required("pageSize", .count), .required("totalItems", .count),
            .required("totalPages", .count), .required("hasNextPage", .boolean),
        ]),
        "Endpoint": .object([.required("endpoint", .string), .optional("headers", .strings)]),
        "Expiration": .object([.required("expiresAt", .moment)]),
        "DiagnosticContent": .object([
            .required("sandboxId", .string), .required("kind", .words(["logs", "events"])), .required("scope", .string),
            .required("delivery", .words(["inline"])), .required("contentType", .string), .required("content", .string),
            .required("contentLength", .count), .required("truncated", .boolean),
            .optional("warnings", .list(of: .string)),
        ]),
        "MetricsEvent": .object([
            .required("eventType", .words(["sandbox.create"])), .optional("sandboxId", .nullable(.string)),
            .optional("image", .nullable(.string)), .required("createDurationMs", .count),
            .required("success", .boolean),
        ]),
    ]
    .merging(sandboxes) { first, _ in first }
    .merging(requests) { first, _ in first }
    .merging(pools) { first, _ in first }
    .merging(moves) { first, _ in first }

    private static func status(_ states: [String]) -> APISchema {
        .object([
            .required("state", .words(states)), .optional("reason", .string), .optional("message", .string),
            .required("lastTransitionAt", .moment), .optional("progress", .reference("Progress")),
        ])
    }

    private static func list(of name: String) -> APISchema {
        .object([
            .required("items", .list(of: .reference(name))), .required("pagination", .reference("Pagination")),
        ])
    }

    private static let sandboxes: [String: APISchema] = [
        "Sandbox": .object([
            .required("id", .string), .required("status", .reference("SandboxStatus")),
            .required("createdAt", .moment), .required("entrypoint", .list(of: .string)),
            .optional("image", .object([.required("uri", .string)])), .optional("snapshotId", .string),
            .optional("platform", .reference("Platform")), .optional("metadata", .strings),
            .optional("extensions", .strings), .optional("expiresAt", .moment),
            .optional("allocation", .anyObject),
            .optional("pausesAt", .described("When it is paused by itself, if that is known.", .moment)),
            .optional("artifact", .described("The image that a resume starts from.", .reference("Artifact"))),
        ]),
        "SandboxStatus": status(SandboxStatus.State.allCases.map(\.rawValue)),
        "SandboxList": list(of: "Sandbox"),
        "Snapshot": .object([
            .required("id", .string), .required("sandboxId", .string), .optional("name", .string),
            .required("status", .reference("SnapshotStatus")), .required("createdAt", .moment),
            .optional("artifact", .reference("Artifact")),
            .optional(
                "parentSnapshotId",
                .described("The snapshot that its sandbox was created from, where that is known.", .string)
            ),
        ]),
        "SnapshotStatus": status(SnapshotStatus.State.allCases.map(\.rawValue)),
        "SnapshotList": list(of: "Snapshot"),
        "Platform": .object([.required("os", .string), .required("arch", .string)]),
        "Progress": .object([
            .required("stage", .string), .required("bytesRead", .count), .required("bytesWritten", .count),
            .optional("bytesTotal", .count),
        ]),
        "Artifact": .object([
            .required("kind", .string), .required("provider", .string), .required("platform", .string),
            .required("parts", .list(of: .reference("ArtifactPart"))), .optional("remark", .string),
            .optional(
                "statistics",
                .object([
                    .required("frozenMilliseconds", .count), .required("bytesRead", .count),
                    .required("bytesWritten", .count),
                ])
            ),
        ]),
        "ArtifactPart": .object([
            .required("container", .string), .required("reference", .string), .required("digest", .string),
            .required("size", .count), .optional("layers", .count), .optional("baseDigest", .string),
        ]),
    ]

    private static let pools: [String: APISchema] = [
        "PoolCapacity": .object(
            ["bufferMax", "bufferMin", "poolMax", "poolMin"].map { .required($0, .integer(0...Int(Int32.max))) }
        ),
        "CreatePoolRequest": .object([
            .required("name", .text(atLeast: 1, pattern: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")),
            .required("template", .anyObject), .required("capacitySpec", .reference("PoolCapacity")),
        ]),
        "Pool": .object([
            .required("name", .string), .required("capacitySpec", .reference("PoolCapacity")),
            .optional(
                "status",
                .object([
                    .required("total", .count), .required("allocated", .count), .required("available", .count),
                    .required("revision", .string),
                ])
            ),
            .required("createdAt", .moment),
        ]),
    ]
}
