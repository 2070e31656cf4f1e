// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Server

/// Large bodies, whose receivers are slow: what is on its way is bounded.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ProxyFlowTests {
    static let size = 100 << 20
    static let piece = ByteBuffer(repeating: 0x61, count: 256 << 10)
    /// What the kernel may hold on both connections, which grows as it sees fit, and a little for the server.
    static let bound = 40 << 20

    @Test func aLargeUploadIsBounded() async throws {
        let inFlight = Tally()
        let stuck = Tally()
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            // Nothing is read until the client cannot send any more.
            await stuck.reaches(1)
            var count = 0
            while count < Self.size, let bytes = try await wire.next() {
                count += bytes.readableBytes
                await inFlight.add(-bytes.readableBytes)
            }
            let answer = "\(count)"
            try await wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)")
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send("PUT /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: \(Self.size)\r\n\r\n")
                let sender = wire.sender
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for _ in 0..<(Self.size / Self.piece.readableBytes) {
                            try await sender.write(Self.piece)
                            await inFlight.add(Self.piece.readableBytes)
                        }
                    }
                    group.addTask {
                        try await Self.untilStill(inFlight)
                        await stuck.add(1)
                    }
                    try await group.waitForAll()
                }
                #expect(try await wire.readResponse().body == "\(Self.size)")
            }
        }
        #expect(await inFlight.peak < Self.bound)
        #expect(await inFlight.value == 0)
    }

    @Test func aLargeDownloadIsBounded() async throws {
        let inFlight = Tally()
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.size)\r\n\r\n")
            for _ in 0..<(Self.size / Self.piece.readableBytes) {
                try await wire.send(Self.piece)
                await inFlight.add(Self.piece.readableBytes)
            }
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send("GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await wire.readHead()
                try await Self.untilStill(inFlight)
                var count = 0
                while count < Self.size, let bytes = try await wire.next() {
                    count += bytes.readableBytes
                    await inFlight.add(-bytes.readableBytes)
                }
                #expect(count == Self.size)
            }
        }
        #expect(await inFlight.peak < Self.bound)
    }

    /// Waits until a count no longer grows: the sender is stuck, or has sent all.
    static func untilStill(_ tally: Tally) async throws {
        await tally.reaches(1)
        var last = -1
        while await tally.value != last {
            last = await tally.value
            try await Task.sleep(for: .milliseconds(300))
        }
    }
}
