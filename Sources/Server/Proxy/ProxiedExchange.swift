// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

import struct Foundation.Data

/// One request to a sandbox and its answer, both handed on piece by piece: what one side does not take is not read from the
/// other.
struct ProxiedExchange: Sendable {
    /// The request that the sandbox gets, but for how its body ends.
    struct Head: Sendable {
        var target: String
        var headers: HTTPHeaders
    }

    let upstream: UpstreamConnection
    let farewell: Int?
    let client: ClientConnection
    let target: ProxyTarget
    let accesses: AccessRecorder

    /// Sends the request and answers with the sandbox's answer.
    ///
    /// - Parameter refusal: What the client hears of an error.
    /// - Throws: ``UpstreamError``, ``ClientGone``; nothing after some of the body has been read, because the answer has to
    ///   wait for the rest then.
    func respond(
        to request: Request,
        head: Head,
        refusal: @escaping @Sendable (UpstreamError) -> APIError
    ) async throws -> Response {
        let protocolAsked = request.asksForWebSocket ? "websocket" : nil
        var upload: Upload?
        do {
            try await send(request, head, protocolAsked)
            if request.hasBody {
                let job = Upload(body: request.body, exchange: self)
                guard client.start({ await job.run() }) else { throw ClientGone() }
                upload = job
            }
            let answer = try await answer()
            return try response(answer, to: request, protocolAsked, upload)
        } catch {
            end()
            let error: any Error = client.isGone ? ClientGone() : error
            guard let upload else { throw error }
            var response =
                switch error {
                case is ClientGone: Response(status: .clientGone)
                case let error as UpstreamError: try Response(refusal(error), to: request, for: target)
                default: try Response(APIError(error), to: request, for: target)
                }
            // Whatever else of the body comes is read for nothing, and before the connection is used for anything else.
            if !client.isRequestComplete { response.headers[.connection] = "close" }
            response.body = upload.outlived(by: response.body)
            return response
        }
    }

    /// Ends what has been opened for the exchange.
    fileprivate func end() {
        client.forget(farewell)
        upstream.close()
        accesses.note(target)
    }

    // MARK: - The request

    private func send(_ request: Request, _ head: Head, _ protocolAsked: String?) async throws {
        var headers = head.headers
        if request.headers[.transferEncoding] != nil {
            headers.add(name: "Transfer-Encoding", value: "chunked")
        } else if let length = request.headers[.contentLength] {
            headers.add(name: "Content-Length", value: length)
        }
        headers.add(name: "Connection", value: protocolAsked == nil ? "close" : "Upgrade")
        if let protocolAsked { headers.add(name: "Upgrade", value: protocolAsked) }
        upstream.startTimer()
        try await upstream.write(
            .head(
                HTTPRequestHead(
                    version: .http1_1,
                    method: HTTPMethod(rawValue: request.method.rawValue),
                    uri: head.target,
                    headers: headers
                )
            )
        )
        if !request.hasBody { try await upstream.write(.end(nil)) }
    }

    // MARK: - The answer

    /// The head of an answer, and whether the sandbox had asked for the request's body before.
    private struct Answer {
        var head: HTTPResponseHead
        var askedForBody = false
    }

    /// Waits for the head of the answer, and hands on those that only inform.
    private func answer() async throws -> Answer {
        var askedForBody = false
        while let part = try await upstream.next() {
            guard case .head(let head) = part else { break }
            guard (100..<200).contains(head.status.code), head.status != .switchingProtocols else {
                return Answer(head: head, askedForBody: askedForBody)
            }
            if head.status == .continue { askedForBody = true }
            let status = HTTPResponse.Status(code: Int(head.status.code), reasonPhrase: head.status.reasonPhrase)
            let fields = ProxyHeaders.response(head.headers, prefix: target.prefix)
            try await client.inform(HTTPResponse(status: status, headerFields: fields))
        }
        throw UpstreamError.connectionLost(cause: nil)
    }

