// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

extension PausedRetention {
    /// What stands for ever, as an end has to be written: a hundred years.
    private static let hundredYears: Double = 100 * 365 * 86_400

    /// Reads `forever`, or a Go duration that is more than nothing.
    init?(kruise text: String) {
        if text == "forever" {
            self = .forever
            return
        }
        guard let duration = GoDuration(text), duration.nanoseconds > 0 else { return nil }
        self = .seconds(Double(duration.nanoseconds) / 1e9)
    }

    /// Reads what a creator may say: whole days (`30d`), too.
    init?(parameter text: String) {
        if text.hasSuffix("d"), let days = Int(text.dropLast()), (1...36_500).contains(days) {
            self = .seconds(Double(days) * 86_400)
        } else {
            self.init(kruise: text)
        }
    }

    /// What is read as this.
    var kruise: String {
        switch self {
        case .forever: "forever"
        case .seconds(let seconds): GoDuration(.seconds(seconds)).description
        }
    }

    /// When it ends that begins then.
    func end(from start: Date) -> Date {
        start.addingTimeInterval(min(seconds ?? Self.hundredYears, Self.hundredYears))
    }
}

extension KruiseSandbox {
    /// For how long it is kept when it is paused, as its annotation says. What is no duration means for ever, as it does to its
    /// controller.
    var pausedRetention: PausedRetention {
        metadata.annotations[Kruise.Annotation.reservePausedSandboxDuration].flatMap { PausedRetention(kruise: $0) }
            ?? .forever
    }
}
