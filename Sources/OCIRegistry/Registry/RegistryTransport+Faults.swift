// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
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

extension RegistryTransport {
    /// What an error below HTTP means for a request: a `TransientFailure`, `CancellationError`, or for TLS a
    /// `RegistryError`, because that does not pass.
    ///
    /// - Parameter address: where it was sent, if it was redirected.
    func failure(_ error: any Error, of request: RegistryRequest, at address: WebAddress? = nil) -> any Error {
        let url = address ?? request.url
        let proxy = connections.proxy(for: url)
        let authority = url.authority + (proxy.map { " through the proxy \($0)" } ?? "")
        func transient(_ kind: RegistryError.Kind, _ reason: String, advice: String? = nil) -> TransientFailure {
            TransientFailure(error: request.fault(kind, reason, advice: advice, cause: error))
        }
        switch error {
        case is CancellationError:
            return error
        case is RegistryError, is TransientFailure:
            return error
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return request.fault(
                .tls,
                "no TLS connection with \(authority)",
                advice: """
                    if its certificate is signed by an authority of your own, name that authority's file; if it has no \
                    TLS, allow plain HTTP for it
                    """,
                cause: error
            )
        case let error as IOError where ![ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
            return transient(.unreachable, "the connection to \(authority) broke")
        case is NIOConnectionError, is IOError:
            let advice = "check the address and that the registry is running"
            return transient(.unreachable, "no connection to \(authority)", advice: advice)
        case let error as HTTPClientError:
            switch error {
            case .cancelled:
                return CancellationError()
            case .connectTimeout, .tlsHandshakeTimeout:
                return transient(
                    .unreachable,
                    "\(authority) does not answer",
                    advice: "check the address and the network"
                )
            case .proxyAuthenticationRequired:
                return request.fault(
                    .unauthorized,
                    "the proxy \(proxy ?? "") wants a login",
                    advice: "write http://user:password@host:port in HTTPS_PROXY or HTTP_PROXY",
                    cause: error
                )
            case .invalidProxyResponse, .httpProxyHandshakeTimeout, .socksHandshakeTimeout:
                return transient(
                    .unreachable,
                    "no connection to \(authority)",
                    advice: "check the proxy, and whether NO_PROXY should name \(url.host)"
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

    /// What an answer that the request does not accept means.
    func fault(
        of response: HTTPClientResponse,
        to request: RegistryRequest,
        wasAuthorized: Bool
    ) async -> RegistryError {
        let answers = await answers(in: response)
        let status = Int(response.status.code)
        func fault(_ kind: RegistryError.Kind, _ reason: String, advice: String? = nil) -> RegistryError {
            request.fault(kind, reason, advice: advice, status: status, answers: answers)
        }
        switch response.status.code {
        case 401 where wasAuthorized:
            return fault(
                .unauthorized,
                "\(request.domain) refused the credentials",
                advice: "check the user and the password, and that they may use \(request.repository)"
            )
        case 401:
            return fault(
                .unauthorized,
                "\(request.domain) wants a login and there are no credentials for it",
                advice: "give credentials for \(request.domain); or there is no such repository"
            )
        case 403:
            return fault(
                .forbidden,
                "\(request.domain) does not allow it",
                advice: "check that the login may use \(request.repository)"
            )
        case 404:
            return fault(.notFound, "it is not there", advice: "check the name")
        case 413:
            return fault(.tooLarge, "the registry, or a proxy before it, does not accept so much")
        case 429:
            return fault(.rateLimited, "\(request.domain) is asked too often", advice: "log in, or try again later")
        case 500...599:
            return fault(.serverFault, "\(request.domain) failed", advice: "see the registry's own log")
        default:
            let isDigestFault = answers.contains { $0.code == "DIGEST_INVALID" }
            return isDigestFault
                ? fault(.digestMismatch, "\(request.domain) got other bytes than the digest says")
                : fault(.unexpectedAnswer, "\(request.domain) answered \(status)")
        }
    }

    /// The registry's own words: its error document, or the beginning of a plain text.
    private func answers(in response: HTTPClientResponse) async -> [RegistryError.Answer] {
        struct Document: Decodable {
            struct Entry: Decodable {
                var code: String?
                var message: String?
            }
            var errors: [Entry]
        }
        guard let body = try? await response.body.collect(upTo: 64 << 10), body.readableBytes > 0 else { return [] }
        let bytes = Array(body.readableBytesView)
        if let document: Document = try? ImageDocument.decode(from: bytes, subject: "an error") {
            return document.errors.prefix(5).map { entry in
                RegistryError.Answer(
                    code: (entry.code ?? "UNKNOWN").onOneLine(limit: 80),
                    message: (entry.message ?? "").onOneLine(limit: 300)
                )
            }
        }
        guard response.headers.first(name: "Content-Type")?.hasPrefix("text/plain") ?? false else { return [] }
        return [
            RegistryError.Answer(code: String(decoding: bytes, as: UTF8.self).onOneLine(limit: 200), message: "")
        ]
    }
}
