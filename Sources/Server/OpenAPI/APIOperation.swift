// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What a method of a path does, for those who write clients.
struct APIOperation: Sendable {
    /// What a request may say in its query.
    struct Parameter: Sendable {
        var name: String
        var schema: APISchema
        var text: String
    }

    /// A body of a response.
    enum Body: Sendable {
        case none
        case json(APISchema)
        case text
        /// JSON or text, as the request asks.
        case jsonOrText(APISchema)
    }

    var method: HTTPRequest.Method
    /// The path as ``Route/template`` writes it.
    var path: String
    var id: String
    var summary: String
    var query: [Parameter] = []
    var request: (schema: APISchema, isRequired: Bool)?
    var success: (status: Int, body: Body)
    /// Headers of the response to a success.
    var headers: [String: String] = [:]
    /// The statuses of its refusals besides those that every operation has.
    var refusals: [Int] = []
    /// Whether everybody may use it.
    var isOpen = false
}

extension APIOperation {
    /// All that the API can do.
    static let all = sandboxes + lifecycle + moves + snapshots + diagnostics + pools + service + unsupported

    /// What may come of any operation that needs a key: no key, a request that breaks a rule, too many requests, a fault
    /// of the server or of what it stands on.
    private static let common = [401, 429, 500, 503]

    /// The statuses that are no success.
    var failures: [Int] {
        if isOpen { return refusals.sorted() }
        let ofBodies = request == nil ? [] : [400, 408, 413, 422]
        let ofQueries = query.isEmpty ? [] : [422]
        return Set(Self.common + ofBodies + ofQueries + refusals).sorted()
    }
}