    private func response(
        _ answer: Answer,
        to request: Request,
        _ protocolAsked: String?,
        _ upload: Upload?
    ) throws -> Response {
        let head = answer.head
        var fields = ProxyHeaders.response(head.headers, prefix: target.prefix)
        let status = HTTPResponse.Status(code: Int(head.status.code), reasonPhrase: head.status.reasonPhrase)
        if head.status == .switchingProtocols {
            guard protocolAsked != nil, request.isAnswered(byWebSocket: head.headers) else {
                throw UpstreamError.wrongUpgrade
            }
            fields[.connection] = "Upgrade"
            fields[.upgrade] = "websocket"
            return Response(status: status, headers: fields, body: ResponseBody { writer in try await relay(&writer) })
        }
        if upload != nil, !answer.askedForBody, request.headers[.expect] != nil {
            // A client that waits for leave to send its body may never send it; what it sends next cannot be told apart.
            fields[.connection] = "close"
        }
        return Response(
            status: status,
            headers: fields,
            body: ResponseBody { writer in try await copy(to: &writer, upload) }
        )
    }

    /// Hands on the body of the answer. A body that breaks off breaks the client's connection off, too, so that nobody takes
    /// it for whole.
    private func copy(to writer: inout any ResponseBodyWriter, _ upload: Upload?) async throws {
        do {
            copying: while true {
                switch try await upstream.next() {
                case .body(let bytes):
                    accesses.note(target)
                    try await writer.write(bytes)
                    try await client.room()
                case .end: break copying
                case .head, nil: throw UpstreamError.connectionLost(cause: nil)
                }
            }
            try await writer.finish(nil)
        } catch {
            end()
            throw error
        }
        end()
        await upload?.ended()
    }

    /// Hands on a WebSocket's frames until both sides have ended it.
    private func relay(_ writer: inout any ResponseBodyWriter) async throws {
        do {
            let clientSide = try await client.tunnel()
            // From now on a client that goes is for the sandbox to hear.
            client.forget(farewell)
            let sandboxSide = try await upstream.tunnel()
            await WebSocketRelay(client: clientSide, sandbox: sandboxSide) { accesses.note(target) }.run()
        } catch {
            end()
            client.channel.close(promise: nil)
            throw error
        }
        end()
        try await writer.finish(nil)
        client.channel.close(promise: nil)
    }
}

extension ProxiedExchange {
    /// The body of a request on its way to a sandbox. The connection's own task sends it, because the answer may come before
    /// its end, and go on after it.
    struct Upload: Sendable {
        private let body: RequestBody
        private let exchange: ProxiedExchange
        private let end: AsyncStream<Never>
        private let endSignal: AsyncStream<Never>.Continuation

        init(body: RequestBody, exchange: ProxiedExchange) {
            self.body = body
            self.exchange = exchange
            (end, endSignal) = AsyncStream.makeStream()
        }

        /// Sends the body to its end. When the sandbox takes no more of it, the rest is read for nothing: the next request
        /// comes after it.
        func run() async {
            defer { endSignal.finish() }
            var isTaken = true
            do {
                for try await bytes in body where isTaken {
                    exchange.accesses.note(exchange.target)
                    do {
                        try await exchange.upstream.write(.body(bytes))
                    } catch {
                        isTaken = false
                    }
                }
                guard isTaken else { return }
                if exchange.client.isRequestComplete {
                    try await exchange.upstream.write(.end(nil))
                } else {
                    exchange.upstream.close()
                }
            } catch {
                // What has come is not the whole, and must not be taken for it.
                exchange.upstream.close()
            }
        }

        /// Returns when the body has been read.
        func ended() async {
            for await _ in end {}
        }

        /// A body after which the connection stays with this request until its own body has been read.
        func outlived(by body: ResponseBody) -> ResponseBody {
            ResponseBody(contentLength: body.contentLength) { writer in
                try await body.write(writer)
                await ended()
            }
        }
    }
}

extension Request {
    /// Whether a body follows the head.
    fileprivate var hasBody: Bool {
        headers[.transferEncoding] != nil || headers[.contentLength].flatMap { Int($0) } ?? 0 > 0
    }

    /// Whether the client wants a WebSocket (RFC 6455, 4.1).
    fileprivate var asksForWebSocket: Bool {
        method == .get && !hasBody && ProxyHeaders.list(headers[values: .connection], has: "upgrade")
            && ProxyHeaders.list(headers[values: .upgrade], has: "websocket")
    }

    /// Whether a sandbox has understood that it was asked for a WebSocket, so that what follows are frames.
    fileprivate func isAnswered(byWebSocket answer: HTTPHeaders) -> Bool {
        guard ProxyHeaders.list(answer["Upgrade"], has: "websocket"), let key = headers[.secWebSocketKey] else {
            return false
        }
        let digest = Insecure.SHA1.hash(data: Data("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        return answer["Sec-WebSocket-Accept"] == [Data(digest).base64EncodedString()]
    }
}
