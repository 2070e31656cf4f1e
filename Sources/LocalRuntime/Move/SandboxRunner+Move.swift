// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// A sandbox that moves to another server.
extension SandboxRunner {
    /// Checks that it may run here.
    ///
    /// - Throws: `SandboxError` with `invalidState`.
    func expectNoMove() throws(SandboxError) {
        if let refusal = row.move?.resumeRefusal(id) { throw refusal }
    }

    /// What of it travels.
    var luggage: Luggage {
        var spec = row.spec
        spec.snapshotID = nil
        spec.options?.requestKey = nil
        spec.options?.requestDigest = nil
        spec.options?.chosenID = nil
        let volumes = spec.volumes.map { "volume \($0.name)" }
        spec.volumes = []
        var luggage = Luggage(spec: spec, expiresAt: row.intent.timers.expireAt, leftBehind: volumes)
        if spec.owner != nil || spec.timeout != nil {
            luggage.obstacles.append("It was created by the E2B API, which knows no other server to move it to.")
        }
        return luggage
    }
}
