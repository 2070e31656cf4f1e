// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension APIOperation {
    /// Moving sandboxes to other servers.
    static let moves = [
        APIOperation(
            method: .post,
            path: "/sandboxes/{id}/move",
            id: "moveSandbox",
            summary: "Begins to move a sandbox to another server; the move tells how it goes on.",
            request: (.reference("MoveRequest"), true),
            success: (202, .json(.reference("Move"))),
            refusals: [400, 403, 404, 409, 502]
        ),
        APIOperation(
            method: .get,
            path: "/sandboxes/{id}/move",
            id: "getMove",
            summary: "How far a sandbox's move is.",
            success: (200, .json(.reference("Move"))),
            refusals: [400, 403, 404, 409]
        ),
        APIOperation(
            method: .delete,
            path: "/sandboxes/{id}/move",
            id: "cancelMove",
            summary: "Calls a move off, or forgets one that has ended (204).",
            query: [
                Parameter(
                    name: "withdrawn",
                    schema: .string,
                    text:
                        "The move's identity: the word of whoever has taken the sandbox that it does not run elsewhere."
                ),
                Parameter(
                    name: "anyway",
                    schema: .string,
                    text: "true: what was kept here is used although the target has the sandbox, or cannot be asked."
                ),
            ],
            success: (202, .json(.reference("Move"))),
            refusals: [204, 400, 403, 404, 409, 502]
        ),
        APIOperation(
            method: .post,
            path: "/sandboxes/{id}/move/taking",
            id: "takeSandbox",
            summary: "Takes a sandbox whose move is a handover: from then on it may run elsewhere.",
            success: (200, .json(.reference("Taking"))),
            refusals: [400, 403, 404, 409]
        ),
        APIOperation(
            method: .post,
            path: "/sandboxes/{id}/move/arrival",
            id: "reportArrival",
            summary: "Tells where a sandbox runs now that was taken.",
            request: (.reference("ArrivalReport"), true),
            success: (200, .json(.reference("Move"))),
            refusals: [400, 403, 404, 409]
        ),
        APIOperation(
            method: .delete,
            path: "/arrivals/{key}",
            id: "refuseArrival",
            summary: "Promises that a creation has no sandbox here and never will (204), or tells which it has (200).",
            query: [
                Parameter(name: "sandboxId", schema: .string, text: "The identity that the creation has asked for.")
            ],
            success: (200, .json(.object([.required("sandboxId", .string)]))),
            refusals: [204, 400, 403, 404, 409]
        ),
    ]
}
