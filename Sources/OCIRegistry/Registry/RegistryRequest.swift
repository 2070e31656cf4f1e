// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// One request to a registry, before it is authorised and sent. It can be sent several times.
struct RegistryRequest: Sendable {
    /// The registry it is for, as written in references, and its repository: whose credentials are used.
    let domain: String
    let repository: String
    /// What is tried and on what, for errors.
    let operation: String
    let subject: String

    var method: HTTPMethod
    var url: WebAddress
    var headers: HTTPHeaders = [:]
    var body: ByteBuffer?
    /// What the token must allow.
    var scopes: [AccessScope]
    /// The answers that are not errors.
    var accepts: Set<UInt> = [200]
    /// Whether it may be sent again after a failure that left open what became of it.
    var isRepeatable = true
    /// The authority that the credentials are for; elsewhere nothing is sent along.
    var origin: WebAddress

    /// An error about this request.
    func fault(
        _ kind: RegistryError.Kind,
        _ reason: String,
        advice: String? = nil,
        status: Int? = nil,
        answers: [RegistryError.Answer] = [],
        cause: (any Error)? = nil
    ) -> RegistryError {
        RegistryError(
            kind,
            operation: operation,
            subject: subject,
            reason: reason,
            advice: advice,
            status: status,
            answers: answers,
            cause: cause
        )
    }
}
