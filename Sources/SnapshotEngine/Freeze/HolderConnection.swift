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

    private let origin: HolderOrigin
    private let logger: Logger
    private let state = Mutex(State())
    /// Opened when the holder is ready, or will never be.
    private let settled = Latch()
    private let needs: AsyncStream<Void>
    private let needed: AsyncStream<Void>.Continuation

    /// Creates a connection; nothing is started before `run`.
    init(origin: HolderOrigin, logger: Logger) {
        self.origin = origin
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

    /// Starts the process, or connects to it, and serves until it ends. If the task is cancelled, the channel is closed: the
    /// holder thaws what is not sealed, and a child ends; alone, if that takes long.
    func run() async {
        let (process, lines): (HolderProcess?, Lines)
        do {
            (process, lines) = try await open()
        } catch {
            return await end(because: error as? FreezeError ?? .holderUnavailable("\(error)"))
        }
        do {
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
        if let process, Task.isCancelled {
            // It has nothing to do any more, or something that may take long.
            try? await uncancelled(for: origin.grace) { await process.ended.wait() }
        } else if let process {
            // Whatever it was about to do, it does not do it now: from here on it is ours to do.
            process.kill()
            await process.ended.wait()
        }
        await end(because: .holderUnavailable("it ended at once: look at its messages on standard error"))
    }

    private func open() async throws -> (HolderProcess?, Lines) {
        switch origin {
        case .child(let command, let options):
            let (process, socket) = try await HolderProcess.start(
                command.executable,
                arguments: command.line(with: options)
            )
            state.withLock { $0.process = process }
            do {
                return (
                    process, try await Self.bootstrap.withConnectedSocket(socket, channelInitializer: Self.makeLines)
                )
            } catch {
                process.kill()
                throw error
            }
        case .listening(let socket):
            return (nil, try await Self.connect(to: socket))
        }
    }

    private static var bootstrap: ClientBootstrap { ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton) }

    private static func makeLines(_ channel: any Channel) -> EventLoopFuture<Lines> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(LineDecoder()))
            return try Lines(wrappingChannelSynchronously: channel)
        }
    }

    /// Connects to a holder that may still be starting.
    private static func connect(to socket: HolderSocket) async throws -> Lines {
        let deadline = ContinuousClock.now + socket.startLimit
        var pause = Duration.milliseconds(10)
        while true {
            do {
                return try await bootstrap.connect(unixDomainSocketPath: socket.path, channelInitializer: makeLines)
            } catch {
                guard .now < deadline else {
                    throw FreezeError.holderUnavailable("nobody listens at \(socket.path): \(error)")
                }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .milliseconds(250))
            }
        }
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
                            FreezeError.holderUnavailable("it gave no sign of life for \(origin.patience)")
                        )
                    }
                    logger.error("The holder of freezes gives no sign of life; it is killed")
                    return
                }
                if silence == 1 || silence == Self.ticks / 2 {
                    channel.writeAndFlush(HolderLine.encode(HolderRequest(number: 0, order: .ping)), promise: nil)
                }
                try? await Task.sleep(for: origin.patience / Self.ticks)
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
