// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import TestSupport

import struct Foundation.Date

/// What an API server keeps of one pool, in a test: objects with versions, of which caches see some earlier state.
struct AllocationWorld {
    struct Box: Equatable {
        var sandbox: PooledSandbox
        var version: Int
        var hasFinalizer = false
        var isDeleting: Bool { sandbox.isLeaving }
    }

    /// The Pool.
    var ledger = PoolLedger()
    var ledgerVersion = 0
    /// By UID.
    var boxes: [String: Box] = [:]
    /// By name.
    var pods: [String: PoolPod] = [:]
    /// Each state of the sandboxes and the pods, for caches.
    private(set) var history: [(boxes: [String: Box], pods: [String: PoolPod])] = [([:], [:])]
    private(set) var version = 0
    private var names = 0

    mutating func name(_ prefix: String) -> String {
        names += 1
        return "\(prefix)-\(names)"
    }

    /// Counts a write.
    mutating func wrote() -> Int {
        version += 1
        return version
    }

    /// Makes the present state one that caches can see.
    mutating func remember() {
        if history.last?.boxes != boxes || history.last?.pods != pods { history.append((boxes, pods)) }
    }

    // MARK: - Writes of controllers

    mutating func write(_ ledger: PoolLedger, ifVersion version: Int) -> Bool {
        guard version == ledgerVersion else { return false }
        self.ledger = ledger
        ledgerVersion = wrote()
        return true
    }

    enum Answer { case done, conflict, gone }

    mutating func change(_ uid: String, ifVersion version: Int, _ change: (inout Box) -> Void) -> Answer {
        guard var box = boxes[uid] else { return .gone }
        guard box.version == version else { return .conflict }
        change(&box)
        box.version = wrote()
        boxes[uid] = box.isDeleting && !box.hasFinalizer ? nil : box
        return .done
    }

    // MARK: - What happens by itself, and by users

    mutating func createBox(replicas: Int) {
        let name = name("box")
        let sandbox = PooledSandbox(
            name: name,
            uid: "uid-\(name)",
            created: Date(timeIntervalSince1970: Double(names)),
            replicas: replicas
        )
        boxes[sandbox.uid] = Box(sandbox: sandbox, version: wrote())
    }

    mutating func edit(_ uid: String, _ change: (inout Box) -> Void) {
        guard let version = boxes[uid]?.version else { return }
        _ = self.change(uid, ifVersion: version, change)
    }

    mutating func createPod() {
        let name = name("pod")
        pods[name] = PoolPod(name: name, state: .ready)
    }

    /// Which pods are had by more than one sandbox.
    var doubles: [String] {
        var holders: [String: Int] = [:]
        for box in boxes.values { for pod in box.sandbox.held { holders[pod, default: 0] += 1 } }
        return holders.filter { $0.value > 1 }.keys.sorted()
    }
}
