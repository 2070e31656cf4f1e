// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// One holder's process and the socket to it, from its start to its end.
///
/// When the process ends or falls silent, what it held and had not sealed is thawed from here (`HeldFreeze.holderEnded`).
final class HolderConnection: Sendable {
    private typealias Lines = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private struct State {
        /// Nil before the holder is ready, and after its end.
        var channel: (any Channel)?
        var isReady = false
        /// Why nothing can be asked any more.
        var end: (any Error)?
        var pending: [UInt64: Pending] = [:]
        var lastNumber: UInt64 = 0
        /// What it holds and has not sealed.
        var freezes: [String: HeldFreeze] = [:]
        var process: HolderProcess?
        /// For how many ticks it has given no sign of life.
        var silence = 0

        /// Whether somebody counts on the holder now.
        var isNeeded: Bool { !isReady || !pending.isEmpty || !freezes.isEmpty }
    }

    /// A question that is not answered yet.
    private struct Pending {
        var freeze: String
        var continuation: CheckedContinuation<HolderAnswer, any Error>
    }

    private static let ticks = 10

    private let command: HolderCommand
    private let containerd: ContainerdClient
    private let logger: Logger
    private let state = Mutex(State())
    /// Opened when the holder is ready, or will never be.
    private let settled = Latch()
    private let needs: AsyncStream<Void>
    private let needed: AsyncStream<Void>.Continuation

    /// Creates a connection; nothing is started before `run`.
    init(command: HolderCommand, containerd: ContainerdClient, logger: Logger) {
        self.command = command
        self.containerd = containerd
        self.logger = logger
        (needs, needed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Whether nothing can be asked any more.
    var hasEnded: Bool { state.withLock { $0.end != nil } }

    /// The process, as long as it is not known to have ended.
    var processID: pid_t? { state.withLock { $0.process?.processID } }

    // MARK: - Asking

    /// Returns when the holder can be asked.
    ///
    /// - Throws: Why it cannot.
    func waitUntilReady() async throws {
        await settled.wait()
        try Task.checkCancellation()
        if let end = state.withLock({ $0.end }) { throw end }
    }

    /// Sends an order and waits for the answer.
    ///
    /// - Throws: What the holder answered; `holderLost` if it ended before; `CancellationError` if the task was cancelled.
    ///   In both of these cases nobody knows whether the order was carried out.
    func ask(_ order: HolderOrder, about freeze: String) async throws -> HolderAnswer {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let line = HolderLine.encode(HolderRequest(number: number, order: order))
        let answer = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal: (any Error)? = state.withLock { state in
                    if Task.isCancelled { return CancellationError() }
                    guard let channel = state.channel else { return FreezeError.holderLost(id: freeze) }
                    state.pending[number] = Pending(freeze: freeze, continuation: continuation)
                    channel.writeAndFlush(line, promise: nil)
                    return nil
                }
                if let refusal { continuation.resume(throwing: refusal) }
                needed.yield()
            }
        } onCancel: {
            state.withLock { $0.pending.removeValue(forKey: number) }?.continuation.resume(
                throwing: CancellationError()
            )
        }
        if case .failed(let failure) = answer { throw failure.error }
        return answer
    }

    /// Watches over a freeze from before it is begun.
    ///
    /// - Throws: `alreadyUsed`; `holderLost` if there is nobody to ask.
    func add(_ freeze: HeldFreeze) throws(FreezeError) {
        let refusal: FreezeError? = state.withLock { state in
            guard state.channel != nil else { return .holderLost(id: freeze.id) }
            guard state.freezes[freeze.id] == nil else { return .alreadyUsed(id: freeze.id) }
            state.freezes[freeze.id] = freeze
            return nil
        }
        if let refusal { throw refusal }
        needed.yield()
    }

    /// Watches over a freeze no more: it is over or sealed.
    func remove(_ id: String) {
        state.withLock { $0.freezes[id] = nil }
    }

    // MARK: - Running

