// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What a sandbox was created from and with, in an annotation of its object: that which its other fields do not say.
struct KruiseRequest: JSONFields {
    /// The set, template or checkpoint that was named.
    var template: String?
    /// The API's extension parameters, as they came.
    var extensions: [String: String] = [:]
    /// How many seconds it has at least after each resume.
    var leastAfterResume: Int?
    /// How many seconds it was given, which is what it has after a resume for which nobody says how many.
    var seconds: Int?
    /// What tells the request from another one under the same key.
    var digest: String?
    /// Whether its address is told with its metadata.
    var tellsAddress: Bool?
    /// Whether all its ports are for those alone who know a token.
    var closesAllPorts: Bool?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("template", &template)
        try fields.field("extensions", &extensions)
        try fields.field("leastAfterResume", &leastAfterResume)
        try fields.field("seconds", &seconds)
        try fields.field("digest", &digest)
        try fields.field("tellsAddress", &tellsAddress)
        try fields.field("closesAllPorts", &closesAllPorts)
    }

    /// The key of the annotation.
    static let annotation = "stasis.dev/request"
    /// The key of the label that finds the sandbox of a request which is sent again.
    static let keyLabel = "stasis.dev/request-key"
}

extension KruiseSandbox {
    /// What it was created from and with, if the server did that.
    var request: KruiseRequest? {
        // What somebody else has written there says nothing.
        metadata.annotations[KruiseRequest.annotation].flatMap { try? KruiseRequest(json: $0) }
    }
}
