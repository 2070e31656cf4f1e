// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging

/// What SDKs report about themselves: logged, not kept.
struct MetricsRoutes {
    let maximumBodyBytes: Int

    func add(to routes: inout RouteTable) {
        routes.add(.post, "/metrics/events") { request, context in
            let event = try MetricsEvent(try await request.jsonBody(upTo: maximumBodyBytes))
            context.logger.debug(
                "An SDK created a sandbox",
                metadata: [
                    "sandbox": .string(event.sandboxID ?? "unknown"),
                    "image": .string(event.image ?? "unknown"),
                    "duration_ms": .stringConvertible(event.createDuration),
                    "success": .stringConvertible(event.success),
                ]
            )
            return Response(.noContent)
        }
    }
}
