// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What a sandbox was created from and with, in an annotation of its object: a resume changes the template.
struct SandboxRequest: JSONFields {
    /// The image that was asked for.
    var image: String?
    /// What it runs.
    var entrypoint: [String] = []
    /// The extension parameters, as they came.
    var extensions: [String: String] = [:]
    /// `os/architecture` that was asked for.
    var platform: String?
    /// Its time to live in seconds, if it has one. Resumed, it has a whole one again.
    var timeout: Int?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("image", &image)
        try fields.field("entrypoint", &entrypoint)
        try fields.field("extensions", &extensions)
        try fields.field("platform", &platform)
        try fields.field("timeout", &timeout)
    }
}
