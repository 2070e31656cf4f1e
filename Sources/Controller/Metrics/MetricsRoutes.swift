// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KubeClient
import Logging
import PrometheusMetrics

/// `/metrics`, for everybody or for those whom the cluster lets.
struct MetricsRoutes: Sendable {
    let registry: PrometheusRegistry
    /// Nil to let everybody in.
    let access: MetricsAccess?
    let logger: Logger

    var router: Router<BasicRequestContext> {
        let router = Router()
        router.get("/metrics") { request, _ in
            if let refusal = await refusal(of: request) { return refusal }
            return Response(
                status: .ok,
                headers: [.contentType: PrometheusRegistry.mediaType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: registry.text() + ProcessMetrics.text()))
            )
        }
        return router
    }

    private func refusal(of request: Request) async -> Response? {
        guard let access else { return nil }
        guard let token = Self.token(of: request), !token.isEmpty else { return Self.refused(.unauthorized) }
        do {
            switch try await access.judge(token) {
            case .allowed: return nil
            case .unknown: return Self.refused(.unauthorized)
            case .refused: return Self.refused(.forbidden)
            }
        } catch {
            logger.warning("could not find out who reads metrics", metadata: ["error": "\(error)"])
            return Self.refused(.internalServerError)
        }
    }

    private static func token(of request: Request) -> String? {
        guard let words = request.headers[.authorization]?.split(separator: " ", maxSplits: 1), words.count == 2,
            words[0].lowercased() == "bearer"
        else { return nil }
        return String(words[1])
    }

    private static func refused(_ status: HTTPResponse.Status) -> Response {
        Response(status: status, body: ResponseBody(byteBuffer: ByteBuffer(string: "\(status.reasonPhrase)\n")))
    }
}
