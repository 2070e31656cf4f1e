// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// How connections are used, and used again.
struct ConnectionTests {
    private static let object = #"{"metadata":{"name":"one"}}"#

    @Test func oneConnectionCarriesOneRequestAfterTheOther() async throws {
        let numbers = Mutex<[Int]>([])
        try await RawWebServer.run { exchange in
            numbers.withLock { $0.append(exchange.connection) }
            try await exchange.answer("200 OK", Self.object)
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                for _ in 0..<20 { _ = try await client.maps.get("one") }
                #expect(numbers.withLock { $0 } == Array(repeating: 1, count: 20))
            }
        }
    }

    /// An answer after which the server closes, and one that says so too late.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 27\r\n\r\n\(object)",
        "HTTP/1.1 200 OK\r\n\r\n\(object)",
    ])
    func connectionsThatEndAreNotUsedAgain(_ answer: String) async throws {
        let count = Mutex(0)
        try await RawWebServer.run { exchange in
            count.withLock { $0 = exchange.connection }
            try await exchange.send(answer)
            throw CancellationError()
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                for number in 1...3 {
                    let object = try await client.maps.get("one")
                    #expect(object.metadata.name == "one")
                    #expect(count.withLock { $0 } == number)
                }
            }
        }
    }

    /// What comes without having been asked for is not taken for the next answer.
    @Test func whatNobodyAskedForIsNoAnswer() async throws {
        try await RawWebServer.run { exchange in
            try await exchange.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n\(Self.object)HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
            )
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                for _ in 0..<5 {
                    let object = try await client.maps.get("one")
                    #expect(object.metadata.name == "one")
                }
            }
        }
    }

    /// There are no more connections than may be, and whoever waits for one gets one, in the end.
    @Test func connectionsAreLimited() async throws {
        let most = Mutex((open: 0, most: 0))
        try await RawWebServer.run { exchange in
            most.withLock {
                $0.open += 1
                $0.most = max($0.most, $0.open)
            }
            await Task.yield()
            most.withLock { $0.open -= 1 }
            try await exchange.answer("200 OK", Self.object)
        } body: { server in
            let pool = ConnectionPool(
                ServerAddress(try ServerEndpoint("http://\(server.authority)"), connectTimeout: .seconds(60)),
                limit: 3
            )
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await pool.run(Self.exchange(), as: nil).body.collect(upTo: 100).readableBytes
                    }
                }
                for try await bytes in group { #expect(bytes == Self.object.utf8.count) }
            }
            #expect(server.openConnections <= 3 && most.withLock { $0.most } <= 3)
            await pool.shutDown()
            await #expect(throws: ConnectionFault.self) { try await pool.run(Self.exchange(), as: nil) }
        }
    }

    /// Who waits for a connection can be cancelled, and is not forgotten when the one who has it goes.
    @Test func whoWaitsCanGoAndIsNotForgotten() async throws {
        let (began, signal) = AsyncStream.makeStream(of: Void.self)
        try await RawWebServer.run { exchange in
            if exchange.head.contains("/hang") {
                signal.yield()
                try await exchange.hang()
            }
            try await exchange.answer("200 OK", Self.object)
        } body: { server in
            let pool = ConnectionPool(
                ServerAddress(try ServerEndpoint("http://\(server.authority)"), connectTimeout: .seconds(60)),
                limit: 1
            )
            let holder = Task { try await pool.run(Self.exchange("/hang"), as: nil) }
            var signals = began.makeAsyncIterator()
            await signals.next()
            let waiting = Task { try await pool.run(Self.exchange(), as: nil) }
            let other = Task { try await pool.run(Self.exchange(), as: nil) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            holder.cancel()
            await #expect(throws: CancellationError.self) { try await holder.value }
            #expect(try await other.value.head.code == 200)
            await pool.shutDown()
        }
    }

    /// Nobody waits for a connection longer than for an answer.
    @Test func waitingForAConnectionEnds() async throws {
        try await RawWebServer.run {
            try await $0.hang()
        } body: { server in
            let pool = ConnectionPool(
                ServerAddress(try ServerEndpoint("http://\(server.authority)"), connectTimeout: .seconds(60)),
                limit: 1
            )
            let holder = Task { try await pool.run(Self.exchange(), as: nil) }
            for _ in 0..<2 {
                await #expect(throws: ConnectionFault.self) {
                    try await pool.run(Self.exchange(patience: .milliseconds(50)), as: nil)
                }
            }
            await pool.shutDown()
            await #expect(throws: ConnectionFault.self) { try await holder.value }
        }
    }

    /// Many tasks at once, some of them cancelled at any moment: each gets its own answer or its cancellation.
    @Test func everyoneGetsTheirOwnAnswer() async throws {
        try await RawWebServer.run { exchange in
            let name = exchange.head.split(separator: " ").dropFirst().first.map { $0.dropFirst() } ?? ""
            try await exchange.answer("200 OK", "\(name)")
        } body: { server in
            let pool = ConnectionPool(
                ServerAddress(try ServerEndpoint("http://\(server.authority)"), connectTimeout: .seconds(60)),
                limit: 8
            )
            await withTaskGroup(of: Void.self) { group in
                var generator = SeededGenerator(seed: 11)
                for number in 0..<400 {
                    let turns = Int.random(in: 0...6, using: &generator)
                    let isCancelled = number % 3 == 0
                    group.addTask {
                        let request = Task { () throws -> String in
                            let answer = try await pool.run(Self.exchange("/\(number)"), as: nil)
                            return String(buffer: try await answer.body.collect(upTo: 100))
                        }
                        if isCancelled {
                            for _ in 0..<turns { await Task.yield() }
                            request.cancel()
                        }
                        do {
                            #expect(try await request.value == "\(number)")
                        } catch {
                            #expect(isCancelled && error is CancellationError, "\(number): \(error)")
                        }
                    }
                }
            }
            await pool.shutDown()
        }
    }

    /// A long answer is not read before somebody reads it, and then it is read to its end.
    @Test func whoReadsSlowlyHoldsTheServerUp() async throws {
        let size = 64 << 20
        try await RawWebServer.run { exchange in
            try await exchange.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            let part = String(repeating: "x", count: 1 << 16)
            for _ in 0..<(size >> 16) { try await exchange.send(part) }
        } body: { server in
            let pool = ConnectionPool(
                ServerAddress(try ServerEndpoint("http://\(server.authority)"), connectTimeout: .seconds(60)),
                limit: 1
            )
            let answer = try await pool.run(Self.exchange(reading: .stream), as: nil)
            var iterator = answer.body.makeAsyncIterator()
            var count = try await iterator.next()?.readableBytes ?? 0
            // It does not get any further: what the kernel keeps is much less than the answer.
            var before = -1
            while server.sent != before {
                before = server.sent
                for _ in 0..<1000 { await Task.yield() }
            }
            #expect(server.sent < size / 2)
            while let bytes = try await iterator.next() {
                #expect(bytes.readableBytes < 1 << 20)
                count += bytes.readableBytes
            }
            #expect(count == size)
            await pool.shutDown()
        }
    }

    /// Who does not read an answer to its end leaves no connection behind.
    @Test func whatIsNotReadToItsEndIsClosed() async throws {
        try await RawWebServer.run { exchange in
            try await exchange.sendHead()
            while true { try await exchange.sendChunk(String(repeating: "x", count: 50_000)) }
        } body: { server in
            let pool = ConnectionPool(
                ServerAddress(try ServerEndpoint("http://\(server.authority)"), connectTimeout: .seconds(60)),
                limit: 1
            )
            // There is room for one only, so each must have gone before the next one comes.
            for _ in 0..<5 {
                let answer = try await pool.run(Self.exchange(reading: .stream), as: nil)
                var iterator = answer.body.makeAsyncIterator()
                #expect(try await iterator.next() != nil)
            }
            await pool.shutDown()
        }
    }

    /// What is behind a proxy is asked through it.
    @Test func aProxyIsAskedInstead() async throws {
        try await RawWebServer.run {
            try await $0.answer("200 OK", Self.object)
        } body: { server in
            try await withTestClient(
                "http://api.example",
                configure: { $0.server.proxy = "http://\(server.authority)" }
            ) { client, _ in
                let object = try await client.maps.get("one")
                #expect(object.metadata.name == "one")
                #expect(!server.heads.isEmpty && server.heads.allSatisfy { $0.contains("api.example") })
            }
        }
    }

    @Test func aTokenWithALineEndIsNotSent() async throws {
        try await RawWebServer.run {
            try await $0.answer("200 OK", Self.object)
        } body: { server in
            try await withTestClient(
                "http://\(server.authority)",
                credentials: KubeCredentials(token: .literal("a\r\nX-Injected: yes"))
            ) { client, _ in
                let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
                #expect(error?.kind == .invalidConfiguration && error?.description.contains("Injected") == false)
                #expect(server.heads.isEmpty)
            }
        }
    }

    private static func exchange(
        _ path: String = "/",
        reading: Exchange.Reading = .whole(limit: 1 << 20),
        patience: TimeAmount? = nil
    ) -> Exchange {
        Exchange(
            message: ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n"),
            reading: reading,
            patience: patience,
            silence: nil
        )
    }
}
