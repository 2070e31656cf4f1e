// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

import struct Foundation.Date

/// When something is to be done with which sandbox.
final class DutyRoster: Sendable {
    private let dates = Mutex<[String: Date]>([:])
    private let wake: AsyncStream<Void>.Continuation
    /// Tells that the next date may be another one.
    let changes: AsyncStream<Void>

    init() {
        (changes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Sets when something is to be done with a sandbox, if ever.
    func set(_ id: String, _ date: Date?) {
        let isChanged = dates.withLock { dates in
            defer { dates[id] = date }
            return dates[id] != date
        }
        if isChanged { wake.yield() }
    }

    /// The next date; nil if there is none.
    var next: Date? { dates.withLock { $0.values.min() } }

    /// The sandboxes whose time has come, which are taken off.
    func due(_ now: Date) -> [String] {
        dates.withLock { dates in
            let due = dates.filter { $0.value <= now }.map(\.key).sorted()
            for id in due { dates[id] = nil }
            return due
        }
    }
}
