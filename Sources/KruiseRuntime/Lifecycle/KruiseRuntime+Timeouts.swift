// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import Logging
public import SandboxModels

public import struct Foundation.Date

/// Pausing and resuming sandboxes, and changing when their time is over.
///
/// Each is one patch of the state that was looked at, and the controller's timers patch no other way. So of several at once one
/// is first, and the others look again at what it has made of the sandbox.
extension KruiseRuntime {
    /// Seconds that a resumed sandbox has that says nothing itself.
    private static let timeAfterResume: Double = 300

    /// Begins to pause a sandbox; its status tells how it goes on.
    ///
    /// - Throws: `SandboxError` with `notFound`, `invalidState` unless it runs, or `runtimeUnavailable`.
    public func pause(_ id: String) async throws {
        try await wish(id, isPaused: true, "pause the sandbox") { entry in
            guard entry.sandbox.status.state == .running else { throw Self.cannot("paused", entry) }
            return try Self.pause(entry, now: now(), retention: nil)
        }
    }

    /// Begins to pause a sandbox unless it is paused or being paused already. Until it is resumed its timeout does not count.
    ///
    /// - Parameter retention: For how long it is kept; nil: as its annotation says, which else is changed.
    /// - Throws: `SandboxError` with `notFound`, also when its time is over; `invalidState` if it is on its way to running, or has
    ///   failed; `runtimeUnavailable`.
    public func pause(_ id: String, keptFor retention: PausedRetention?) async throws {
        try await wish(id, isPaused: true, "pause the sandbox") { entry in
            switch entry.sandbox.status.state {
            case .pausing: nil
            // The one that a resume has left paused is to stay so now.
            case .paused: entry.object.spec.paused == true ? nil : ["spec": ["paused": true]]
            case .running: try Self.pause(entry, now: now(), retention: retention)
            default: throw Self.cannot("paused", entry)
            }
        }
    }

    /// Begins to resume a sandbox; its status tells how it goes on. It has as much time as its policy gives it at least.
    ///
    /// - Throws: `SandboxError` with `notFound`, `invalidState` unless it is paused, or `runtimeUnavailable`.
    public func resume(_ id: String) async throws {
        try await wish(id, isPaused: false, "resume the sandbox") { entry in
            guard entry.sandbox.status.state == .paused else { throw Self.cannot("resumed", entry) }
            // As long as it was given at first.
            let end = now().addingTimeInterval(Double(entry.object.request?.seconds ?? 0))
            return Self.resume(entry, until: end, now: now())
        }
    }

    /// Makes sure that a sandbox runs or is on its way, and that it has time at least until a date.
    ///
    /// - Parameter date: What a resumed one gets, unless its policy gives it more; one that runs only gets more than it has.
    /// - Returns: Whether it had to be resumed.
    /// - Throws: `SandboxError` with `notFound`, also when its time is over; `invalidState` while it is being paused, or has failed;
    ///   `runtimeUnavailable`.
    public func connect(_ id: String, until date: Date) async throws -> Bool {
        var wasPaused = false
        try await wish(id, isPaused: false, "resume the sandbox") { entry in
            let state = entry.sandbox.status.state
            if state == .paused || state == .resuming { wasPaused = true }
            switch state {
            case .running, .resuming, .pending: return Self.extend(entry, to: date)
            case .paused: return Self.resume(entry, until: date, now: now())
            // What was captured is still there.
            case .failed where entry.sandbox.artifact != nil:
                wasPaused = true
                return Self.resume(entry, until: date, now: now())
            default: throw Self.cannot("resumed", entry)
            }
        }
        return wasPaused
    }

    /// Makes the time of a running sandbox end at another date. One that has no end is left without.
    ///
    /// - Throws: `SandboxError` with `notFound`, also when its time is over; `invalidState` unless it runs; `runtimeUnavailable`.
    public func setTimeout(_ id: String, to date: Date, onlyIfLater: Bool) async throws {
        try await change(id, "change the timeout of the sandbox") { entry in
            let states: Set<SandboxStatus.State> = [.running, .resuming, .pending]
            guard states.contains(entry.sandbox.status.state) else { throw Self.cannot("given another timeout", entry) }
            if onlyIfLater { return Self.extend(entry, to: date) }
            let timeout = SandboxTimeout(entry.object.spec)
            let changed = timeout.ending(at: date, retention: entry.object.pausedRetention)
            return changed == timeout ? nil : ["spec": .object(changed.members)]
        }
    }

