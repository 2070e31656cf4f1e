// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Bytes in both directions: a connection that has become a tunnel.
struct ByteTunnel: Sendable {
    let channel: any Channel
    let inlet: Inlet<ByteBuffer>

    /// Writes bytes and waits until the kernel has taken them. A cancelled task gets an error, and the channel is closed.
    func write(_ bytes: ByteBuffer) async throws {
        try await inlet.send(bytes)
    }

    /// Says that no more bytes will be written.
    func finish() async {
        try? await channel.close(mode: .output).get()
    }

    /// Makes a tunnel of a channel whose HTTP decoder has stopped because another protocol begins: takes HTTP's handlers
    /// out, and takes over the bytes that the decoder has left. On the channel's event loop only.
    static func take(
        _ channel: any Channel,
        after decoder: some ChannelHandler,
        removing handlers: any RemovableChannelHandler...
    ) -> EventLoopFuture<ByteTunnel> {
        let pipeline = channel.pipeline.syncOperations
        let handler = DemandHandler<ByteBuffer>()
        do {
            try pipeline.addHandler(handler, position: .after(decoder))
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        let tunnel = ByteTunnel(channel: channel, inlet: Inlet(handler, of: channel))
        return EventLoopFuture.andAllSucceed(handlers.map { pipeline.removeHandler($0) }, on: channel.eventLoop)
            .map { tunnel }
    }
}
