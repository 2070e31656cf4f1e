// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SandboxModels

import struct Foundation.Date
import class Foundation.JSONEncoder

/// Carries out one sandbox's move, phase after phase. All it knows is what the move has written down.
struct MoveDriver: Sendable {
    let id: String
    let runtime: any SandboxRuntime
    let configuration: ServerConfiguration.Moving
    /// Who this is, where several could do it.
    let name: String
    let logger: Logger
    var now: @Sendable () -> Date = { Date() }

    /// For how many seconds somebody has a move who says so.
    static let hold: Double = 10
    /// How often that is said again.
    static let renewal: Duration = .seconds(3)
    /// How long a sandbox is left here that is to be deleted, for those who follow its move to read where it has gone.
    static let farewell: Double = 10
    /// How often a target may say that it could not, before it is believed.
    static let mostFailures = 3

    /// What follows from a deed.
    enum Outcome: Sendable {
        /// Look again at once.
        case done
        /// Look again after a while, or when something changes.
        case later(Duration)
        /// It has failed: look again after a while that becomes longer.
        case setback
        /// It is over.
        case over
    }

    /// Carries it out until it ends or the task is cancelled.
    ///
    /// - Parameter kicks: Tells that somebody has changed it.
    func drive(kickedBy kicks: MoveKicks) async {
        var pause = MovePause()
        while !Task.isCancelled {
            let failures = pause.failures
            // What is being done for a state that is no longer so is given up.
            let outcome = await Self.orKicked(kicks) { await turn(failures: failures) }
            switch outcome {
            case nil: pause.reset()
            case .done?: pause.reset()
            case .later(let delay)?: await Self.wait(delay, kicks)
            case .setback?: await Self.wait(pause.next(), kicks)
            case .over?: return
            }
        }
    }

    private func turn(failures: Int) async -> Outcome {
        do {
            let known = try await runtime.editMove(of: id) { move, _ in move }
            // One that knows the target can do it, and this one would only stand in the way.
            if let known, known.needsTarget, runtime.sharesMoves, (try? configuration.target(of: known.target)) == nil,
                known.target != .handover
            {
                return .later(Self.renewal)
            }
            guard let move = try await claim(), move.isOpen else { return .over }
            if let holder = move.holder, runtime.sharesMoves, holder.name != name {
                return .later(.seconds(max(0.2, min(Self.hold, holder.until.timeIntervalSince(now())))))
            }
            let sandbox = try await runtime.sandbox(id)
            let deed = move.deed(seeing: sandbox.status)
            logger.debug("a move goes on", metadata: ["phase": "\(move.phase.rawValue)", "deed": "\(deed)"])
            return try await RequestID.$current.withValue(RequestID(nearest: move.requestID ?? move.id)) {
                try await holding { try await perform(deed, of: move, sandbox, failures: failures) }
            }
        } catch let error as SandboxError where error.code == .notFound {
            return .over
        } catch is CancellationError {
            return .done
        } catch {
            logger.warning("a move does not go on; will try again", metadata: ["error": "\(error)"])
            return .setback
        }
    }

    // MARK: - The record

    /// Says who carries it out, and writes down what is seen.
    private func claim() async throws -> Move? {
        try await runtime.editMove(of: id) { move, sandbox in
            guard var move, move.isOpen else { return move }
            let date = now()
            if runtime.sharesMoves {
                if let holder = move.holder, holder.name != name, holder.until > date { return move }
                move = move.held(by: name, at: date)
            }
            if case .note(let event) = move.deed(seeing: sandbox.status) { return move.after(event, at: date) ?? move }
            return move
        }
    }

    /// Writes an event down, unless the move has gone on without it.
    func write(_ event: Move.Event, of move: Move) async throws {
        let written = try await runtime.editMove(of: id) { current, _ in
            guard let current, current.id == move.id else { return current }
            return current.after(event, at: now()) ?? current
        }
        if let written, written.phase != move.phase {
            logger.info(
                "a move goes on",
                metadata: ["from": "\(move.phase.rawValue)", "to": "\(written.phase.rawValue)", "move": "\(move.id)"]
            )
        }
    }

    /// Keeps saying who carries the move out as long as something lasts.
    private func holding<Result: Sendable>(_ body: @Sendable @escaping () async throws -> Result) async throws -> Result
    {
        guard runtime.sharesMoves else { return try await body() }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while (try? await Task.sleep(for: Self.renewal)) != nil {
                    _ = try? await runtime.editMove(of: id) { move, _ in
                        guard let move, move.isOpen, move.holder?.name == name else { return move }
                        return move.held(by: name, at: now())
                    }
                }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private static func wait(_ delay: Duration, _ kicks: MoveKicks) async {
        await orKicked(kicks) { try? await Task.sleep(for: delay) }
    }

    /// What something comes to, or nil if somebody has changed the move meanwhile.
    @discardableResult
    private static func orKicked<Result: Sendable>(
        _ kicks: MoveKicks,
        _ body: @Sendable @escaping () async -> Result
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { await body() }
            group.addTask {
                await kicks.wait()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}

/// How long to wait before something that failed is tried again.
struct MovePause {
    private(set) var failures = 0

    /// Something went on.
    mutating func reset() { failures = 0 }

    /// Ever longer, up to three seconds: others may have changed what is tried.
    mutating func next() -> Duration {
        failures += 1
        return .milliseconds(min(3000, 200 << min(failures, 5)))
    }
}

extension Move {
    /// Whether the target is still to be spoken with.
    fileprivate var needsTarget: Bool {
        switch phase {
        case .pausing, .sending, .ready, .arriving, .withdrawing: true
        case .leaving, .returning, .moved, .failed, .cancelled: false
        }
    }

    /// The move with who carries it out, if that was not said recently.
    fileprivate func held(by name: String, at date: Date) -> Move {
        if let holder, holder.name == name, holder.until.timeIntervalSince(date) > MoveDriver.hold * 0.7 { return self }
        var move = self
        // In whole milliseconds: what is written is what is read.
        let until = ((date.timeIntervalSince1970 + MoveDriver.hold) * 1000).rounded() / 1000
        move.holder = Move.Holder(name: name, until: Date(timeIntervalSince1970: until))
        return move
    }
}
