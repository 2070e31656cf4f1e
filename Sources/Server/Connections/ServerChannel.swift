// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// A client's connection as the server sees it: HTTP/1.1, which can become a tunnel.
struct ServerChannel: ServerChildChannel, HTTPChannelHandler {
    /// How a connection is set up.
    struct Configuration: Sendable {
        /// How long a connection may be idle.
        var idleTimeout: TimeAmount
        /// What a request's head may hold.
        var headLimits: NIOHTTPDecoderLimitConfiguration
        /// Further handlers, between HTTP's and the requests' own.
        var additionalHandlers: @Sendable () -> [any RemovableChannelHandler] = { [] }
    }

    /// A connection that has been set up.
    struct Value: ServerChildChannelValue {
        let client: ClientConnection
        let http: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
        var channel: any Channel { http.channel }
    }

    let responder: HTTPChannelHandler.Responder
    let configuration: Configuration

    /// What may wait for a decoder that has stopped: some bytes of another protocol.
    private static let bytesAfterUpgrade = 256 << 10

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            // How a response ends depends on its request, which the encoder does not know.
            var encoding = HTTPResponseEncoder.Configuration()
            encoding.automaticallySetFramingHeaders = false
            let encoder = HTTPResponseEncoder(configuration: encoding)
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: configuration.headLimits),
                maximumBufferSize: Self.bytesAfterUpgrade
            )
            let stages = NIOLoopBound((encoder, decoder), eventLoop: channel.eventLoop)
            let client = ClientConnection(channel: channel) {
                let (encoder, decoder) = stages.value
                return ByteTunnel.take(channel, after: decoder, removing: encoder, decoder)
            }
            try pipeline.addHandlers(encoder, decoder)
            try pipeline.addHandler(ConnectionHandler(client: client, idleTimeout: configuration.idleTimeout))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandlers(configuration.additionalHandlers())
            let http = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
            return Value(client: client, http: http)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await job in value.client.jobs { await job() }
            }
            await ClientConnection.$current.withValue(value.client) {
                await handleHTTP(asyncChannel: value.http, logger: logger)
            }
            value.client.finishJobs()
        }
    }
}
