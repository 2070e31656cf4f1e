// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

extension StoreIndex<BatchSandbox> {
    /// By the pool that a sandbox has, or wants, its pods of.
    static let pool = StoreIndex("pool") { sandbox in
        guard let pool = sandbox.spec.poolRef, !pool.isEmpty else { return [] }
        return [key(sandbox.metadata.namespace, pool)]
    }

    /// By each pod of a pool that a sandbox has. One whose annotations cannot be read is under none: see `unreadableAllocation`.
    static let heldPod = StoreIndex("heldPod") { sandbox in
        guard let held = try? PooledSandbox(sandbox, pool: "").held else { return [] }
        return held.map { key(sandbox.metadata.namespace, $0) }
    }

    /// By namespace, those of which nobody can say which pods they have.
    static let unreadableAllocation = StoreIndex("unreadableAllocation") { sandbox in
        (try? PooledSandbox(sandbox, pool: "")) == nil ? [sandbox.metadata.namespace ?? ""] : []
    }

    /// The value of an index for a name in a namespace.
    static func key(_ namespace: String?, _ name: String) -> String { "\(namespace ?? "")/\(name)" }
}
