// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import NIOPosix

/// One thread of its own that runs Swift tasks, actors, timers and connections.
///
/// What has to happen at its time (thawing a frozen container) must not wait for a turn on the shared threads, which
/// other work may keep busy or block: on two cores, two blocking calls are enough. Nothing that blocks may run here.
public final class ExecutorThread: TaskExecutor, SerialExecutor {
    /// The thread as SwiftNIO sees it, for connections and timers.
    public let eventLoop: any EventLoop

    /// Starts a thread that lives as long as the process.
    public init() {
        self.eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    }

    /// Runs a job on the thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute {
            job.runSynchronously(
                isolatedTo: self.asUnownedSerialExecutor(),
                taskExecutor: self.asUnownedTaskExecutor()
            )
        }
    }

    /// Checks that this is the thread.
    public func checkIsolated() {
        eventLoop.preconditionInEventLoop()
    }

    /// The thread as an actor's executor.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    /// Waits for an instant by the thread's own timer; returns early when the task is cancelled.
    public func sleep(until deadline: NIODeadline) async {
        let timer = eventLoop.scheduleTask(deadline: deadline) {}
        await withTaskCancellationHandler {
            // A cancelled timer fails its future: either way the wait is over.
            _ = try? await timer.futureResult.get()
        } onCancel: {
            timer.cancel()
        }
    }
}
