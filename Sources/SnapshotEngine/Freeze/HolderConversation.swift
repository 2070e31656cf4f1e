// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// What a holder's process and one client say to each other: a line of JSON a message.
struct HolderConversation: Sendable {
    typealias Lines = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// What becomes of what is under way when the client is gone.
    enum Aftermath: Sendable {
        /// What is not sealed is thawed, and nothing is answered any more.
        case cancel
        /// What is not sealed and not kept is thawed; what is held stays under way until it is over.
        case drain
    }

    let table: HolderTable
    let aftermath: Aftermath
    let logger: Logger

    /// Cuts what comes into lines.
    static func makeLines(_ channel: any Channel) throws -> Lines {
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(LineDecoder()))
        return try Lines(wrappingChannelSynchronously: channel)
    }

    /// Answers requests until the client is gone or not understood, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - inbound: The requests.
    ///   - answers: The way to the client.
    ///   - clientIsGone: Called before what is under way is ended.
    func run(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ answers: HolderAnswers,
        clientIsGone: @Sendable () -> Void = {}
    ) async {
        await withDiscardingTaskGroup { group in
            var begun: [FreezeHolder] = []
            do {
                for try await line in inbound {
                    let request: HolderRequest
                    do {
                        request = try HolderLine.decode(HolderRequest.self, from: line)
                    } catch {
                        await answers.send(.malformed("not a request: \(error)"))
                        break
                    }
                    switch table.begin(request) {
                    case .answer(let answer): await answers.send(.answer(number: request.number, answer))
                    case .work(let holder):
                        if case .freeze = request.order { begun.append(holder) }
                        group.addTask { await table.carryOut(request, holder, answers) }
                    }
                }
            } catch is CancellationError {
                // This process was told to end.
            } catch {
                logger.error("The holder's client is not understood", metadata: ["error": "\(error)"])
            }
            clientIsGone()
            switch aftermath {
            case .cancel: group.cancelAll()
            case .drain: for holder in begun { await holder.thawUnlessKept() }
            }
        }
    }
}

/// The way to the client.
struct HolderAnswers: Sendable {
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    /// Sends a message, also in a cancelled task. A client that is gone misses it.
    func send(_ message: HolderMessage) async {
        let (outbound, line) = (outbound, HolderLine.encode(message))
        await uncancelled { try? await outbound.write(line) }
    }
}
