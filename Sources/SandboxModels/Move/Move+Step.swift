// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

extension Move {
    /// What happens in a move.
    public enum Event: Sendable, Hashable {
        /// The pause was asked for.
        case pauseAsked
        /// The resume was asked for that makes it here what it was.
        case resumeAsked
        /// It is paused, and durable.
        case paused
        /// The target can read the image.
        case sent(image: String)
        /// Before anybody was asked to create it: it cannot be done.
        case givenUp(String)
        /// It is about to be asked for at the target, or was taken.
        case offered
        /// The target has said no, or nothing for too long.
        case refused(String)
        /// It runs there.
        case arrived(Arrival)
        /// Somebody calls it off.
        case cancelled
        /// The target has promised that it does not run it and never will.
        case withdrawn
        /// It is here what it was before. With a reason if it could not be resumed.
        case returned(String?)
        /// What is here stays as it is.
        case kept
        /// Something failed that is tried again.
        case hindered(String)
    }

    /// The move after an event; nil if the event does not concern the phase that it is in. So whoever has acted upon an older
    /// state changes nothing.
    public func after(_ event: Event, at now: Date) -> Move? {
        switch (event, phase) {
        case (.pauseAsked, .pausing): return with { $0.pauseAskedAt = now }
        case (.resumeAsked, .returning): return with { $0.resumeAskedAt = now }
        case (.paused, .pausing): return moved(to: .sending, now)
        case (.sent(let image), .sending): return moved(to: .ready, now) { $0.image = image }
        case (.givenUp(let why), .pausing), (.givenUp(let why), .sending), (.givenUp(let why), .ready):
            return moved(to: .returning, now) { $0.problem = why }
        case (.offered, .ready): return moved(to: .arriving, now)
        case (.refused(let why), .arriving): return moved(to: .withdrawing, now) { $0.problem = why }
        // Also one that is called off has moved if the target runs it.
        case (.arrived(let arrival), .arriving), (.arrived(let arrival), .withdrawing):
            return moved(to: .leaving, now) { $0.arrival = arrival }
        case (.cancelled, .pausing), (.cancelled, .sending), (.cancelled, .ready):
            return moved(to: .returning, now) { $0.isCancelled = true }
        case (.cancelled, .arriving): return moved(to: .withdrawing, now) { $0.isCancelled = true }
        case (.withdrawn, .withdrawing): return moved(to: .returning, now)
        case (.returned(let why), .returning):
            return moved(to: isCancelled ? .cancelled : .failed, now) { move in
                guard let why else { return }
                move.problem = [move.problem, why].compactMap(\.self).joined(separator: " ")
            }
        case (.kept, .leaving): return source == .keepPaused ? moved(to: .moved, now) : nil
        case (.hindered(let why), _) where isOpen && why != problem: return with { $0.problem = why }
        default: return nil
        }
    }

    private func with(_ edit: (inout Move) -> Void) -> Move {
        var move = self
        edit(&move)
        return move
    }

    private func moved(to phase: Phase, _ now: Date, _ edit: (inout Move) -> Void = { _ in }) -> Move {
        with {
            $0.phase = phase
            $0.since = now
            // What has hindered it does so no more; why it is given up is kept.
            if phase != .returning, phase != .failed, phase != .cancelled, phase != .withdrawing { $0.problem = nil }
            edit(&$0)
        }
    }
}
