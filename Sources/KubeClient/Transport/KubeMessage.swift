// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import Synchronization

/// A request as it goes over the wire.
struct KubeMessage: Sendable {
    /// What kind of answer is awaited.
    let answer: KubeRequest.Answer
    let method: HTTPMethod
    private let server: ServerEndpoint
    private let target: String
    private let head: RequestHead
    private let accept: String
    private let contentType: String
    let body: ByteBuffer?

    /// - Throws: `KubeError` if its address is none.
    init(_ request: KubeRequest, to server: ServerEndpoint, _ head: RequestHead) throws(KubeError) {
        answer = request.answer
        method = request.method
        self.server = server
        self.head = head
        accept = request.accept
        contentType = request.contentType
        body = request.body
        target = server.path + request.target
        guard target.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw request.fault(.invalidRequest, "its address has characters that addresses cannot have")
        }
    }

    /// All of it.
    var bytes: ByteBuffer {
        let method = method.rawValue
        let size = body?.readableBytes ?? 0
        var bytes = ByteBuffer()
        bytes.reserveCapacity(method.utf8.count + target.utf8.count + head.bytes.readableBytes + size + 160)
        bytes.writeString(method)
        bytes.writeString(" ")
        bytes.writeString(target)
        bytes.writeString(" HTTP/1.1\r\n")
        bytes.writeImmutableBuffer(head.bytes)
        bytes.writeString("Accept: ")
        bytes.writeString(accept)
        if let body {
            bytes.writeString("\r\nContent-Type: ")
            bytes.writeString(contentType)
            bytes.writeString("\r\nContent-Length: \(size)\r\n\r\n")
            bytes.writeImmutableBuffer(body)
        } else if method != "GET" {
            bytes.writeString("\r\nContent-Length: 0\r\n\r\n")
        } else {
            bytes.writeString("\r\n\r\n")
        }
        return bytes
    }

    /// Its address, for those who take it apart again.
    var url: String { server.origin + target }

    /// Its headers, for those who write the rest.
    var headers: HTTPHeaders {
        var headers = head.headers
        headers.add(name: "Accept", value: accept)
        if body != nil { headers.add(name: "Content-Type", value: contentType) }
        return headers
    }
}

/// The headers that all requests have, of one reading of the credentials.
struct RequestHead: Sendable {
    let headers: HTTPHeaders
    /// As lines.
    let bytes: ByteBuffer

    init(_ authorization: Authorization, _ configuration: KubeClientConfiguration) throws(KubeError) {
        var headers: HTTPHeaders = ["Host": configuration.server.authority, "User-Agent": configuration.userAgent]
        if let token = authorization.bearerToken { headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let other = configuration.impersonation {
            headers.add(name: "Impersonate-User", value: other.user)
            if let uid = other.uid { headers.add(name: "Impersonate-Uid", value: uid) }
            for group in other.groups { headers.add(name: "Impersonate-Group", value: group) }
            for (key, values) in other.extra {
                for value in values {
                    headers.add(name: "Impersonate-Extra-\(KubeRequest.encode(key))", value: value)
                }
            }
        }
        var bytes = ByteBuffer()
        for (name, value) in headers {
            // A line end in one would begin another one.
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw KubeError(
                    .invalidConfiguration,
                    operation: "write the header",
                    subject: name,
                    reason: "it would have a line end or a control character",
                    advice: "check the token, the user agent, and whom to act as"
                )
            }
            bytes.writeString("\(name): \(value)\r\n")
        }
        self.headers = headers
        self.bytes = bytes
    }
}

/// Keeps the headers that all requests have, until there are other credentials.
final class RequestHeads: Sendable {
    private let configuration: KubeClientConfiguration
    private let known = Mutex<(generation: Int, head: RequestHead)?>(nil)

    init(_ configuration: KubeClientConfiguration) { self.configuration = configuration }

    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    func head(of authorization: Authorization) throws(KubeError) -> RequestHead {
        if let head = known.withLock({ $0?.generation == authorization.generation ? $0?.head : nil }) { return head }
        let head = try RequestHead(authorization, configuration)
        known.withLock { $0 = (authorization.generation, head) }
        return head
    }
}
