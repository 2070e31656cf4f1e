// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging

import struct Foundation.UUID

extension HTTPField.Name {
    /// A value that is constant and known to be a token.
    static func known(_ name: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is no header name") }
        return name
    }

    static let requestID = known("X-Request-ID")
    static let apiKey = known("OPEN-SANDBOX-API-KEY")
    static let deprecation = known("Deprecation")
}

/// Gives each request a name that stands in its response and in every line that is logged about it: the client's own
/// `X-Request-ID`, or a new one.
struct RequestIDMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    /// A longer name would only serve to fill the log.
    static let maximumLength = 128

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.requestID = Self.usable(request.headers[.requestID]) ?? Self.make()
        context.logger = Logger(renaming: context.logger, requestID: context.requestID)
        var response = try await next(request, context)
        response.headers[.requestID] = context.requestID
        return response
    }

    /// A client's name, if it is one that can be repeated: visible ASCII of a bounded length.
    static func usable(_ name: String?) -> String? {
        guard let name = name?.trimmed, (1...maximumLength).contains(name.utf8.count),
            name.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        return name
    }

    /// 32 hexadecimal digits.
    static func make() -> String {
        UUID().uuidString.lowercased().filter { $0 != "-" }
    }
}
