// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle
import Synchronization

import struct Foundation.Date

/// Tells runtimes when sandboxes were used last, beside the requests that use them: none waits for it.
final class AccessRecorder: Service {
    private struct Access: Sendable {
        var sandboxID: String
        var runtime: any SandboxRuntime
        var date: Date
    }

    private let throttle = Mutex(AccessThrottle<Waker.Key>())
    private let accesses: AsyncStream<Access>
    private let queue: AsyncStream<Access>.Continuation
    private let now: @Sendable () -> Date

    /// How many accesses wait to be told; of more the oldest are forgotten, which makes no difference a second later.
    private static let capacity = 4096

    init(now: @escaping @Sendable () -> Date) {
        self.now = now
        (accesses, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.capacity))
    }

    /// Notes that a sandbox is used now.
    func note(_ target: ProxyTarget) {
        guard target.countsAsAccess, throttle.withLock({ $0.admits(target.key, at: .now) }) else { return }
        queue.yield(Access(sandboxID: target.key.sandboxID, runtime: target.runtime, date: now()))
    }

    /// Tells until the task is cancelled or the service group shuts down gracefully.
    func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            for await access in accesses {
                await access.runtime.recordAccess(access.sandboxID, at: access.date)
            }
        } onCancelOrGracefulShutdown: {
            self.queue.finish()
        }
    }
}
