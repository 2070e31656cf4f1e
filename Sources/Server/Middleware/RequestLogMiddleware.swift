// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging

/// Logs one line a request. The query and the headers stay out of it: they may hold what is nobody's business.
struct RequestLogMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        let started = ContinuousClock.now
        let response = try await next(request, context)
        let duration = ContinuousClock.now - started
        // Probes come every few seconds and say nothing.
        context.logger.log(
            level: OpenPaths.contain(request.uri.path) ? .debug : .info,
            "request",
            metadata: [
                "method": .string(request.method.rawValue),
                "path": .string(request.uri.path),
                "status": .stringConvertible(response.status.code),
                "duration_ms": .string(Self.milliseconds(duration)),
            ]
        )
        return response
    }

    static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        let fraction = String(microseconds % 1000)
        return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}

extension Logger {
    /// A logger that names a request by its own identifier instead of the framework's counter.
    init(renaming logger: Logger, requestID: String) {
        self = logger
        self[metadataKey: "hb.request.id"] = nil
        self[metadataKey: "request_id"] = .string(requestID)
    }
}