    /// Makes a sandbox expire at another time, earlier or later.
    ///
    /// - Throws: `SandboxError` with `notFound`; `neverExpires` if it was created without a time to live; `invalidState` unless it
    ///   runs; `runtimeUnavailable`.
    public func renew(_ id: String, until date: Date) async throws {
        let entry = try await entry(id)
        guard SandboxTimeout(entry.object.spec) != .never else {
            throw SandboxError(
                .neverExpires,
                "The sandbox '\(id)' was created without a timeout, so there is none to change."
            )
        }
        try await setTimeout(id, to: date, onlyIfLater: false)
    }

    // MARK: Patches

    /// What pauses a sandbox that runs.
    private static func pause(
        _ entry: SandboxDirectory<KruiseSandbox>.Entry,
        now: Date,
        retention: PausedRetention?
    ) throws -> JSONValue {
        guard entry.object.isReady else { throw cannot("paused", entry) }
        // A wish that is there already has failed. Taken away, and stated anew afterwards, it is another one.
        if entry.object.spec.paused == true { return ["spec": ["paused": false]] }
        let timeout = SandboxTimeout(entry.object.spec)
        var spec = timeout.paused(at: now, retention: retention ?? entry.object.pausedRetention).members
        spec["paused"] = true
        var annotations: [String: JSONValue] = [
            timeoutBeforePause: timeout.end.map { .string(SpelledTime($0).text) } ?? .null
        ]
        if let retention { annotations[Kruise.Annotation.reservePausedSandboxDuration] = .string(retention.kruise) }
        return ["metadata": ["annotations": .object(annotations)], "spec": .object(spec)]
    }

    /// What resumes a sandbox that is paused, with its new timeout.
    private static func resume(
        _ entry: SandboxDirectory<KruiseSandbox>.Entry,
        until date: Date,
        now: Date
    ) -> JSONValue {
        // As with a pause.
        if entry.object.spec.paused != true { return ["spec": ["paused": true]] }
        let least = entry.object.request?.leastAfterResume.map(Double.init) ?? 0
        let end = max(date, now.addingTimeInterval(least > 0 ? least : date > now ? 0 : timeAfterResume))
        let timeout = SandboxTimeout(entry.object.spec).ending(at: end, retention: entry.object.pausedRetention)
        var spec = timeout.members
        spec["paused"] = false
        return ["metadata": ["annotations": [timeoutBeforePause: .null]], "spec": .object(spec)]
    }

    /// What gives a sandbox more time; nil if it has it.
    private static func extend(_ entry: SandboxDirectory<KruiseSandbox>.Entry, to date: Date) -> JSONValue? {
        let timeout = SandboxTimeout(entry.object.spec)
        let extended = timeout.extended(to: date, retention: entry.object.pausedRetention)
        var spec = extended == timeout ? [:] : extended.members
        // A pause that did not come about is not to be wished for any more by whoever looks at the object.
        if entry.object.failedPause != nil { spec["paused"] = false }
        return spec.isEmpty ? nil : ["spec": .object(spec)]
    }

    // MARK: Pauses that fail

    /// On a sandbox that somebody has paused: when its time was to be over.
    static let timeoutBeforePause = "stasis.dev/timeout-before-pause"