    /// Starts the process and serves until it ends. If the task is cancelled, the channel is closed: the holder thaws what is
    /// not sealed, and ends; alone, if that takes long.
    func run() async {
        let process: HolderProcess
        let socket: CInt
        do {
            (process, socket) = try await HolderProcess.start(command.executable, arguments: arguments)
        } catch {
            return await end(because: .holderUnavailable("\(error)"))
        }
        state.withLock { $0.process = process }
        do {
            let lines = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .withConnectedSocket(socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(LineDecoder()))
                        return try Lines(wrappingChannelSynchronously: channel)
                    }
                }
            try await lines.executeThenClose { inbound, _ in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await self.read(inbound, from: lines.channel) }
                    group.addTask { await self.watch(lines.channel) }
                    await group.next()
                    group.cancelAll()
                }
            }
        } catch {
            logger.warning("The connection to the holder of freezes broke", metadata: ["error": "\(error)"])
        }
        if Task.isCancelled {
            // It has nothing to do any more, or something that may take long.
            try? await uncancelled(for: command.grace) { await process.ended.wait() }
        } else {
            // Whatever it was about to do, it does not do it now: from here on it is ours to do.
            process.kill()
            await process.ended.wait()
        }
        await end(because: .holderUnavailable("it ended at once: look at its messages on standard error"))
    }

    private var arguments: [String] {
        let name = command.executable == "/proc/self/exe" ? CommandLine.arguments.first : nil
        return [name ?? command.executable] + command.arguments
            + ["--containerd-socket", containerd.socket, "--containerd-namespace", containerd.namespace]
    }

    private func read(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, from channel: any Channel) async {
        do {
            for try await line in inbound {
                state.withLock { $0.silence = 0 }
                switch try HolderLine.decode(HolderMessage.self, from: line) {
                case .ready:
                    state.withLock { state in
                        state.isReady = true
                        state.channel = channel
                    }
                    settled.open()
                case .refused(let failure):
                    state.withLock { $0.end = failure.error }
                    return
                case .answer(let number, let answer):
                    state.withLock { $0.pending.removeValue(forKey: number) }?.continuation.resume(returning: answer)
                case .over(let id, let end, let microseconds):
                    let freeze = state.withLock { $0.freezes.removeValue(forKey: id) }
                    await freeze?.holderEnded(it: end, frozen: .microseconds(microseconds))
                case .malformed(let what):
                    logger.error("The holder of freezes does not understand", metadata: ["answer": "\(what)"])
                    return
                }
            }
        } catch is CancellationError {
            // This end closes the channel.
        } catch {
            logger.error("The holder of freezes is not understood", metadata: ["error": "\(error)"])
        }
    }

    /// Returns when the holder has been silent for too long while somebody counted on it. Silence is counted in ticks, of
    /// which none passes while this process itself is stopped.
    private func watch(_ channel: any Channel) async {
        needed.yield()
        for await _ in needs {
            while state.withLock({ $0.isNeeded }) {
                let silence = state.withLock { state in
                    state.silence += 1
                    return state.silence
                }
                guard silence <= Self.ticks else {
                    state.withLock { state in
                        state.end = .some(
                            FreezeError.holderUnavailable("it gave no sign of life for \(command.patience)")
                        )
                    }
                    logger.error("The holder of freezes gives no sign of life; it is killed")
                    return
                }
                if silence == 1 || silence == Self.ticks / 2 {
                    channel.writeAndFlush(HolderLine.encode(HolderRequest(number: 0, order: .ping)), promise: nil)
                }
                try? await Task.sleep(for: command.patience / Self.ticks)
                if Task.isCancelled { return }
            }
            state.withLock { $0.silence = 0 }
        }
    }

    /// Tells everybody that the process has ended, and sees to what it held.
    private func end(because reason: FreezeError) async {
        let wasCancelled = Task.isCancelled
        let (pending, freezes) = state.withLock { state in
            let left = (Array(state.pending.values), Array(state.freezes.values))
            state.end = state.end ?? (wasCancelled ? CancellationError() : reason)
            state.channel = nil
            state.process = nil
            state.pending = [:]
            state.freezes = [:]
            return left
        }
        settled.open()
        needed.finish()
        for question in pending {
            question.continuation.resume(
                throwing: wasCancelled ? CancellationError() : FreezeError.holderLost(id: question.freeze)
            )
        }
        if !wasCancelled, !freezes.isEmpty {
            logger.error("The holder of freezes has ended", metadata: ["freezes": "\(freezes.count)"])
        }
        await withDiscardingTaskGroup { group in
            for freeze in freezes { group.addTask { await freeze.holderWasLost() } }
        }
    }
}
