// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// Decides what becomes of notes: which are new events, which count an event up, and which are too many. Pure.
///
/// As in client-go: a note like an earlier one counts that up; many notes that differ in their message only become one; and an
/// object about which too much is told is told of more rarely.
struct EventCorrelator {
    /// What becomes of a note.
    enum Outcome {
        /// A new event.
        case create(Subject, message: String)
        /// It has happened again; so many times by now.
        case count(Subject, name: String, message: String, count: Int, first: Timestamp)
        /// Too much is told about its object.
        case drop
    }

    /// What makes two notes the same event.
    struct Subject: Sendable, Hashable {
        let object: ObjectReference
        let severity: EventNote.Severity
        let reason: String
        /// `nil` for all messages together.
        let message: String?
    }

    struct Limits: Sendable, Hashable {
        /// How many notes about one object are told at once after a rest.
        var burst = 25
        /// After what time one more is told.
        var refillInterval = Duration.seconds(300)
        /// So many messages of one reason are told apart; more become one event.
        var similar = 10
        /// For so long similar notes count as such.
        var similarWindow = Duration.seconds(600)
        /// About so many subjects something is remembered.
        var memory = 4096
    }

    private struct Bucket {
        var tokens: Double
        var updated: Duration
    }

    private struct Group {
        var messages: Set<String> = []
        var last: Duration
    }

    private struct Written {
        var name: String
        var count: Int
        var first: Timestamp
    }

    private let limits: Limits
    private var buckets: RecentValues<ObjectReference, Bucket>
    private var groups: RecentValues<Subject, Group>
    private var written: RecentValues<Subject, Written>

    init(_ limits: Limits = Limits()) {
        self.limits = limits
        buckets = RecentValues(limit: limits.memory)
        groups = RecentValues(limit: limits.memory)
        written = RecentValues(limit: limits.memory)
    }

    /// What becomes of a note.
    mutating func take(_ note: EventNote, at now: Duration) -> Outcome {
        var object = note.object
        // Another state of it is still the same object.
        object.resourceVersion = nil
        let all = Subject(object: object, severity: note.severity, reason: note.reason, message: nil)
        var group = groups[all] ?? Group(last: now)
        if now - group.last > limits.similarWindow { group.messages = [] }
        group.last = now
        if group.messages.count < limits.similar { group.messages.insert(note.message) }
        let isKnown = group.messages.contains(note.message)
        groups[all] = group

        let subject =
            isKnown ? Subject(object: object, severity: note.severity, reason: note.reason, message: note.message) : all
        let message = isKnown ? note.message : "(combined from similar events): \(note.message)"
        guard takeToken(for: object, at: now) else { return .drop }
        guard var event = written[subject] else { return .create(subject, message: message) }
        event.count += 1
        written[subject] = event
        return .count(subject, name: event.name, message: message, count: event.count, first: event.first)
    }

    /// An event was written, for the first time or anew.
    mutating func wrote(_ subject: Subject, name: String, count: Int, first: Timestamp) {
        written[subject] = Written(name: name, count: count, first: first)
    }

    /// An event is gone: the next note like it is a new one.
    mutating func forget(_ subject: Subject) { written[subject] = nil }

    private mutating func takeToken(for object: ObjectReference, at now: Duration) -> Bool {
        var bucket = buckets[object] ?? Bucket(tokens: Double(limits.burst), updated: now)
        bucket.tokens = min(Double(limits.burst), bucket.tokens + (now - bucket.updated) / limits.refillInterval)
        bucket.updated = now
        let isAllowed = bucket.tokens >= 1
        if isAllowed { bucket.tokens -= 1 }
        buckets[object] = bucket
        return isAllowed
    }
}
