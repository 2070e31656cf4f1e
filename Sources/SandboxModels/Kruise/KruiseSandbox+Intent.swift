// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

private import Crypto
import KubeModels

public import struct Foundation.Date

extension KruiseSandbox {
    /// What its owner wants now. It is to be written down before it is acted upon, if it differs from what was.
    ///
    /// `spec.paused` that is not there is the wish to run.
    ///
    /// - Parameter last: What was written down last. A state of the object that is older changes nothing.
    public func pauseIntent(after last: PauseIntent?) -> PauseIntent {
        PauseIntent(
            after: last,
            generation: metadata.generation ?? 0,
            specDigest: spec.digestWithoutPaused,
            pause: spec.paused ?? false,
            requested: RequestedWish(in: metadata)
        )
    }

    /// The wish, as the state machine reads it.
    ///
    /// What its dates say is for the controller, which changes or deletes the object when it is due; see `due(at:spentPauseTime:)`. The
    /// machine is told of `pauseTime` only where a pause is wanted: so it remembers which one that was for.
    ///
    /// - Parameter intent: The wish as it was written down.
    public func lifecycleIntent(_ intent: PauseIntent) -> Intent {
        intent.intent(
            isDeleted: metadata.deletionTimestamp != nil,
            timers: Timers(pauseAt: intent.wantsPaused ? spec.pauseTime?.date : nil)
        )
    }

    /// Whether a `pauseTime` that has passed needs no acting upon because its sandbox was paused then, and is now resumed by a change of
    /// nothing else: whoever writes `paused: false` and leaves the date alone does not want it to be paused again at once.
    ///
    /// - Parameters:
    ///   - last: What its owner was known to want before; `nil` if nothing.
    ///   - intent: What its owner wants now.
    public func outlivesPauseTime(_ last: PauseIntent?, _ intent: PauseIntent, at now: Date) -> Bool {
        guard let last, last.wantsPaused, !intent.wantsPaused, let pauseTime = spec.pauseTime else { return false }
        return last.specDigest == intent.specDigest && pauseTime.date <= now
    }
}

extension KruiseSandboxSpec {
    /// The SHA-256 of all fields but `paused`, known or not, in 64 hexadecimal digits. The order of members does not matter.
    public var digestWithoutPaused: String {
        var others = self
        others.paused = nil
        return SHA256.hexadecimal(ofMembers: others)
    }
}
