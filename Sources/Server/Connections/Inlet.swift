// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What comes in on a channel, asked for one by one, by one task at a time.
struct Inlet<Element: Sendable>: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<DemandHandler<Element>>

    /// Asks a handler that is in the channel's pipeline. On the channel's event loop only.
    init(_ handler: DemandHandler<Element>, of channel: any Channel) {
        self.channel = channel
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    }

    /// The next element; nil when the other side has said all. A cancelled task gets an error, and the channel is closed.
    func next() async throws -> Element? {
        try await withTaskCancellationHandler {
            try await channel.eventLoop.flatSubmit { handler.value.next(on: channel.eventLoop) }.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Makes a task that waits in `next` hear ``Nudge`` instead; nothing is lost.
    func nudge() {
        channel.eventLoop.execute { handler.value.nudge() }
    }

    /// Writes bytes and waits until the kernel has taken them. A cancelled task gets an error, and the channel is closed.
    func send(_ bytes: ByteBuffer) async throws {
        try await withTaskCancellationHandler {
            try await channel.eventLoop.flatSubmit { handler.value.send(bytes, on: channel.eventLoop) }.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}
