// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import KubeRuntime

@Suite
struct WorkQueueTests {
    @Test func aKeyWaitsOnceAndComesInItsTurn() {
        var queue = WorkQueueState<String>()
        for key in ["a", "b", "a", "c", "b"] { queue.add(key, at: .zero) }
        #expect(queue.depth == 3)
        #expect(
            [queue.next(at: .zero)?.key, queue.next(at: .zero)?.key, queue.next(at: .zero)?.key] == ["a", "b", "c"]
        )
        #expect(queue.next(at: .zero) == nil)
    }

    @Test func aKeyThatIsWorkedOnWaitsUntilThatIsDone() {
        var queue = WorkQueueState<String>()
        queue.add("a", at: .zero)
        _ = queue.next(at: .zero)
        queue.add("a", at: .seconds(1))
        queue.add("a", at: .seconds(2))
        #expect(queue.depth == 0 && queue.next(at: .seconds(2)) == nil)
        #expect(queue.done("a", at: .seconds(3)) == .seconds(3))
        #expect(queue.next(at: .seconds(4)).map { $0.waited } == .seconds(1))
        #expect(queue.done("a", at: .seconds(4)) == .zero && queue.done("a", at: .seconds(4)) == nil)
        #expect(queue.next(at: .seconds(4)) == nil)
    }

    @Test func ofSeveralTimesTheEarliestCounts() {
        var queue = WorkQueueState<String>()
        queue.add("a", due: .seconds(9), at: .zero)
        queue.add("a", due: .seconds(5), at: .zero)
        queue.add("a", due: .seconds(7), at: .zero)
        queue.add("b", due: .seconds(5), at: .zero)
        #expect(queue.nextDue() == .seconds(5) && queue.delayedCount == 2)
        #expect(queue.release(at: .seconds(4)) == 0)
        #expect(queue.release(at: .seconds(20)) == 2)
        #expect(queue.next(at: .zero)?.key == "a" && queue.next(at: .zero)?.key == "b")
        #expect(queue.nextDue() == nil && queue.release(at: .seconds(30)) == 0)
    }

    /// Random calls: no key is ever given to two at a time, and each addition is followed by a turn that begins after it.
    @Test func noKeyIsLostAndNoneIsWorkedOnTwice() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var queue = WorkQueueState<Int>()
            var working: Set<Int> = []
            var owed: Set<Int> = []
            var due: [Int: Duration] = [:]
            var now = Duration.zero
            for _ in 0..<200 {
                let key = Int.random(in: 0..<5, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1:
                    queue.add(key, at: now)
                    owed.insert(key)
                case 2:
                    let time = now + .seconds(Int.random(in: 1...5, using: &random))
                    queue.add(key, due: time, at: now)
                    due[key] = min(due[key] ?? time, time)
                case 3:
                    if let taken = queue.next(at: now)?.key {
                        #expect(working.insert(taken).inserted, "\(taken) is worked on twice")
                        #expect(owed.remove(taken) != nil, "\(taken) came unasked")
                    } else {
                        #expect(owed.isSubset(of: working))
                    }
                case 4:
                    if let done = working.randomElement(using: &random) {
                        working.remove(done)
                        queue.done(done, at: now)
                    }
                default:
                    now += .seconds(1)
                    _ = queue.release(at: now)
                    for (key, time) in due where time <= now {
                        owed.insert(key)
                        due[key] = nil
                    }
                }
            }
            #expect(queue.processingCount == working.count && queue.delayedCount == due.count)
        }
    }

    @Test(.timeLimit(.minutes(1))) func thePauseGrowsWithEachFailureUntilOneGoesWell() async {
        let clock = ManualClock()
        let queue = WorkQueue<String>(
            name: "test",
            backoff: Backoff(firstDelay: .milliseconds(5), longestDelay: .milliseconds(15)),
            clock: clock
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await queue.run() }
            var time = Duration.zero
            for pause in [5, 10, 15, 15] {
                queue.addAfterFailure("a")
                #expect(queue.depth == 0)
                await clock.waitForSleep(until: time + .milliseconds(pause))
                clock.advance(by: .milliseconds(pause))
                time += .milliseconds(pause)
                #expect(await queue.next() == "a")
                queue.done("a")
            }
            #expect(queue.failureCount(of: "a") == 4)
            queue.forget("a")
            queue.addAfterFailure("a")
            await clock.waitForSleep(until: time + .milliseconds(5))
            group.cancelAll()
        }
        #expect(clock.sleepers == 0)
    }

    @Test func anEarlierKeyIsNotHeldBackByALaterOne() async {
        let clock = ManualClock()
        let queue = WorkQueue<String>(name: "test", clock: clock)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await queue.run() }
            queue.add("late", after: .seconds(100))
            await clock.waitForSleep(until: .seconds(100))
            queue.add("early", after: .seconds(1))
            await clock.waitForSleep(until: .seconds(1))
            clock.advance(by: .seconds(1))
            #expect(await queue.next() == "early")
            #expect(queue.delayedCount == 1)
            queue.shutDown()
        }
        #expect(await queue.next() == nil && queue.depth == 0)
    }

    @Test func whoeverWaitsIsWokenUpAndCanBeCancelled() async {
        let queue = WorkQueue<Int>(name: "test")
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var count = 0
                    while let key = await queue.next() {
                        count += 1
                        queue.done(key)
                    }
                    return count
                }
            }
            for key in 0..<1000 { queue.add(key) }
            while queue.depth > 0 { await Task.yield() }
            group.cancelAll()
            var total = 0
            for await count in group { total += count }
            #expect(total == 1000)
        }
    }
}
