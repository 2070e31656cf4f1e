// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import SandboxModels
import ServiceLifecycle

import struct Foundation.Date

/// Takes requests to the ports of sandboxes, which it wakes if they are paused and want to be woken.
struct SandboxProxy: Sendable {
    let tenants: Tenants
    let configuration: ServerConfiguration.Proxy
    let waker: Waker
    let accesses: AccessRecorder

    init(tenants: Tenants, configuration: ServerConfiguration.Proxy, now: @escaping @Sendable () -> Date) {
        self.tenants = tenants
        self.configuration = configuration
        waker = Waker(bounds: .init(perSandbox: configuration.wakeWaitersPerSandbox, inAll: configuration.wakeWaiters))
        accesses = AccessRecorder(now: now)
    }

    /// What has to run while requests are answered.
    var services: [any Service] { [waker, accesses] }

    /// Answers with what a sandbox answers.
    ///
    /// - Throws: ``APIError``, and what the runtime throws.
    func respond(to request: Request, for target: ProxyTarget) async throws -> Response {
        guard let client = ClientConnection.current else {
            throw APIError.notSupported("Sandboxes are reached through a connection to the server only.")
        }
        accesses.note(target)
        do {
            let upstream = try await client.whileHere { try await reach(target, request.headers, client) }
            let exchange = ProxiedExchange(
                upstream: upstream.connection,
                farewell: upstream.farewell,
                client: client,
                target: target,
                accesses: accesses
            )
            return try await exchange.respond(to: request, head: head(of: request, target, upstream)) { error in
                refusal(error, target)
            }
        } catch let error as UpstreamError {
            return try Response(refusal(error, target), to: request, for: target)
        } catch let error as WakeError {
            return try Response(
                APIError(error, of: target.key.sandboxID, timeout: configuration.wakeTimeout),
                to: request,
                for: target
            )
        } catch is ClientGone {
            return Response(status: .clientGone)
        }
    }

    private func refusal(_ error: UpstreamError, _ target: ProxyTarget) -> APIError {
        APIError(error, port: target.port, of: target.key.sandboxID, responseTimeout: configuration.responseTimeout)
    }

    // MARK: - The way to the sandbox

    /// A connection to a sandbox.
    struct Upstream: Sendable {
        var connection: UpstreamConnection
        var endpoint: SandboxEndpoint
        var address: UpstreamAddress
        /// What closes the connection when the client goes.
        var farewell: Int?
    }

    /// How often a request goes back to waiting because the sandbox was paused again.
    private static let mostWakes = 3

    /// Connects to a sandbox, and wakes it before if it is paused and wants to be woken. Nothing of the request's body is
    /// read meanwhile, so whatever refuses a connection can be tried again.
    private func reach(
        _ target: ProxyTarget,
        _ headers: HTTPFields,
        _ client: ClientConnection
    ) async throws -> Upstream {
        let id = target.key.sandboxID
        // Before anything is woken for somebody who may not go there.
        try await check(headers, target)
        var wakes = 0
        var patience = ContinuousClock.now
        var delay = Duration.milliseconds(20)
        while true {
            let sandbox = try await target.runtime.sandbox(id)
            if sandbox.status.state != .running, sandbox.spec.wakesOnTraffic, wakes < Self.mostWakes {
                try await hold(target)
                wakes += 1
                patience = .now + .seconds(configuration.portGrace)
                continue
            }
            let endpoint: SandboxEndpoint
            do {
                endpoint = try await target.runtime.endpoint(id, port: target.port)
            } catch let error as SandboxError
                where error.code == .addressUnavailable && sandbox.spec.wakesOnTraffic && wakes < Self.mostWakes
            {
                // It is up, or was a moment ago, and its address is not there or no longer.
                try await hold(target)
                wakes += 1
                patience = .now + .seconds(configuration.portGrace)
                continue
            }
            guard let address = UpstreamAddress(endpoint.address) else {
                throw SandboxError(.addressUnavailable, "The sandbox '\(id)' has no address that can be connected to.")
            }
            do {
                let connection = try await UpstreamConnection.open(
                    address,
                    timeout: .seconds(Int64(configuration.connectTimeout)),
                    responseTimeout: .seconds(Int64(configuration.responseTimeout))
                )
                let farewell = client.onGone { connection.close() }
                return Upstream(connection: connection, endpoint: endpoint, address: address, farewell: farewell)
            } catch let error as UpstreamError {
                if ContinuousClock.now < patience {
                    // What listens there may still be starting.
                    try await Task.sleep(for: delay)
                    delay = min(delay * 2, .milliseconds(500))
                    continue
                }
                // It may have been paused since it was looked at.
                guard sandbox.spec.wakesOnTraffic, wakes < Self.mostWakes,
                    try await target.runtime.sandbox(id).status.state != .running
                else { throw error }
            }
        }
    }

    /// Waits for a sandbox to wake.
    private func hold(_ target: ProxyTarget) async throws {
        let timeout = Duration.seconds(configuration.wakeTimeout)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await waker.wait(for: target.key, port: target.port, in: target.runtime) }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw WakeError.timeout
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Makes sure that whoever asks may go to a sandbox that has a token of its own.
    private func check(_ headers: HTTPFields, _ target: ProxyTarget) async throws {
        let needed = try await target.runtime.endpointHeaders(target.key.sandboxID, port: target.port)
            .first { $0.key.lowercased() == HTTPField.Name.secureAccess.canonicalName }?.value
        guard let needed = needed.flatMap(APIKey.init), !target.isInternal else { return }
        guard let offered = headers[.secureAccess], needed.matches(offered) else {
            throw APIError(
                .unauthorized,
                "MISSING_OR_INVALID_SECURE_ACCESS",
                "This sandbox requires the OpenSandbox-Secure-Access header for access."
            )
        }
    }

    /// The headers of the request that the sandbox gets.
    private func head(of request: Request, _ target: ProxyTarget, _ upstream: Upstream) -> ProxiedExchange.Head {
        ProxiedExchange.Head(
            target: target.target,
            headers: ProxyHeaders.request(
                request.headers,
                host: upstream.address.description,
                origin: .init(
                    address: ClientConnection.current?.channel.remoteAddress?.ipAddress,
                    host: request.head.authority
                ),
                endpoint: upstream.endpoint.headers,
                isInternal: target.isInternal,
                keepsLogin: target.speaksE2B
            )
        )
    }
}

extension SandboxSpec {
    /// Whether a request to the sandbox makes it resume.
    var wakesOnTraffic: Bool { extensions[SandboxExtension.resumeOnAccess] == "true" }
}

extension Response {
    /// A refusal as clients read it. It is not thrown: what a sandbox does not do is no fault of the server, which it would be
    /// logged as.
    init(_ error: APIError, to request: Request, for target: ProxyTarget) throws {
        if target.speaksE2B {
            let address = E2BSandboxAddress(
                sandboxID: target.key.sandboxID,
                port: target.port,
                target: target.target,
                prefix: target.prefix
            )
            self = try E2BErrorAnswer.unreachable(address, error.status, error.message)
        } else {
            let body = ["code": error.code, "message": error.message]
            try self.init(error.status, json: body, headers: error.headers)
        }
        // A body after the head of a HEAD would be read as the beginning of the next response.
        if request.method == .head { self.body = ResponseBody() }
    }
}

extension HTTPResponse.Status {
    /// What is logged when nobody hears the answer.
    static let clientGone = HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request")
}
