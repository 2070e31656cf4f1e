// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

public import struct Foundation.Date

/// What is to happen to a `KruiseSandbox` because its time has come.
public enum KruiseTimerAction: Sendable, Hashable {
    /// It is to be deleted, paused or not.
    case delete
    /// Its spec is to become this, in which it is paused.
    case pause(KruiseSandboxSpec)
}

extension KruiseSandbox {
    /// What its dates say is to be done now; `nil` for nothing.
    ///
    /// `shutdownTime` goes before `pauseTime`, but not where the sandbox is to be kept for a while once it is paused, and both have
    /// passed: it is paused then.
    ///
    /// - Parameter spentPauseTime: The `pauseTime` that was acted upon last. Each acts once.
    public func due(at now: Date, spentPauseTime: Date?) -> KruiseTimerAction? {
        guard metadata.deletionTimestamp == nil else { return nil }
        let mayPause = spec.paused != true && pauseTimeToCome(after: spentPauseTime).map { $0 <= now } ?? false
        if let shutdownTime = spec.shutdownTime?.date, shutdownTime < now, !(mayPause && reservation != nil) {
            return .delete
        }
        guard mayPause else { return nil }
        var paused = spec
        paused.paused = true
        if let reservation, spec.shutdownTime != nil {
            let end = reservation.end(from: now)
            paused.shutdownTime = end
            paused.pauseTime = end
        }
        return .pause(paused)
    }

    /// When something of that is due next; `nil` for never.
    public func nextDue(after now: Date, spentPauseTime: Date?) -> Date? {
        guard metadata.deletionTimestamp == nil else { return nil }
        var dates = [spec.shutdownTime?.date.addingTimeInterval(Self.instant)]
        if spec.paused != true { dates.append(pauseTimeToCome(after: spentPauseTime)) }
        return dates.compactMap(\.self).filter { $0 > now }.min()
    }

    /// For how long it is kept once its `pauseTime` has paused it; `nil` if nobody has said so.
    public var reservation: KruiseReservation? {
        metadata.annotations[Kruise.Annotation.reservePausedSandboxDuration].map { KruiseReservation($0) }
    }

    private func pauseTimeToCome(after spent: Date?) -> Date? {
        guard let date = spec.pauseTime?.date, date != spent else { return nil }
        return date
    }

    /// `shutdownTime` acts after it, not at it.
    private static let instant = 0.001
}

/// For how long a sandbox is kept once its timeout has paused it.
public enum KruiseReservation: Sendable, Hashable {
    /// As good as always.
    case forever
    /// So long.
    case span(GoDuration)

    /// What an annotation says. What makes no sense there keeps the sandbox for ever: nothing is deleted by a slip.
    public init(_ text: String) {
        if text != Self.foreverWord, let span = GoDuration(text), span.nanoseconds > 0 {
            self = .span(span)
        } else {
            self = .forever
        }
    }

    /// Until when that is, in whole seconds.
    public func end(from now: Date) -> SpelledTime {
        let seconds: Double =
            switch self {
            case .forever: Self.foreverSeconds
            case .span(let span): Double(span.nanoseconds) / 1e9
            }
        let text = Timestamp(now.addingTimeInterval(seconds)).description
        return SpelledTime(text) ?? SpelledTime(now.addingTimeInterval(seconds))
    }

    /// Says that there is no end.
    public static let foreverWord = "forever"
    /// A hundred years.
    private static let foreverSeconds: Double = 100 * 365 * 86400
}
