// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SandboxModels
import ServiceLifecycle

import struct Foundation.Date
import class Foundation.JSONEncoder

/// What a page is told while somebody looks at it: all sandboxes and snapshots, and then what changes, a line of JSON each.
///
/// One response that lasts costs a page with 5,000 sandboxes what has changed; asking for them again and again costs all of
/// them. The runtime is looked at once a second, because what it lists is in memory and not all of what it tells, such as how
/// far a capture is, is announced by anything.
struct PageStream {
    let tenants: Tenants
    let limit: PageStreamLimit
    /// How often the runtime is looked at.
    var interval = Duration.seconds(1)
    /// After how long without a change the page is told that there was none.
    var silence = Duration.seconds(10)

    /// How many sandboxes are in one line. The newest ones come first, and the page shows them before the others are there.
    static let batch = 200

    /// The response to a page.
    ///
    /// - Throws: ``APIError`` (503) if too many pages are open.
    func response(to request: Request, _ context: APIRequestContext) throws(APIError) -> Response {
        let place = try limit.enter()
        let key = request.headers[.apiKey]
        guard let name = context.tenant?.name else { throw .missingKey }
        let headers: HTTPFields = [
            .contentType: "application/x-ndjson", .cacheControl: "no-store",
            // What stands between may not wait for more of it.
            .accelBuffering: "no",
        ]
        let client = ClientConnection.current
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                try await tell(of: name, offering: key) { line in
                    try await client?.room()
                    try await writer.write(ByteBuffer(bytes: line + [UInt8(ascii: "\n")]))
                    return client?.isGone != true
                }
                withExtendedLifetime(place) {}
                try await writer.finish(nil)
            }
        )
    }

    /// Tells until nobody listens, the key is taken away, or the server is told to stop.
    ///
    /// - Parameter send: Sends a line, and says whether somebody still listens.
    func tell(
        of name: String,
        offering key: String?,
        _ send: (_ line: [UInt8]) async throws -> Bool
    ) async throws {
        var feed = PageFeed()
        var spoke = ContinuousClock.now
        guard try await send(Self.line(Greeting(version: ServerVersion.current, now: Date()))) else { return }
        var isNew = true
        while !Task.isShuttingDownGracefully {
            guard let tenant = try? tenants.tenant(offering: key), tenant.name == name else {
                _ = try await send(Self.line(End(end: "The key is no longer let in.")))
                return
            }
            var lines: [[UInt8]] = []
            do {
                lines = try await feed.lines(of: tenant)
                if isNew { lines.append(try Self.line(Complete(complete: true))) }
                isNew = false
            } catch {
                // The error itself is for the log of a request that has an answer; the page asks for things by such.
                lines = [try Self.line(Trouble(trouble: "The runtime cannot be asked now; what is shown may be old."))]
            }
            if lines.isEmpty, ContinuousClock.now - spoke >= silence { lines = [try Self.line(Beat(now: Date()))] }
            for line in lines {
                guard try await send(line) else { return }
                spoke = .now
            }
            try await Task.sleep(for: interval)
        }
    }

    // MARK: Lines

    private struct Greeting: Encodable {
        var version: String
        var now: Date
    }

    private struct Complete: Encodable {
        var complete: Bool
    }

    private struct Beat: Encodable {
        var now: Date
    }

    private struct Trouble: Encodable {
        var trouble: String
    }

    private struct End: Encodable {
        var end: String
    }

    private static func line(_ value: some Encodable) throws -> [UInt8] {
        [UInt8](try JSONEncoder.api.encode(value))
    }
}

/// How many pages may be open at once: each of them has the runtime looked at.
final class PageStreamLimit: Sendable {
    private let limit: ConcurrencyLimit

    /// One of them, as long as it is there.
    final class Place: Sendable {
        private let limit: ConcurrencyLimit

        fileprivate init(_ limit: ConcurrencyLimit) {
            self.limit = limit
        }

        deinit { limit.leave() }
    }

    init(_ limit: Int = 64) {
        self.limit = ConcurrencyLimit(limit)
    }

    /// Takes a place.
    ///
    /// - Throws: ``APIError`` (503) if there is none.
    func enter() throws(APIError) -> Place {
        try limit.enter()
        return Place(limit)
    }
}

extension HTTPField.Name {
    fileprivate static let accelBuffering = known("X-Accel-Buffering")
}
