// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Testing

/// One end of a TCP connection, byte by byte: tests see and send exactly what stands on the wire.
final class Wire {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received = ByteBuffer()

    struct Ended: Error {
        var received: String
    }

    private init(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// Connects to a loopback port for as long as `body` runs.
    static func connect<Value: Sendable>(
        _ port: Int,
        _ body: (Wire) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let wire = Wire(inbound, outbound)
            return try await body(wire)
        }
    }

    /// Listens on a free loopback port while `body` runs; each connection is handled beside the others, and closed when its
    /// handler is done.
    static func listen<Value: Sendable>(
        _ handle: @escaping @Sendable (Wire) async throws -> Void,
        body: (Int) async throws -> Value
    ) async throws -> Value {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        let port = try #require(listener.channel.localAddress?.port)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for try await connection in connections {
                            tasks.addTask {
                                try? await connection.executeThenClose { inbound, outbound in
                                    let wire = Wire(inbound, outbound)
                                    try await handle(wire)
                                }
                            }
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(port)
        }
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await outbound.write(bytes)
    }

    /// What sends beside whoever reads.
    var sender: NIOAsyncChannelOutboundWriter<ByteBuffer> { outbound }

    /// Says that nothing more is sent.
    func finish() { outbound.finish() }

    /// The next bytes, whatever their number; nil at the end.
    func next() async throws -> ByteBuffer? {
        if received.readableBytes > 0 { return received.readSlice(length: received.readableBytes) }
        return try await inbound.next()
    }

    /// Exactly so many bytes.
    func read(_ count: Int) async throws -> ByteBuffer {
        while received.readableBytes < count {
            guard let more = try await inbound.next() else { throw Ended(received: String(buffer: received)) }
            received.writeImmutableBuffer(more)
        }
        guard let bytes = received.readSlice(length: count) else { throw Ended(received: "") }
        return bytes
    }

    /// What comes until some text, with it.
    func read(until text: String) async throws -> String {
        while true {
            let bytes = Array(received.readableBytesView)
            if let range = bytes.firstRange(of: Array(text.utf8)) {
                return String(buffer: try await read(range.upperBound))
            }
            guard let more = try await inbound.next() else { throw Ended(received: String(buffer: received)) }
            received.writeImmutableBuffer(more)
        }
    }

    /// All that comes.
    func readToEnd() async throws -> String {
        var all = ""
        while let bytes = try await next() { all += String(buffer: bytes) }
        return all
    }

    /// The head of a request or a response.
    func readHead() async throws -> WireHead {
        WireHead(try await read(until: "\r\n\r\n"))
    }

    /// A body that comes in chunks.
    func readChunks() async throws -> String {
        var body = ""
        while true {
            let line = try await read(until: "\r\n")
            let count = try #require(Int(line.dropLast(2), radix: 16))
            body += String(buffer: try await read(count))
            _ = try await read(2)
            if count == 0 { return body }
        }
    }

    /// A response with its body.
    func readResponse() async throws -> (head: WireHead, body: String) {
        let head = try await readHead()
        if head["transfer-encoding"] == "chunked" { return (head, try await readChunks()) }
        return (head, String(buffer: try await read(Int(head["content-length"] ?? "0") ?? 0)))
    }
}

/// The head of a message as it stands on the wire.
struct WireHead: Sendable {
    var start: String
    var fields: [(name: String, value: String)]

    init(_ text: String) {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true)
        start = String(lines.first ?? "")
        fields = lines.dropFirst().map { line in
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (halves[0].lowercased(), String(halves.last ?? "").trimmingPrefix(while: { $0 == " " }).description)
        }
    }

    /// All values of a field, in lower case.
    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// The value of a field that is there once.
    subscript(name: String) -> String? {
        let values = all(name)
        return values.count == 1 ? values[0] : nil
    }

    var status: Int? { Int(start.dropFirst("HTTP/1.1 ".count).prefix(3)) }
}

/// Counts that tasks share, and wait for.
actor Tally {
    private(set) var value = 0
    private(set) var peak = 0
    private var waiters: [(least: Int, CheckedContinuation<Void, Never>)] = []

    func add(_ count: Int) {
        value += count
        peak = max(peak, value)
        for waiter in waiters where waiter.least <= value { waiter.1.resume() }
        waiters.removeAll { $0.least <= value }
    }

    func reaches(_ least: Int) async {
        guard value < least else { return }
        await withCheckedContinuation { waiters.append((least, $0)) }
    }
}
