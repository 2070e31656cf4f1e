// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import SandboxModels
import Testing

@testable import Server

/// Requests to sandboxes that are paused and want to be woken.
@Suite(.timeLimit(.minutes(3))) struct WakeTests {
    static let request = "POST /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"

    /// Waits until so many requests wait for the sandbox, and it has been asked to resume.
    static func untilWaiting(_ count: Int, _ wires: Tally, _ proxied: ProxiedAPI) async throws {
        await wires.reaches(count)
        for await sandbox in try await proxied.runtime.changes(of: "box") where sandbox.status.state == .resuming { break }
    }

    @Test func manyRequestsWakeItOnce() async throws {
        let sent = Tally()
        var proxy = ServerConfiguration.Proxy()
        proxy.wakeWaitersPerSandbox = 200
        try await ProxiedAPI.with(wakes: true, paused: true, proxy: proxy, upstream: ProxiedAPI.echo) { proxied async throws in
            await proxied.runtime.onResume(.held)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await Wire.connect(proxied.port) { wire async throws in
                            try await wire.send(Self.request)
                            await sent.add(1)
                            let answer = try await wire.readResponse()
                            #expect(answer.head.status == 200 && answer.body.hasSuffix("body"))
                        }
                    }
                }
                try await Self.untilWaiting(200, sent, proxied)
                await proxied.runtime.set("box", .running)
                try await group.waitForAll()
            }
            #expect(await proxied.runtime.resumes == 1)
        }
    }

    @Test(arguments: [SandboxStatus.State.pausing, .resuming, .pending]) func otherStatesAreWaitedFor(
        state: SandboxStatus.State
    ) async throws {
        try await ProxiedAPI.with(wakes: true, paused: true, upstream: ProxiedAPI.echo) { proxied async throws in
            await proxied.runtime.set("box", state)
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.request)
                await proxied.runtime.accesses(atLeast: 1)
                await proxied.runtime.set("box", state == .pausing ? .paused : .running)
                #expect(try await wire.readResponse().head.status == 200)
            }
            #expect(await proxied.runtime.resumes == (state == .pausing ? 1 : 0))
        }
    }

    @Test func whoDoesNotAskIsNotWoken() async throws {
        try await ProxiedAPI.with(wakes: false, paused: true, upstream: ProxiedAPI.echo) { proxied async throws in
            let answer = try await proxied.exchange(Self.request)
            #expect(answer.head.status == 404 && answer.body.contains("KUBERNETES::POD_IP_NOT_AVAILABLE"))
            #expect(await proxied.runtime.resumes == 0)
        }
    }

    @Test func whoMayNotGoThereWakesNobody() async throws {
        let headers = ["OpenSandbox-Secure-Access": "t"]
        try await ProxiedAPI.with(wakes: true, paused: true, headers: headers, upstream: ProxiedAPI.echo) { proxied async throws in
            #expect(try await proxied.exchange(Self.request).head.status == 401)
            #expect(await proxied.runtime.resumes == 0)
        }
    }

    @Test(arguments: [
        InMemoryRuntime.Resumption.failing("The image is gone."),
        .refused(SandboxError(.runtimeUnavailable, "The image is gone.")),
    ])
    func aFailureIsTold(resumption: InMemoryRuntime.Resumption) async throws {
        try await ProxiedAPI.with(wakes: true, paused: true, upstream: ProxiedAPI.echo) { proxied async throws in
            await proxied.runtime.onResume(resumption)
            let failed = try await proxied.exchange(Self.request)
            #expect(failed.head.status == 503 && failed.head["retry-after"] == "5")
            #expect(failed.body.contains("SANDBOX::WAKE_FAILED") && failed.body.contains("The image is gone."))
            // It is no dead end.
            await proxied.runtime.onResume(.atOnce)
            #expect(try await proxied.exchange(Self.request).head.status == 200)
        }
    }

    @Test func oneThatIsDeletedMeanwhileIsUnknown() async throws {
        try await ProxiedAPI.with(wakes: true, paused: true, upstream: ProxiedAPI.echo) { proxied async throws in
            await proxied.runtime.onResume(.held)
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.request)
                try await Self.untilWaiting(0, Tally(), proxied)
                try await proxied.runtime.delete("box")
                #expect(try await wire.readResponse().head.status == 404)
            }
        }
    }

    @Test func patienceEnds() async throws {
        var proxy = ServerConfiguration.Proxy()
        proxy.wakeTimeout = 1
        try await ProxiedAPI.with(wakes: true, paused: true, proxy: proxy, upstream: ProxiedAPI.echo) { proxied async throws in
            await proxied.runtime.onResume(.held)
            let answer = try await proxied.exchange(Self.request)
            #expect(answer.head.status == 504 && answer.body.contains("SANDBOX::WAKE_TIMEOUT"))
        }
    }

    @Test func aPortThatOpensLaterIsWaitedFor() async throws {
        try await ProxiedAPI.with(wakes: true, paused: true, upstream: ProxiedAPI.echo) { proxied async throws in
            await proxied.runtime.set("box", .running)
            let address = try await proxied.runtime.endpoint("box", port: 80).address
            await proxied.runtime.set("box", .paused)
            await proxied.runtime.listen(80, at: "127.0.0.1:1")
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.request)
                for await sandbox in try await proxied.runtime.changes(of: "box")
                where sandbox.status.state == .running { break }
                await proxied.runtime.listen(80, at: address)
                let answer = try await wire.readResponse()
                #expect(answer.head.status == 200 && answer.body.hasSuffix("body"))
            }
        }
    }

    @Test func aWebSocketWakesToo() async throws {
        try await ProxiedAPI.with(wakes: true, paused: true) { wire async throws in
            _ = try await wire.readHead()
            try await wire.send(WebSocketProxyTests.answered)
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(WebSocketProxyTests.asked)
                #expect(try await wire.readHead().status == 101)
            }
            #expect(await proxied.runtime.resumes == 1)
        }
    }

    // MARK: - Those who wait

    static let key = Waker.Key(tenant: "t", sandboxID: "box")

    /// Runs a test with a waker, beside whose `run` it runs.
    static func withWaker(
        perSandbox: Int,
        inAll: Int,
        _ body: @Sendable (Waker, InMemoryRuntime) async throws -> Void
    ) async throws {
        let waker = Waker(bounds: .init(perSandbox: perSandbox, inAll: inAll))
        let runtime = InMemoryRuntime()
        for id in ["box", "other"] { await runtime.put(id, .paused) }
        await runtime.onResume(.held)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await waker.run() }
            defer { group.cancelAll() }
            try await body(waker, runtime)
        }
    }

    static func untilWaiting(_ count: Int, _ waker: Waker) async {
        while await waker.load.waiting != count { await Task.yield() }
    }

    @Test func whoWaitsIsBounded() async throws {
        try await Self.withWaker(perSandbox: 2, inAll: 3) { waker, runtime in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { try await waker.wait(for: Self.key, port: 80, in: runtime) } }
                await Self.untilWaiting(2, waker)
                await #expect(throws: WakeError.tooManyWait) { try await waker.wait(for: Self.key, port: 80, in: runtime) }
                let other = Waker.Key(tenant: "t", sandboxID: "other")
                group.addTask { try await waker.wait(for: other, port: 80, in: runtime) }
                await Self.untilWaiting(3, waker)
                await #expect(throws: WakeError.tooManyWait) { try await waker.wait(for: other, port: 80, in: runtime) }
                for await sandbox in try await runtime.changes(of: "box") where sandbox.status.state == .resuming { break }
                for await sandbox in try await runtime.changes(of: "other") where sandbox.status.state == .resuming { break }
                await runtime.set("box", .running)
                await runtime.set("other", .running)
                try await group.waitForAll()
            }
            #expect(await waker.load == (0, 0))
            #expect(await runtime.resumes == 2)
        }
    }

    @Test func whoLeavesLeavesTheOthersWaiting() async throws {
        try await Self.withWaker(perSandbox: 9, inAll: 9) { waker, runtime in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let first = Task { try await waker.wait(for: Self.key, port: 80, in: runtime) }
                await Self.untilWaiting(1, waker)
                group.addTask { try await waker.wait(for: Self.key, port: 80, in: runtime) }
                await Self.untilWaiting(2, waker)
                first.cancel()
                await #expect(throws: CancellationError.self) { try await first.value }
                await Self.untilWaiting(1, waker)
                for await sandbox in try await runtime.changes(of: "box") where sandbox.status.state == .resuming { break }
                await runtime.set("box", .running)
                try await group.waitForAll()
            }
            #expect(await runtime.resumes == 1)
        }
    }

    @Test func aClientThatGoesNoLongerWaits() async throws {
        try await ProxiedAPI.with(wakes: true, paused: true, upstream: ProxiedAPI.echo) { proxied async throws in
            await proxied.runtime.onResume(.held)
            // As many as may wait for a sandbox come and go; one more would find no room if they were still counted.
            for _ in 0..<3 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<50 {
                        group.addTask {
                            try await Wire.connect(proxied.port) { wire async throws in
                                try await wire.send(Self.request)
                                try await Self.untilWaiting(0, Tally(), proxied)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.request)
                await proxied.runtime.accesses(atLeast: 1)
                await proxied.runtime.set("box", .running)
                #expect(try await wire.readResponse().head.status == 200)
            }
        }
    }

    @Test func theEndOfTheServerEndsTheWaiting() async throws {
        let waker = Waker(bounds: .init(perSandbox: 9, inAll: 9))
        let runtime = InMemoryRuntime()
        await runtime.put("box", .paused)
        await runtime.onResume(.held)
        let running = Task { await waker.run() }
        let waiting = Task { try await waker.wait(for: Self.key, port: 80, in: runtime) }
        await Self.untilWaiting(1, waker)
        running.cancel()
        await running.value
        await #expect(throws: WakeError.stopping) { try await waiting.value }
    }
}
