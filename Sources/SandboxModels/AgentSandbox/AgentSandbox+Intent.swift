// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

extension AgentSandbox {
    /// Whether its owner asks for it to be suspended with a snapshot.
    public var wantsSuspension: Bool { metadata.annotations[AgentSandboxes.Annotation.suspend] == "true" }

    /// What its owner wants now. It is to be written down before it is acted upon, if it differs from what was.
    ///
    /// The wish is the annotation `stasis.dev/suspend`, and a change of it is an order. So is it when somebody else has told a suspended
    /// sandbox to run, as upstream's clients do: then its owner wants it to run, whatever the annotation says.
    ///
    /// - Parameter last: What was written down last.
    public func pauseIntent(after last: PauseIntent?) -> PauseIntent {
        let suspend = wantsSuspension
        var intent = last ?? PauseIntent()
        intent.generation = metadata.generation ?? 0
        guard let last else {
            intent.pause = suspend
            intent.wantsPaused = suspend
            intent.statements = 1
            return intent
        }
        if suspend != last.pause ?? false {
            intent.pause = suspend
            intent.wantsPaused = suspend
            intent.statements += 1
        } else if AgentSandboxNotes(of: self).isSuspended == true, !isSuspended {
            intent.pause = false
            intent.wantsPaused = false
            intent.statements += 1
        }
        return intent
    }

    /// The wish, as the state machine reads it. Its dates are upstream's to act upon.
    ///
    /// - Parameter intent: The wish as it was written down.
    public func lifecycleIntent(_ intent: PauseIntent) -> Intent {
        intent.intent(isDeleted: metadata.deletionTimestamp != nil, timers: Timers())
    }
}

extension PauseIntent {
    /// States the wish to run, because somebody else has seen to that already.
    public mutating func restateRunning() {
        wantsPaused = false
        statements += 1
    }

    /// Takes note of what became of a wish, so that stating it once more is a new order: nothing is suspended that was to be, or
    /// nothing runs that was to.
    ///
    /// - Parameter record: What is written down.
    public mutating func settle(by record: AggregateRecord) {
        guard record.acknowledged >= statements else { return }
        switch record.phase {
        case .paused: pause = true
        case .running, .failed: pause = false
        case .pending, .pausing, .sealing, .releasing, .thawing, .resuming, .deleting, .deleted: break
        }
    }
}
