// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import ServiceLifecycle
import Synchronization

/// Hands a WebSocket's bytes on in both directions, as they are: fragments, pings, closures and extensions are for the two
/// ends to understand. It only follows where frames end, so that both ends can be told when the server stops.
struct WebSocketRelay: Sendable {
    private let toSandbox: Direction
    private let toClient: Direction
    private let isStopping = Flag()

    /// How long one direction goes on when the other has ended.
    private static let linger = Duration.seconds(5)

    /// Creates a relay.
    ///
    /// - Parameter note: Called for each piece.
    init(client: ByteTunnel, sandbox: ByteTunnel, note: @escaping @Sendable () -> Void) {
        toSandbox = Direction(from: client, to: sandbox, isMasked: true, note: note)
        toClient = Direction(from: sandbox, to: client, isMasked: false, note: note)
    }

    private enum Event {
        case directionEnded
        case stopping
        case lingered
    }

    /// Relays until both directions have ended, or one for a while. When the server stops, both ends get a close frame with
    /// 1001.
    func run() async {
        await withTaskGroup(of: Event.self) { group in
            for direction in [toSandbox, toClient] {
                group.addTask {
                    await direction.run(until: isStopping)
                    return .directionEnded
                }
            }
            group.addTask {
                // A cancelled task returns as well, and ends everything.
                try? await gracefulShutdown()
                return .stopping
            }
            var running = 2
            while running > 0, let event = await group.next() {
                switch event {
                case .directionEnded:
                    running -= 1
                    if running == 1 {
                        group.addTask {
                            try? await Task.sleep(for: Self.linger)
                            return .lingered
                        }
                    }
                case .stopping:
                    isStopping.set()
                    toSandbox.nudge()
                    toClient.nudge()
                case .lingered: running = 0
                }
            }
            group.cancelAll()
        }
    }

    /// Something that is said once.
    final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    /// One of the two directions.
    private struct Direction: Sendable {
        let from: ByteTunnel
        let to: ByteTunnel
        let isMasked: Bool
        let note: @Sendable () -> Void

        func nudge() { from.inlet.nudge() }

        /// Hands bytes on until they end, or until the server stops and a frame has ended.
        func run(until isStopping: Flag) async {
            var scanner = FrameScanner()
            do {
                while true {
                    if isStopping.isSet, scanner.isBetweenFrames {
                        if !scanner.hasClosed {
                            let mask = isMasked ? (0..<4).map { _ in UInt8.random(in: 0...255) } : nil
                            try await to.write(FrameScanner.close(code: 1001, mask: mask))
                        }
                        break
                    }
                    do {
                        guard var bytes = try await from.inlet.next() else { break }
                        note()
                        let count = scanner.pass(bytes, stopsBetweenFrames: isStopping.isSet)
                        if let piece = bytes.readSlice(length: count) { try await to.write(piece) }
                    } catch is Nudge {
                        continue
                    }
                }
            } catch {
                // The other end hears of it below.
            }
            await to.finish()
        }
    }
}
