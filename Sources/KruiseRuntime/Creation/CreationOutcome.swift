// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// How the creation of a sandbox goes, as its object tells.
enum CreationOutcome {
    /// Whether a sandbox can be used.
    ///
    /// - Throws: `startFailed` if it will not come up by itself.
    static func isReady(_ object: KruiseSandbox, id: String) throws(SandboxError) -> Bool {
        let status = object.sandbox.status
        switch status.state {
        // What its creator asks for next does not count: it was there.
        case .running where object.isReady && object.isAgentTold, .pausing, .paused: return true
        case .failed, .terminated:
            throw failed(id, object.unreadiness ?? status.message ?? "nobody has said why")
        case .stopping:
            throw SandboxError(.startFailed, "The sandbox \(id) was deleted before it had come up.")
        default:
            if object.cannotStart { throw failed(id, object.unreadiness ?? "nobody has said why") }
            return false
        }
    }

    private static func failed(_ id: String, _ why: String) -> SandboxError {
        SandboxError(.startFailed, "The sandbox \(id) did not come up: \(why)")
    }
}