    /// Gives a sandbox whose pause did not come about its timeout back, which it was not to have while it is paused. Every server
    /// does it: the second one finds it done.
    func restoreTimeout(_ id: String) async {
        do {
            try await objects.edit(id, "restore the timeout of the sandbox", requiresState: true) { entry in
                guard entry.object.failedPause != nil,
                    let text = entry.object.metadata.annotations[Self.timeoutBeforePause],
                    let before = SpelledTime(text)?.date
                else { return nil }
                // Whoever wanted to keep it has a while to see that it was not paused.
                let end = max(before, now().addingTimeInterval(Self.timeAfterResume))
                let timeout = SandboxTimeout(entry.object.spec)
                    .ending(at: end, retention: entry.object.pausedRetention)
                return [
                    "metadata": ["annotations": [Self.timeoutBeforePause: .null]],
                    "spec": .object(timeout.members),
                ]
            }
        } catch {
            logger.warning(
                "a timeout could not be restored after a pause that failed",
                metadata: ["sandbox": "\(id)", "error": "\(error)"]
            )
        }
    }

    // MARK: Writing

    /// Patches a sandbox like ``change(_:_:_:)``. If the patch takes a wish away, so that it can be stated anew, it goes on when the
    /// controller has taken note of that: both at once would look like the edit of another field.
    private func wish(
        _ id: String,
        isPaused: Bool,
        _ what: String,
        _ body: (SandboxDirectory<KruiseSandbox>.Entry) throws -> JSONValue?
    ) async throws {
        let named = { (entry: SandboxDirectory<KruiseSandbox>.Entry) in
            try body(entry).map { Self.named($0, isPaused: isPaused, of: entry.object.metadata) }
        }
        while let patch = try await change(id, what, named), patch["spec"]?["paused"] == .bool(!isPaused) {
            await waitUntilNoted(id)
        }
    }

    /// A patch that also says in which request it states its wish, if it does.
    private static func named(_ patch: JSONValue, isPaused: Bool, of metadata: ObjectMeta) -> JSONValue {
        let wish = RequestedWish.annotations(pause: isPaused, of: metadata)
        guard !wish.isEmpty, patch["spec"]?["paused"] == .bool(isPaused), var members = patch.object else {
            return patch
        }
        var meta = members["metadata"]?.object ?? [:]
        meta["annotations"] = .object((meta["annotations"]?.object ?? [:]).merging(wish) { $1 })
        members["metadata"] = .object(meta)
        return .object(members)
    }

    /// How long a controller is waited for that has to take note of something.
    private static let notePatience: Duration = .seconds(2)

    /// Returns when the controller of a sandbox has seen its spec.
    private func waitUntilNoted(_ id: String) async {
        let changes = directory.changes(of: id)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await entry in changes {
                    guard let metadata = entry?.object.metadata,
                        let noted = (try? PauseIntent(recordedIn: metadata)) ?? nil,
                        noted.generation < metadata.generation ?? 0
                    else { return }
                }
            }
            group.addTask { _ = try? await Task.sleep(for: Self.notePatience) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Patches a sandbox in the state that the patch was made for. Before it is refused, or left as it is, its newest state is
    /// asked for.
    ///
    /// - Parameter body: The patch; nil if there is nothing to change.
    /// - Returns: What was patched.
    @discardableResult
    private func change(
        _ id: String,
        _ what: String,
        _ body: (SandboxDirectory<KruiseSandbox>.Entry) throws -> JSONValue?
    ) async throws -> JSONValue? {
        var isCertain = false
        while true {
            let known = try await entry(id)
            if isCertain { try await objects.refresh(known, what) }
            var patch: JSONValue?
            do {
                try await objects.edit(id, what, requiresState: true) { entry in
                    guard !entry.sandbox.isOver(at: now()) else { throw SandboxError.noSandbox(id) }
                    patch = try body(entry)
                    return patch
                }
                if patch != nil || isCertain { return patch }
            } catch let error as SandboxError where error.code == .invalidState || error.code == .notFound {
                // What is being deleted is not there any more.
                if directory[id]?.object.metadata.deletionTimestamp != nil { throw SandboxError.noSandbox(id) }
                // Others may be in another state by now.
                if isCertain { throw error }
            }
            isCertain = true
        }
    }

    private static func cannot(_ what: String, _ entry: SandboxDirectory<KruiseSandbox>.Entry) -> SandboxError {
        let state = entry.sandbox.status.state == .running ? "not ready" : entry.sandbox.status.state.rawValue
        return SandboxError(.invalidState, "The sandbox '\(entry.sandbox.id)' cannot be \(what) while it is \(state).")
    }
}
