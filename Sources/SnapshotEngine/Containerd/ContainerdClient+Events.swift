// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import GRPCCore
import SwiftProtobuf
import Synchronization

import struct Foundation.Data

/// Events as they happen. It can be read once, and only while `withEvents` runs.
public struct ContainerdEvents: AsyncSequence, AsyncIteratorProtocol {
    /// One event.
    public typealias Element = ContainerdEvent

    var messages: RPCAsyncSequence<Containerd_Services_Events_V1_Envelope, any Error>.AsyncIterator
    let client: ContainerdClient

    /// The next event.
    ///
    /// - Throws: `unavailable` when the connection breaks: events were missed then, so subscribe and look again.
    public mutating func next() async throws -> ContainerdEvent? {
        try await nextEnvelope().map(ContainerdEvent.init)
    }

    /// The sequence itself: there is only one.
    public func makeAsyncIterator() -> ContainerdEvents { self }

    fileprivate mutating func nextEnvelope() async throws -> Containerd_Services_Events_V1_Envelope? {
        do {
            while let envelope = try await messages.next() {
                if envelope.topic != ContainerdClient.markTopic {
                    return envelope
                }
            }
            return nil
        } catch let error as RPCError {
            if Task.isCancelled {
                throw CancellationError()
            }
            throw ContainerdError(error, operation: "Events.Subscribe", subject: "events", socket: client.socket)
        }
    }
}

/// What is published until it comes back on the subscription.
private final class SubscriptionMark: Sendable {
    let bytes = Data("\(UInt64.random(in: 0 ... .max))".utf8)
    let wasSeen = Mutex(false)
}

/// Events.
extension ContainerdClient {
    fileprivate static let markTopic = "/stasis/subscribed"

    /// Subscribes to events of the client's namespace.
    ///
    /// When `body` begins, the subscription is active: what happens from then on is seen, so the way to follow a state is
    /// to read it at the beginning of `body` and then to apply the events. (containerd does not say when a subscription
    /// has begun. An event of our own, published until it comes back, does.)
    ///
    /// - Parameters:
    ///   - topics: Which events, such as `/tasks/exit`; all if empty.
    ///   - body: Reads the events. A slow reader slows nobody down: containerd keeps what is not read yet.
    public func withEvents<Result: Sendable>(
        topics: [String] = [],
        _ body: @escaping @Sendable (ContainerdEvents) async throws -> Result
    ) async throws -> Result {
        let mark = SubscriptionMark()
        var request = Containerd_Services_Events_V1_SubscribeRequest()
        request.filters = Self.eventFilters(namespace: namespace, topics: topics)
        let subscription = request

        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await publish(mark)
                return nil
            }
            group.addTask {
                try await call("Events.Subscribe", "events of namespace \(namespace)") {
                    let service = Containerd_Services_Events_V1_Events.Client(wrapping: connection.streams)
                    return try await service.subscribe(subscription, metadata: metadata) { response in
                        var messages = response.messages.makeAsyncIterator()
                        while let envelope = try await messages.next() {
                            guard envelope.topic == Self.markTopic, envelope.event.value == mark.bytes else {
                                continue
                            }
                            mark.wasSeen.withLock { $0 = true }
                            return try await body(ContainerdEvents(messages: messages, client: self))
                        }
                        throw RPCError(code: .unavailable, message: "the stream of events ended")
                    }
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result {
                    return result
                }
            }
            throw CancellationError()
        }
    }

    private func publish(_ mark: SubscriptionMark) async throws {
        while !mark.wasSeen.withLock({ $0 }) {
            try await call("Events.Publish", "events of namespace \(namespace)") {
                var request = Containerd_Services_Events_V1_PublishRequest()
                request.topic = Self.markTopic
                request.event.typeURL = "stasis.dev/subscription-mark"
                request.event.value = mark.bytes
                _ = try await Containerd_Services_Events_V1_Events.Client(wrapping: connection.calls)
                    .publish(request, metadata: metadata)
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    static func eventFilters(namespace: String, topics: [String]) -> [String] {
        guard !topics.isEmpty else { return ["namespace==\"\(namespace)\""] }
        return (topics + [markTopic]).map { "topic==\"\($0)\",namespace==\"\(namespace)\"" }
    }
}
