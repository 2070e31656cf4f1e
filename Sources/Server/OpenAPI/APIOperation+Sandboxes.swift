// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension APIOperation {
    static let page = [
        Parameter(name: "page", schema: .integer(1...Int.max), text: "Which page, counted from 1."),
        Parameter(name: "pageSize", schema: .integer(1...200), text: "Items a page; 20 if nothing is said."),
    ]

    /// Creating, reading, listing, labelling and deleting sandboxes, and where they are reached.
    static let sandboxes = [
        APIOperation(
            method: .post,
            path: "/sandboxes",
            id: "createSandbox",
            summary: "Creates a sandbox, and answers when it runs.",
            request: (.reference("CreateSandboxRequest"), true),
            success: (202, .json(.reference("Sandbox"))),
            refusals: [403, 404, 409, 501, 504]
        ),
        APIOperation(
            method: .get,
            path: "/sandboxes",
            id: "listSandboxes",
            summary: "Lists sandboxes, the newest first.",
            query: page + [
                Parameter(
                    name: "state",
                    schema: .list(of: .string),
                    text: "States, any of which will do, in upper or lower case."
                ),
                Parameter(
                    name: "metadata",
                    schema: .string,
                    text: "Pairs key=value, percent-encoded and joined with &, all of which must be there."
                ),
            ],
            success: (200, .json(.reference("SandboxList"))),
            refusals: [400]
        ),
        APIOperation(
            method: .get,
            path: "/sandboxes/{id}",
            id: "getSandbox",
            summary: "A sandbox as it is now.",
            success: (200, .json(.reference("Sandbox"))),
            refusals: [403, 404]
        ),
        APIOperation(
            method: .delete,
            path: "/sandboxes/{id}",
            id: "deleteSandbox",
            summary: "Begins to delete a sandbox.",
            success: (204, .none),
            refusals: [403, 404, 409]
        ),
        APIOperation(
            method: .patch,
            path: "/sandboxes/{id}/metadata",
            id: "patchSandboxMetadata",
            summary: "Sets metadata, and removes what is null (RFC 7396).",
            request: (.map(of: .nullable(.string)), true),
            success: (200, .json(.reference("Sandbox"))),
            refusals: [403, 404, 409]
        ),
        APIOperation(
            method: .get,
            path: "/sandboxes/{id}/endpoints/{port}",
            id: "getEndpoint",
            summary: "Where a port of a sandbox is reached.",
            query: [
                Parameter(name: "use_server_proxy", schema: .boolean, text: "Whether through this server."),
                Parameter(name: "expires", schema: .integer(0...Int.max), text: "Until when, in seconds since 1970."),
            ],
            success: (200, .json(.reference("Endpoint"))),
            refusals: [400, 403, 404]
        ),
    ]

    /// Pausing, resuming, living longer.
    static let lifecycle = [
        APIOperation(
            method: .post,
            path: "/sandboxes/{id}/pause",
            id: "pauseSandbox",
            summary: "Begins to pause a sandbox; its status tells how it goes on.",
            success: (202, .none),
            refusals: [400, 403, 404, 409]
        ),
        APIOperation(
            method: .post,
            path: "/sandboxes/{id}/resume",
            id: "resumeSandbox",
            summary: "Begins to resume a sandbox; its status tells how it goes on.",
            success: (202, .none),
            refusals: [400, 403, 404, 409]
        ),
        APIOperation(
            method: .post,
            path: "/sandboxes/{id}/renew-expiration",
            id: "renewSandboxExpiration",
            summary: "Makes a sandbox expire at another time.",
            request: (.object([.required("expiresAt", .moment)]), true),
            success: (200, .json(.reference("Expiration"))),
            refusals: [403, 404, 409]
        ),
    ]

    /// Taking, reading, listing and deleting snapshots.
    static let snapshots = [
        APIOperation(
            method: .post,
            path: "/sandboxes/{id}/snapshots",
            id: "createSnapshot",
            summary: "Begins to take a snapshot of a running sandbox.",
            request: (.object([.optional("name", .nullable(.text(atLeast: 1)))]), false),
            success: (202, .json(.reference("Snapshot"))),
            headers: ["Location": "Where the snapshot is."],
            refusals: [403, 404, 409, 501]
        ),
        APIOperation(
            method: .get,
            path: "/snapshots",
            id: "listSnapshots",
            summary: "Lists snapshots, the newest first.",
            query: page + [
                Parameter(name: "sandboxId", schema: .string, text: "The sandbox that they were taken of."),
                Parameter(name: "name", schema: .string, text: "Their exact name."),
                Parameter(
                    name: "state",
                    schema: .list(of: .string),
                    text: "States, any of which will do, in upper or lower case."
                ),
            ],
            success: (200, .json(.reference("SnapshotList"))),
            refusals: [400]
        ),
        APIOperation(
            method: .get,
            path: "/snapshots/{id}",
            id: "getSnapshot",
            summary: "A snapshot as it is now.",
            success: (200, .json(.reference("Snapshot"))),
            refusals: [403, 404]
        ),
        APIOperation(
            method: .delete,
            path: "/snapshots/{id}",
            id: "deleteSnapshot",
            summary: "Deletes a snapshot.",
            success: (204, .none),
            refusals: [403, 404, 409]
        ),
    ]
}
