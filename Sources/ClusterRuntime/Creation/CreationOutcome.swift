// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels

/// How the creation of a sandbox goes, as its object tells.
enum CreationOutcome {
    /// It can be used.
    case ready(Sandbox)
    /// It will not come up by itself.
    case failed(SandboxError)
    /// It is on its way; the pool it is taken out of may have none.
    case waiting(shortage: String?)

    /// Reads a state of the object.
    init(_ entry: SandboxDirectory<BatchSandbox>.Entry, id: String) {
        let (sandbox, object) = (entry.sandbox, entry.object)
        switch sandbox.status.state {
        case .running where object.address != nil:
            self = .ready(sandbox)
        case .failed:
            let why = sandbox.status.message ?? "nobody has said why"
            self = .failed(SandboxError(.startFailed, "The sandbox \(id) did not come up: \(why)"))
        case .stopping, .terminated:
            self = .failed(SandboxError(.startFailed, "The sandbox \(id) was deleted before it had come up."))
        default:
            self = .waiting(shortage: object.shortage)
        }
    }
}

extension BatchSandbox {
    /// Why its pool has given it no pod yet; nil if it has, or if it is to get none.
    fileprivate var shortage: String? {
        let conditions = status?.conditions ?? []
        if let told = conditions.told(.poolAllocationPending) { return told }
        guard let pool = spec.poolRef, !pool.isEmpty,
            (try? allocation(OpenSandbox.Annotation.allocStatus).pods)?.isEmpty != false
        else { return nil }
        return conditions.told(.progressing) ?? "'\(pool)' has given it no pod."
    }
}
