// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

extension APISchemas {
    private static let sources = APISchema.words(Move.Source.allCases.map(\.rawValue))

    /// Moves of sandboxes to other servers.
    static let moves: [String: APISchema] = [
        "MoveRequest": .object([
            .required(
                "target",
                .described(
                    "Exactly one of name (of the server's configuration), url, and handover.",
                    .object([
                        .optional("name", .nullable(.string)), .optional("url", .nullable(.string)),
                        .optional("apiKey", .nullable(.string)), .optional("handover", .boolean),
                    ])
                )
            ),
            .optional("source", .described("What becomes of it here; keepPaused if nothing is said.", sources)),
            .optional(
                "keepId",
                .described("Whether it is to have its id there, too; true if nothing is said.", .boolean)
            ),
            .optional("allowLoss", .described("Whether what cannot travel may be left behind.", .boolean)),
        ]),
        "ArrivalReport": .object([
            .required("moveId", .string), .required("server", .string), .required("sandboxId", .string),
        ]),
        "Move": .object([
            .required("id", .string), .required("sandboxId", .string),
            .required(
                "target",
                .object([.optional("name", .string), .optional("url", .string), .optional("handover", .boolean)])
            ),
            .required("source", sources), .required("phase", .words(Move.Phase.allCases.map(\.rawValue))),
            .optional("message", .string), .optional("leftBehind", .list(of: .string)),
            .required("startedAt", .moment), .required("lastTransitionAt", .moment),
            .optional("movedTo", .object([.required("server", .string), .required("sandboxId", .string)])),
            .optional("progress", .reference("Progress")),
        ]),
        "Taking": .object([
            .required("moveId", .string),
            .required("requestKey", .described("The Idempotency-Key to create it with.", .string)),
            .required("request", .described("What to create, as a CreateSandboxRequest.", .anyObject)),
        ]),
    ]
}
