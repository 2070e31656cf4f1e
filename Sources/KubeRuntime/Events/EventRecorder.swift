// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
public import KubeClient
public import KubeModels
public import Logging
public import ServiceLifecycle

public import struct Foundation.Date

/// Tells people what happened to objects, as events of core/v1.
///
/// Recording never waits: notes are kept, up to a limit, and ``run()`` writes them. The same note again counts its event up
/// instead of filling the cluster with more of them, and of an object about which too much is told the rest is left out. An event
/// that cannot be written is lost; nothing that matters may depend on one.
public final class EventRecorder: ServiceLifecycle.Service {
    private struct State {
        var notes: Deque<(note: EventNote, time: MicroTime)> = []
        var lost = 0
        var isShutDown = false
    }

    private let client: KubeClient
    private let component: String
    private let instance: String
    private let limit: Int
    private let timeline: Timeline
    private let wallTime: @Sendable () -> MicroTime
    private let limits: EventCorrelator.Limits
    private let annotations: @Sendable () -> [String: String]
    private let logger: Logger
    private let monitor = Monitor(State())

    /// Creates a recorder.
    ///
    /// - Parameters:
    ///   - component: who tells, such as `example.com/widget-controller`.
    ///   - instance: which of those, such as the pod's name.
    ///   - limit: how many notes wait at most. More are lost, and that is logged.
    ///   - burst: how many notes about one object are told at once after a rest.
    ///   - refillInterval: after what time one more is told.
    ///   - annotations: what every event has, asked for by whoever records one: such as what its task works for.
    public init(
        _ client: KubeClient,
        component: String,
        instance: String,
        limit: Int = 1000,
        burst: Int = 25,
        refillInterval: Duration = .seconds(300),
        clock: any Clock<Duration> = .continuous,
        wallTime: @escaping @Sendable () -> MicroTime = { MicroTime(Date()) },
        annotations: @escaping @Sendable () -> [String: String] = { [:] },
        logger: Logger
    ) {
        self.client = client
        self.component = component
        self.instance = instance
        self.limit = limit
        limits = EventCorrelator.Limits(burst: burst, refillInterval: refillInterval)
        timeline = Timeline(clock)
        self.wallTime = wallTime
        self.annotations = annotations
        self.logger = logger
    }

    /// Tells something about an object.
    public func record(_ note: EventNote) {
        let time = wallTime()
        monitor.change { state in
            guard !state.isShutDown, state.notes.count < limit else {
                state.lost += 1
                return
            }
            state.notes.append((note, time))
        }
    }

    /// Tells something about an object.
    public func record(
        _ severity: EventNote.Severity,
        about object: some KubeResource,
        reason: String,
        _ message: String
    ) {
        record(
            EventNote(
                severity,
                about: object.objectReference,
                reason: reason,
                message: message,
                annotations: annotations()
            )
        )
    }

    /// Takes nothing more in; ``run()`` returns when all that was recorded is written.
    public func shutDown() { monitor.change { $0.isShutDown = true } }

    /// Writes what is recorded, until it is shut down, as also its service's shutdown does.
    ///
    /// - Throws: `CancellationError`. What was not written by then is lost.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await writeUntilShutDown()
        } onGracefulShutdown: {
            self.shutDown()
        }
    }

    private func writeUntilShutDown() async throws {
        var correlator = EventCorrelator(limits)
        while true {
            let next = await monitor.first { state -> (work: (note: EventNote, time: MicroTime)?, lost: Int)? in
                guard !state.notes.isEmpty || state.isShutDown else { return nil }
                defer { state.lost = 0 }
                return (state.notes.popFirst(), state.lost)
            }
            guard let next else { throw CancellationError() }
            if next.lost > 0 {
                logger.warning("events were lost: too many at once", metadata: ["count": "\(next.lost)"])
            }
            guard let (note, time) = next.work else { return }
            do {
                try await write(note, time, &correlator)
            } catch {
                try Task.checkCancellation()
                logger.warning(
                    "could not write an event",
                    metadata: ["reason": "\(note.reason)", "message": "\(note.message)", "error": "\(error)"]
                )
            }
        }
    }

    // MARK: Writing

    private func write(_ note: EventNote, _ time: MicroTime, _ correlator: inout EventCorrelator) async throws {
        let namespace = note.object.namespace.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        let events = client.resource(CoreEvent.self, in: .named(namespace))
        let now = Timestamp(time.date)
        switch correlator.take(note, at: timeline.now) {
        case .drop: return
        case .create(let subject, let message):
            try await create(note, message, now, time, count: 1, subject, events, &correlator)
        case .count(let subject, let name, let message, let count, let first):
            var change: [String: JSONValue] = [
                "count": .number(JSONNumber(count)), "lastTimestamp": .string(now.description),
                "message": .string(message.cut(to: 1024)),
            ]
            if !note.annotations.isEmpty {
                change["metadata"] = ["annotations": .object(note.annotations.mapValues { .string($0) })]
            }
            do {
                _ = try await events.patch(name, .merge(MergePatch(.object(change))))
            } catch let error as KubeError where error.isNotFound {
                // Events are kept for an hour or so.
                correlator.forget(subject)
                try await create(note, message, first, time, count: count, subject, events, &correlator)
            }
        }
    }

    private func create(
        _ note: EventNote,
        _ message: String,
        _ first: Timestamp,
        _ last: MicroTime,
        count: Int,
        _ subject: EventCorrelator.Subject,
        _ events: ResourceClient<CoreEvent>,
        _ correlator: inout EventCorrelator
    ) async throws {
        let suffix = Self.suffix(at: last)
        let event = CoreEvent.with {
            $0.metadata.name = (note.object.name ?? "").cut(to: 253 - suffix.count) + suffix
            $0.metadata.namespace = events.namespace
            $0.metadata.annotations = note.annotations
            $0.involvedObject = note.object
            $0.reason = note.reason.cut(to: 128)
            $0.message = message.cut(to: 1024)
            $0.type = note.severity.rawValue
            $0.source = .with { $0.component = component }
            $0.firstTimestamp = first
            $0.lastTimestamp = Timestamp(last.date)
            $0.count = count
            $0.reportingController = component
            $0.reportingInstance = instance
        }
        let created = try await events.create(event)
        correlator.wrote(subject, name: created.metadata.name, count: count, first: first)
    }
}

extension EventRecorder {
    /// The end of an event's name, no other one's about the same object. The API server lists them by name, and their times are whole
    /// seconds: so within a second, too, they are read in the order in which they were recorded.
    static func suffix(at time: MicroTime) -> String {
        let digits = String(max(0, time.microseconds) * 1000 + Int64.random(in: 0..<1000), radix: 16)
        return "." + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }
}

extension String {
    /// So much of it as has at most so many bytes, without a broken character at the end.
    func cut(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var text = self
        while text.utf8.count > bytes { text.unicodeScalars.removeLast() }
        return text
    }
}
