// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Testing

@testable import KubeRuntime

@Suite
struct ControllerTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private struct Failure: Error {}

    /// What happens, for a test to wait for.
    private final class Diary: Sendable {
        let entries: AsyncStream<String>
        private let writer: AsyncStream<String>.Continuation

        init() { (entries, writer) = AsyncStream.makeStream() }

        func write(_ entry: String) { writer.yield(entry) }
    }

    @Test func failuresAreTriedAgainAndRequeuedKeysComeBack() async throws {
        let clock = ManualClock()
        let attempts = Mutex(0)
        let diary = Diary()
        let controller = Controller<String>(name: "test", clock: clock, logger: Self.logger) { key in
            let attempt = attempts.withLock { attempts in
                attempts += 1
                return attempts
            }
            diary.write("\(key) \(attempt)")
            switch attempt {
            case 1, 2: throw Failure()
            case 3: return .requeue(after: .seconds(60))
            case 4: throw TerminalError(Failure())
            default: return .done
            }
        }
        controller.queue.add("a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            var entries = diary.entries.makeAsyncIterator()
            #expect(await entries.next() == "a 1")
            await clock.waitForSleep(until: .milliseconds(5))
            clock.advance(by: .milliseconds(5))
            #expect(await entries.next() == "a 2")
            await clock.waitForSleep(until: .milliseconds(15))
            clock.advance(by: .milliseconds(10))
            #expect(await entries.next() == "a 3")
            await clock.waitForSleep(until: .milliseconds(15) + .seconds(60))
            clock.advance(by: .seconds(60))
            #expect(await entries.next() == "a 4")
            // Nothing brings it back but somebody who adds it.
            controller.queue.add("b")
            #expect(await entries.next() == "b 5")
            #expect(controller.queue.delayedCount == 0)
            controller.stop()
            try await group.waitForAll()
        }
    }

    @Test func noKeyIsReconciledTwiceAtATimeAndNoMoreKeysThanWorkers() async throws {
        struct Load {
            var keys: Set<Int> = []
            var most = 0
            var total = 0
            var isBroken = false
        }
        let load = Mutex(Load())
        let controller = Controller<Int>(name: "test", workers: 3, logger: Self.logger) { key in
            load.withLock { load in
                if !load.keys.insert(key).inserted { load.isBroken = true }
                load.most = max(load.most, load.keys.count)
            }
            for _ in 0..<20 { await Task.yield() }
            load.withLock { load in
                load.keys.remove(key)
                load.total += 1
            }
            return .done
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            for round in 0..<500 {
                controller.queue.add(round % 7)
                await Task.yield()
            }
            while controller.queue.depth > 0 { await Task.yield() }
            controller.stop()
            try await group.waitForAll()
        }
        let result = load.withLock { $0 }
        #expect(!result.isBroken)
        #expect(result.most <= 3 && result.total >= 7)
    }

    @Test func aStopWaitsForWhatIsWorkedOnAndACancellationEndsIt() async throws {
        let diary = Diary()
        let (gate, opening) = AsyncStream<Void>.makeStream()
        let controller = Controller<String>(name: "test", logger: Self.logger) { _ in
            diary.write("begun")
            for await _ in gate {}
            diary.write(Task.isCancelled ? "cancelled" : "finished")
            return .done
        }
        controller.queue.add("a")
        controller.queue.add("b")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await controller.run()
                diary.write("stopped")
            }
            var entries = diary.entries.makeAsyncIterator()
            #expect(await entries.next() == "begun")
            controller.stop()
            opening.finish()
            #expect(await entries.next() == "finished")
            #expect(await entries.next() == "stopped")
            try await group.waitForAll()
        }

        let other = Controller<String>(name: "test", logger: Self.logger) { _ in
            diary.write("begun")
            try await Task.sleep(for: .seconds(3600))
            return .done
        }
        other.queue.add("a")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await other.run() }
                diary.write("stopped")
            }
            var entries = diary.entries.makeAsyncIterator()
            #expect(await entries.next() == "begun")
            group.cancelAll()
            #expect(await entries.next() == "stopped")
        }
        #expect(other.queue.failureCount(of: "a") == 0)
    }

    @Test func whatTakesTooLongIsCancelledAndTriedAgain() async throws {
        let clock = ManualClock()
        let diary = Diary()
        let controller = Controller<String>(name: "test", timeLimit: .seconds(30), clock: clock, logger: Self.logger) {
            _ in
            diary.write("begun")
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                diary.write("cancelled")
                throw error
            }
            return .done
        }
        controller.queue.add("a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            var entries = diary.entries.makeAsyncIterator()
            #expect(await entries.next() == "begun")
            await clock.waitForSleep(until: .seconds(30))
            clock.advance(by: .seconds(30))
            #expect(await entries.next() == "cancelled")
            await clock.waitForSleep(until: .seconds(30) + .milliseconds(5))
            #expect(controller.queue.failureCount(of: "a") == 1)
            controller.stop()
            try await group.waitForAll()
        }
    }

    /// What went well, or failed for good, was the end of a row of failures: the next pause is the first one again.
    @Test(.timeLimit(.minutes(1)), arguments: ["done", "requeue", "terminal"])
    func successEndsARowOfFailures(_ how: String) async throws {
        let clock = ManualClock()
        let diary = Diary()
        let attempts = Mutex(0)
        let controller = Controller<String>(name: "test", clock: clock, logger: Self.logger) { key in
            let attempt = attempts.withLock { attempts in
                attempts += 1
                return attempts
            }
            diary.write("\(attempt)")
            guard attempt == 3 else { throw Failure() }
            switch how {
            case "requeue": return .requeue(after: .seconds(9))
            case "terminal": throw TerminalError(Failure())
            default: return .done
            }
        }
        controller.queue.add("a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            var entries = diary.entries.makeAsyncIterator()
            #expect(await entries.next() == "1")
            await clock.waitForSleep(until: .milliseconds(5))
            clock.advance(by: .milliseconds(5))
            #expect(await entries.next() == "2")
            await clock.waitForSleep(until: .milliseconds(15))
            clock.advance(by: .milliseconds(10))
            #expect(await entries.next() == "3")
            while controller.queue.failureCount(of: "a") > 0 { try await Task.sleep(for: .milliseconds(1)) }
            controller.queue.add("a")
            #expect(await entries.next() == "4")
            await clock.waitForSleep(until: .milliseconds(20))
            #expect(controller.queue.failureCount(of: "a") == 1)
            group.cancelAll()
        }
    }
}
