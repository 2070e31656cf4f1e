// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import ServerPage

/// The page under `/ui`: its files, which everybody may have, and what it is told of changes, which takes a key.
struct PageRoutes {
    let tenants: Tenants
    let streams: PageStreamLimit

    /// What browsers are told to allow the page: its own files and its own server, and nothing that is written into it.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ].joined(separator: "; ")

    /// A file with what stands above it in a response.
    private struct Served: Sendable {
        var body: ByteBuffer
        var tag: String
        var headers: HTTPFields

        init(_ file: PageFile) {
            body = ByteBuffer(bytes: file.bytes)
            let digest = SHA256.hash(data: file.bytes).prefix(16).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            tag = "\"\(digest.joined())\""
            headers = [
                .contentType: file.mediaType,
                .eTag: tag,
                // Another version of the server has another page.
                .cacheControl: "no-cache",
                .contentSecurityPolicy: PageRoutes.policy,
                .xContentTypeOptions: "nosniff",
                .referrerPolicy: "no-referrer",
                .crossOriginOpenerPolicy: "same-origin",
                .crossOriginResourcePolicy: "same-origin",
            ]
        }
    }

    private static let served = Dictionary(
        PageFile.all.map { ($0.name, Served($0)) },
        uniquingKeysWith: { first, _ in first }
    )

    func add(to routes: inout RouteTable) {
        // Not one of them is a part of the API, which is why its description has none.
        routes.addAny("/ui", access: .open, Self.page)
        routes.addAny("/ui/**", access: .open, Self.page)
        let stream = PageStream(tenants: tenants, limit: streams)
        routes.addAny("/ui/api/changes") { request, context in
            guard request.method == .get else { throw APIError.methodNotAllowed(allowed: [.get]) }
            return try stream.response(to: request, context)
        }
    }

    @Sendable private static func page(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        guard request.method == .get || request.method == .head else {
            throw APIError.methodNotAllowed(allowed: [.get, .head])
        }
        let path = request.pathAsSent
        // What the page asks for is beside it, wherever somebody has put the server.
        if path.hasSuffix("/ui") {
            return Response(status: .permanentRedirect, headers: [.location: "ui/", .contentLength: "0"])
        }
        let name = path.split(separator: "/ui/", maxSplits: 1, omittingEmptySubsequences: false).last ?? ""
        guard let file = served[name.isEmpty ? "index.html" : String(name)] else { throw APIError.notFound }
        var headers = file.headers
        if request.headers[values: .ifNoneMatch].contains(where: { names($0, file.tag) }) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentLength] = String(file.body.readableBytes)
        return Response(
            status: .ok,
            headers: headers,
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: file.body)
        )
    }

    /// Whether a list of tags, some of which a proxy may have weakened, has one of them.
    private static func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").map { String($0).trimmed }.contains { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }
    }
}

extension HTTPField.Name {
    fileprivate static let contentSecurityPolicy = known("Content-Security-Policy")
    fileprivate static let crossOriginOpenerPolicy = known("Cross-Origin-Opener-Policy")
    fileprivate static let crossOriginResourcePolicy = known("Cross-Origin-Resource-Policy")
    fileprivate static let referrerPolicy = known("Referrer-Policy")
    fileprivate static let xContentTypeOptions = known("X-Content-Type-Options")
}
