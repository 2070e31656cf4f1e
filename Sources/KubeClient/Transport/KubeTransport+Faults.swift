// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import KubeModels
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension KubeTransport {
    /// What an error below HTTP means for a request: a `TransientFailure`, `CancellationError`, or for what does not pass a
    /// `KubeError`.
    func failure(_ error: any Error, of request: KubeRequest) -> any Error {
        let endpoint = configuration.server
        let authority = endpoint.authority
        func transient(
            _ kind: KubeError.Kind,
            _ reason: String,
            advice: String? = nil,
            isHarmless: Bool = false
        ) -> TransientFailure {
            let fault = request.fault(kind, reason, advice: advice, cause: error)
            return TransientFailure(error: fault, isHarmless: isHarmless)
        }
        switch error {
        case is CancellationError, is KubeError, is TransientFailure:
            return error
        // A server that stops, or a proxy whose server is away, hangs up on who has only just come.
        case NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])):
            let advice = "check that \(authority) speaks TLS, and that the API server is running"
            return transient(.unreachable, "\(authority) hung up", advice: advice, isHarmless: true)
        case NIOSSLError.uncleanShutdown:
            return transient(.unreachable, "the connection to \(authority) broke")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return request.fault(
                .tls,
                "no TLS connection with \(authority)",
                advice: """
                    check that its certificate is of the authority that the configuration names, is for \
                    \(endpoint.serverName ?? endpoint.host), and has not expired
                    """,
                cause: error
            )
        case let error as IOError where ![ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
            return transient(.unreachable, "the connection to \(authority) broke")
        case is NIOConnectionError, is IOError:
            let advice = "check the address and that the API server is running"
            return transient(.unreachable, "no connection to \(authority)", advice: advice, isHarmless: true)
        case ConnectionFault.connectTimeout, ChannelError.connectTimeout:
            let advice = "check the address and the network"
            return transient(.unreachable, "\(authority) does not answer", advice: advice, isHarmless: true)
        case ConnectionFault.timeout:
            return transient(.timeout, "\(authority) did not answer in time")
        case ConnectionFault.shutDown:
            return CancellationError()
        case ConnectionFault.tooLarge:
            return tooLarge(request)
        case ConnectionFault.malformed(let malformed):
            return transient(.unreachable, "what \(authority) sent is no answer, but \(malformed.reason)")
        case let error as HTTPClientError:
            switch error {
            case .cancelled:
                return CancellationError()
            case .connectTimeout, .tlsHandshakeTimeout:
                let advice = "check the address and the network"
                return transient(.unreachable, "\(authority) does not answer", advice: advice, isHarmless: true)
            case .proxyAuthenticationRequired, .invalidProxyResponse, .httpProxyHandshakeTimeout,
                .socksHandshakeTimeout:
                return request.fault(
                    .unreachable,
                    "no connection to \(authority) through the proxy",
                    advice: "check the proxy-url",
                    cause: error
                )
            case .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout:
                return transient(.timeout, "\(authority) did not answer in time")
            default:
                return transient(.unreachable, "the connection to \(authority) broke")
            }
        default:
            return transient(.unreachable, "the connection to \(authority) broke")
        }
    }

    /// What an answer means that is not a good one.
    func fault(of response: KubeAnswer, to request: KubeRequest) async -> KubeError {
        let code = response.head.code
        let body = (try? await response.body.collect(upTo: 1 << 20)) ?? ByteBuffer()
        let status: Status? = body.withUnsafeReadableBytes { try? Status(json: $0) }
        var error = Self.fault(code, status, request)
        error.statusCode = code
        error.status = status
        // A proxy, or a server that is no API server at all.
        if status == nil {
            let type = response.head.first("Content-Type") ?? "something untyped"
            let words = body.getString(at: body.readerIndex, length: min(body.readableBytes, 400)) ?? ""
            error.reason += "; it sent \(type.onOneLine(limit: 60)): '\(words.onOneLine(limit: 200))'"
        }
        return error
    }

    static func fault(_ code: Int, _ status: Status?, _ request: KubeRequest) -> KubeError {
        let words = status?.message.map { $0.onOneLine(limit: 1000) } ?? ""
        func fault(_ kind: KubeError.Kind, _ fallback: String, advice: String? = nil) -> KubeError {
            request.fault(kind, words.isEmpty ? fallback : words, advice: advice)
        }
        switch code {
        case 300..<400: return fault(.unexpectedAnswer, "the server leads elsewhere", advice: "check the address")
        case 400: return fault(.invalid, "the server does not understand it")
        case 401:
            return fault(.unauthorized, "the server does not accept the credentials", advice: "check or renew them")
        case 403: return fault(.forbidden, "it is not allowed", advice: "give the account a role that allows it")
        // What is not there is named, unless the server does not know the type.
        case 404 where status?.details?.name?.isEmpty ?? true:
            return fault(
                .notServed,
                "the server does not know this type",
                advice: "check the version, or install the CustomResourceDefinition"
            )
        case 404: return fault(.notFound, "it is not there")
        case 409 where status?.reason == "AlreadyExists": return fault(.alreadyExists, "it is there already")
        case 409: return fault(.conflict, "it has changed meanwhile")
        case 410: return fault(.expired, "the state that was asked for is too old", advice: "list again")
        case 413: return fault(.tooLarge, "the server does not take so much")
        case 422: return fault(.invalid, "the server does not take it")
        case 429: return fault(.rateLimited, "the server has too much to do")
        case 504 where status?.reason == "Timeout": return fault(.timeout, "the server did not manage in time")
        case 500...599: return fault(.serverFault, "the server failed", advice: "see its own log")
        default: return fault(.unexpectedAnswer, "the server answered \(code)")
        }
    }
}
