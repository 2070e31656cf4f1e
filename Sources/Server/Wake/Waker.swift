// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics
import SandboxModels
import ServiceLifecycle

/// Wakes paused sandboxes for the requests that wait for them: however many wait, a sandbox is resumed once.
actor Waker: Service {
    /// A sandbox among all tenants'.
    struct Key: Hashable, Sendable {
        var tenant: String
        var sandboxID: String
    }

    /// How many may wait.
    struct Bounds: Sendable {
        var perSandbox: Int
        var inAll: Int
    }

    /// A sandbox that is to be woken, for a port.
    private struct Start: Sendable {
        var key: Key
        var port: Int
        var runtime: any SandboxRuntime
    }

    private let bounds: Bounds
    private var waiters: [Key: [Int: AsyncStream<WakeState.Outcome>.Continuation]] = [:]
    private var count = 0
    private var nextToken = 0
    private let starts: AsyncStream<Start>
    private let startQueue: AsyncStream<Start>.Continuation

    /// How often a sandbox is looked at of which nobody tells anything.
    private static let lookInterval = Duration.milliseconds(500)

    init(bounds: Bounds) {
        self.bounds = bounds
        (starts, startQueue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(max(1, bounds.inAll)))
    }

    /// How many wait in all, and how many sandboxes are being woken.
    var load: (waiting: Int, waking: Int) { (count, waiters.count) }

    // MARK: - Waiting

    /// Waits until a sandbox is awake. The one that comes first makes it wake.
    ///
    /// - Parameter port: The port that is to have an address then.
    /// - Throws: ``WakeError``; `CancellationError`, which leaves the others as they are.
    func wait(for key: Key, port: Int, in runtime: any SandboxRuntime) async throws {
        guard count < bounds.inAll, waiters[key, default: [:]].count < bounds.perSandbox else {
            throw WakeError.tooManyWait
        }
        let (outcomes, outcome) = AsyncStream<WakeState.Outcome>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let isFirst = waiters[key] == nil
        nextToken += 1
        let token = nextToken
        waiters[key, default: [:]][token] = outcome
        count += 1
        defer { remove(token, from: key) }
        if isFirst {
            guard case .enqueued = startQueue.yield(Start(key: key, port: port, runtime: runtime)) else {
                waiters[key] = nil
                throw WakeError.stopping
            }
        }
        for await outcome in outcomes {
            switch outcome {
            case .awake: return
            case .failed(let reason): throw WakeError.failed(reason)
            case .gone: throw WakeError.gone
            }
        }
        try Task.checkCancellation()
        throw WakeError.stopping
    }

    private func remove(_ token: Int, from key: Key) {
        count -= 1
        // An empty entry is left to the waking itself, which looks for it: a new waiter must not begin a second one.
        waiters[key]?[token] = nil
    }

    // MARK: - Waking

    /// Wakes until the task is cancelled or the service group shuts down gracefully, after the server has.
    func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await start in starts {
                    group.addTask { await self.wake(start) }
                }
                group.cancelAll()
            }
            for waiting in waiters.values { for outcome in waiting.values { outcome.finish() } }
            waiters = [:]
        } onCancelOrGracefulShutdown: {
            self.startQueue.finish()
        }
    }

    private func wake(_ start: Start) async {
        var state = WakeState.watching
        let (looks, look) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        look.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Without them it is looked at every now and then.
                guard let changes = try? await start.runtime.changes(of: start.key.sandboxID) else { return }
                for await _ in changes { look.yield() }
                look.yield()
            }
            group.addTask {
                while (try? await Task.sleep(for: Self.lookInterval)) != nil { look.yield() }
                look.finish()
            }
            for await _ in looks {
                guard !self.isAbandoned(start.key) else { break }
                if await self.advance(&state, start) { break }
            }
            group.cancelAll()
        }
    }

    /// Whether nobody waits any more; the sandbox is forgotten then.
    private func isAbandoned(_ key: Key) -> Bool {
        guard waiters[key]?.isEmpty ?? true else { return false }
        waiters[key] = nil
        return true
    }

    /// Looks and acts.
    ///
    /// - Returns: Whether it is over.
    private func advance(_ state: inout WakeState, _ start: Start) async -> Bool {
        guard var event = await look(start) else { return false }
        while true {
            switch state.step(event) {
            case .wait: return false
            case .finish(let outcome):
                Self.count(outcome)
                for waiter in waiters.removeValue(forKey: start.key)?.values ?? [:].values { waiter.yield(outcome) }
                return true
            case .resume: event = await resume(start)
            }
        }
    }

    private static func count(_ outcome: WakeState.Outcome) {
        let word =
            switch outcome {
            case .awake: "awake"
            case .failed: "failed"
            case .gone: "gone"
            }
        Counter(label: "stasis_server_wakes_total", dimensions: [("outcome", word)]).increment()
    }

    private func look(_ start: Start) async -> WakeState.Event? {
        do {
            let status = try await start.runtime.sandbox(start.key.sandboxID).status
            var look = WakeState.Look(state: status.state, reason: status.reason, message: status.message)
            if status.state == .running {
                do {
                    _ = try await start.runtime.endpoint(start.key.sandboxID, port: start.port)
                    look.hasAddress = true
                } catch let error as SandboxError where error.code == .addressUnavailable {
                    look.hasAddress = false
                }
            }
            return .saw(look)
        } catch let error as SandboxError where error.code == .notFound {
            return .gone
        } catch {
            // It is looked at again soon, and those who wait do not wait for ever.
            return nil
        }
    }

    private func resume(_ start: Start) async -> WakeState.Event {
        do {
            try await start.runtime.resume(start.key.sandboxID)
            return .resumeAgreed
        } catch let error as SandboxError {
            switch error.code {
            case .notFound: return .gone
            case .invalidState: return .resumeOutOfTurn
            default: return .resumeFailed(error.told)
            }
        } catch {
            return .resumeFailed(nil)
        }
    }
}
