// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What a plugin answers with.
struct ExecCredential: JSONFields {
    /// Group and version.
    var apiVersion = ""
    /// Always `ExecCredential`.
    var kind = ""
    /// The credentials.
    var status: ExecCredentialStatus?
    /// What this type has no fields for.
    var unknownFields = UnknownFields()

    /// Creates an empty one.
    init() {}

    /// Its fields.
    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("apiVersion", &apiVersion)
        try fields.field("kind", &kind)
        try fields.field("status", &status)
    }
}

/// Credentials that a plugin gives.
struct ExecCredentialStatus: JSONFields {
    /// A bearer token.
    var token: String?
    /// A client certificate in PEM form.
    var clientCertificateData: String?
    /// Its key.
    var clientKeyData: String?
    /// Until when they are good; `nil` for as long as the server takes them.
    var expirationTimestamp: Timestamp?
    /// What this type has no fields for.
    var unknownFields = UnknownFields()

    /// Creates an empty one.
    init() {}

    /// Its fields.
    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("token", &token)
        try fields.field("clientCertificateData", &clientCertificateData)
        try fields.field("clientKeyData", &clientKeyData)
        try fields.field("expirationTimestamp", &expirationTimestamp)
    }
}
