// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Notices that something has not come in time. Used on one event loop.
///
/// Nearly always it comes, and the next thing is waited for. So moving the end of the wait moves no timer: the one that is set
/// goes off where the end was once, and is set again if there is still time.
final class Watchdog {
    /// What is done when it has not come.
    var onSilence: () -> Void = {}
    private let loop: any EventLoop
    private var end: NIODeadline?
    private var timer: (goesOff: NIODeadline, alarm: Scheduled<Void>)?

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Something is to come within a time; `nil` if it may take any.
    func expect(within time: TimeAmount?) {
        guard let time else {
            end = nil
            return
        }
        let end = NIODeadline.now() + time
        self.end = end
        if let timer, timer.goesOff <= end { return }
        timer?.alarm.cancel()
        set(end)
    }

    /// Nothing is to come any more.
    func stop() {
        end = nil
        timer?.alarm.cancel()
        timer = nil
    }

    private func set(_ time: NIODeadline) {
        let alarm = loop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in
            guard let self else { return }
            goOff()
        }
        timer = (time, alarm)
    }

    private func goOff() {
        timer = nil
        guard let end else { return }
        guard end <= .now() else { return set(end) }
        self.end = nil
        onSilence()
    }
}
