// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import NIOCore

typealias ContainerdTransport = HTTP2ClientTransport.Posix

/// The two HTTP/2 connections to one containerd.
///
/// Streams that live for long (events, the wait for an exit) have a connection of their own, so that neither kind takes
/// the other along when it breaks. Both reconnect by themselves.
final class ContainerdConnection: Sendable {
    typealias Client = GRPCClient<ContainerdTransport>

    let socket: String
    let logger: Logger
    /// For calls that end soon, and for content.
    let calls: Client
    /// For streams without an end.
    let streams: Client

    init(socket: String, logger: Logger) throws(ContainerdError) {
        self.socket = socket
        self.logger = logger
        do {
            self.calls = try Self.makeClient(socket: socket)
            self.streams = try Self.makeClient(socket: socket)
        } catch {
            throw ContainerdError(
                .unavailable,
                operation: "connection",
                subject: socket,
                message: "the transport cannot be made: \(error)",
                cause: error
            )
        }
    }

    /// Keeps both connections until `shutDown()`; cancelling ends calls under way as well.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.calls.runConnections() }
            group.addTask { try await self.streams.runConnections() }
            try await group.waitForAll()
        }
    }

    /// Refuses new calls, and ends the connections when the calls under way are done.
    func shutDown() {
        calls.beginGracefulShutdown()
        streams.beginGracefulShutdown()
    }

    private static func makeClient(socket: String) throws -> Client {
        let config = HTTP2ClientTransport.Posix.Config.defaults { config in
            // Collecting writes for 100 microseconds would add a third to the time of a call.
            config.connection.flushCoalescing = nil
            // containerd is on this machine: after its restart it is back in a second or two.
            config.backoff.initial = .milliseconds(50)
            config.backoff.max = .seconds(1)
            config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PingAcknowledger(), position: .first)
                }
            }
        }
        // Without an authority the escaped path is sent, which strict servers reject.
        let target = ResolvableTargets.UnixDomainSocket(address: .init(path: socket), authority: "localhost")
        return try Client(
            transport: .http2NIOPosix(
                target: target,
                transportSecurity: .plaintext,
                config: config,
                serviceConfig: .containerd
            )
        )
    }
}
