// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension APISchemas {
    private static let action = APISchema.words(["allow", "deny"])

    /// What creations are asked for with. Rules that concern several fields at once are told in words.
    static let requests: [String: APISchema] = [
        "CreateSandboxRequest": .object([
            .optional(
                "image",
                .described(
                    "Exactly one of image and snapshotId, unless extensions.poolRef is there.",
                    .nullable(.reference("ImageSpec"))
                )
            ),
            .optional("snapshotId", .nullable(.string)),
            .optional("platform", .nullable(.reference("Platform"))),
            .optional("timeout", .described("Seconds; without it, for ever.", .nullable(.integer(60...Int.max)))),
            .optional("resourceLimits", .described("Required without a pool.", .nullable(.strings))),
            .optional("resourceRequests", .nullable(.strings)),
            .optional("env", .nullable(.map(of: .nullable(.string)))),
            .optional("metadata", .described("Keys and values are labels of Kubernetes.", .nullable(.strings))),
            .optional(
                "entrypoint",
                .described("Required with an image.", .nullable(.list(of: .string, atLeast: 1)))
            ),
            .optional("networkPolicy", .nullable(.reference("NetworkPolicy"))),
            .optional("credentialProxy", .nullable(.object([.optional("enabled", .boolean)]))),
            .optional("secureAccess", .boolean),
            .optional("volumes", .nullable(.list(of: .reference("Volume")))),
            .optional("extensions", .nullable(.strings)),
            .optional("lifecycle", .nullable(.anyObject)),
            .optional("templateId", .nullable(.string)),
        ]),
        "ImageSpec": .object([
            .required("uri", .text(atLeast: 1)),
            .optional("auth", .nullable(.object([.required("username", .string), .required("password", .string)]))),
        ]),
        "NetworkPolicy": .object([
            .optional("defaultAction", .nullable(action)),
            .optional(
                "egress",
                .nullable(.list(of: .object([.required("action", action), .required("target", .string)])))
            ),
        ]),
        "Volume": .object([
            .required("name", .string), .required("mountPath", .text(pattern: "^/")), .optional("readOnly", .boolean),
            .optional("subPath", .nullable(.string)),
            .optional("host", .nullable(.object([.required("path", .string)]))),
            .optional(
                "pvc",
                .nullable(
                    .object([
                        .required("claimName", .string), .optional("createIfNotExists", .boolean),
                        .optional("deleteOnSandboxTermination", .boolean),
                        .optional("storageClass", .nullable(.string)), .optional("storage", .nullable(.string)),
                        .optional("accessModes", .nullable(.list(of: .string))),
                    ])
                )
            ),
            .optional("ossfs", .nullable(.anyObject)),
        ]),
    ]
}
