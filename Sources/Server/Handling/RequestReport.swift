// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// What is told about a request when it has been answered: a line of the log, and measurements.
///
/// The query and the headers stay out of it: they may hold what is nobody's business.
struct RequestReport: Sendable {
    private let began: ContinuousClock.Instant
    private let method: HTTPRequest.Method
    private let path: Substring
    private let bytesReceived: Int

    init(began: ContinuousClock.Instant, _ request: Request) {
        self.began = began
        method = request.method
        path = request.pathAsSent
        bytesReceived = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    }

    /// Tells it now, or, if the response's body is yet to be made, when that has been sent.
    func end(_ response: inout Response, _ context: APIRequestContext, _ metrics: ServerMetrics) {
        let status = response.status
        guard context.route?.isStream == true else {
            return tell(status, bytesSent: response.body.contentLength ?? 0, context, metrics)
        }
        let body = response.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            let counter = ByteCounter()
            defer { tell(status, bytesSent: counter.total.load(ordering: .relaxed), context, metrics) }
            try await body.write(CountingWriter(writer: writer, counter: counter))
        }
    }

    private func tell(
        _ status: HTTPResponse.Status,
        bytesSent: Int,
        _ context: APIRequestContext,
        _ metrics: ServerMetrics
    ) {
        let duration = ContinuousClock.now - began
        let route = context.route?.template ?? "none"
        let tenant = context.tenant?.name ?? ""
        metrics.requestEnded(
            ServerMetrics.Labels(
                method: method,
                route: route,
                statusClass: status.code / 100,
                tenant: tenant
            ),
            duration,
            received: bytesReceived,
            sent: bytesSent
        )
        // Probes come every few seconds and say nothing.
        let level: Logger.Level = context.route?.access == .probe ? .debug : .info
        guard level >= context.baseLogger.logLevel else { return }
        context.logger.log(
            level: level,
            "request",
            metadata: [
                "tenant": .string(tenant),
                "client": .string(context.channel.remoteAddress?.ipAddress ?? ""),
                "method": .string(method.rawValue),
                "route": .string(route),
                "path": .string(Self.bounded(path)),
                "status": .stringConvertible(status.code),
                "bytes": .stringConvertible(bytesSent),
                "duration_ms": .string(Self.milliseconds(duration)),
            ]
        )
    }

    /// A path of a length that a line of a log can have.
    private static func bounded(_ path: Substring) -> String {
        path.utf8.count <= 512 ? String(path) : String(decoding: path.utf8.prefix(512), as: UTF8.self) + "..."
    }

    static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        let fraction = String(microseconds % 1000)
        return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}

/// Counts the bytes of a body that is being sent.
private struct CountingWriter: ResponseBodyWriter {
    var writer: any ResponseBodyWriter
    let counter: ByteCounter

    mutating func write(_ buffer: ByteBuffer) async throws {
        counter.total.wrappingAdd(buffer.readableBytes, ordering: .relaxed)
        try await writer.write(buffer)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await writer.finish(trailingHeaders)
    }
}

private final class ByteCounter: Sendable {
    let total = Atomic(0)
}
