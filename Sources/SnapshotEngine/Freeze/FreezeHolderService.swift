// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The holder's process: serves the freezes of one client over standard input and output, a line of JSON a message.
///
/// When the client ends, or the process is told to end, it thaws what is not sealed and ends too. What is sealed is left as
/// it is: nobody is left who could say that its release is written down.
public struct FreezeHolderService: Sendable {
    /// How long it goes on trying to thaw after its client has ended. What is frozen then is left to whoever reads the
    /// ledger next.
    static let longestAlone = Duration.seconds(3600)
    /// How many requests may be under way at once, each freeze that is held included.
    static let mostRequests = 4096

    private let socket: String
    private let namespace: String
    private let logger: Logger

    /// Creates a service.
    ///
    /// - Parameters:
    ///   - socket: containerd's socket.
    ///   - namespace: The containers' containerd namespace.
    ///   - logger: Where remarks go; not standard output.
    public init(containerdSocket socket: String, containerdNamespace namespace: String, logger: Logger) {
        self.socket = socket
        self.namespace = namespace
        self.logger = logger
    }

    /// Serves until the client ends or the task is cancelled, and everything is thawed that is not sealed.
    ///
    /// - Parameters:
    ///   - input: The descriptor that requests are read from. It is closed.
    ///   - output: The descriptor that answers are written to. It is closed.
    /// - Throws: If containerd's socket cannot be used, or if there is no input or output.
    public func run(input: CInt = 0, output: CInt = 1) async throws {
        // A client that does not read its answers any more must not end us while something is frozen.
        signal(SIGPIPE, SIG_IGN)
        let lines = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .takingOwnershipOfDescriptors(input: input, output: output) { channel in
                channel.eventLoop.makeCompletedFuture { try HolderConversation.makeLines(channel) }
            }
        try await lines.executeThenClose { inbound, outbound in
            let answers = HolderAnswers(outbound: outbound)
            do {
                try await ContainerdClient.withClient(socket: socket, namespace: namespace, logger: logger) { client in
                    await answers.send(.ready)
                    await serve(inbound, answers, HolderTable(client: client))
                }
            } catch {
                await answers.send(.refused(HolderFailure(error)))
                throw error
            }
        }
    }

    private func serve(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ answers: HolderAnswers,
        _ table: HolderTable
    ) async {
        let limit = Mutex<Task<Void, Never>?>(nil)
        await HolderConversation(table: table, aftermath: .cancel, logger: logger).run(inbound, answers) {
            // Owned: it is cancelled below, or ends the process.
            limit.withLock { $0 = Task { await giveUpInTheEnd() } }
        }
        limit.withLock { $0?.cancel() }
    }

    private func giveUpInTheEnd() async {
        try? await Task.sleep(for: Self.longestAlone)
        guard !Task.isCancelled else { return }
        logger.critical("Freezes could not be ended for too long; they are left as they are")
        exit(EXIT_FAILURE)
    }
}
