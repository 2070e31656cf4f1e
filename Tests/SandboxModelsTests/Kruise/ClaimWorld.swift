// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

/// What an API server keeps of one set and the claims that name it, in a test: objects with versions, of which caches see some
/// earlier state.
struct ClaimWorld {
    typealias Objects = (boxes: [String: KruiseSandbox], claims: [String: KruiseSandboxClaim])

    private(set) var boxes: [String: KruiseSandbox] = [:]
    private(set) var claims: [String: KruiseSandboxClaim] = [:]
    /// Each state, for caches.
    private(set) var history: [Objects] = [([:], [:])]
    /// Whether the set has a template that sandboxes can be made from.
    var now = Date(timeIntervalSince1970: 100_000)
    /// The sandboxes that each claim has ever had, by their UIDs.
    private(set) var had: [String: Set<String>] = [:]
    private var version = 0
    private var names = 0
    let set = KruiseSandboxSet.with { ($0.metadata.name, $0.metadata.uid) = ("set", "set-uid") }

    enum Answer<Object> { case done(Object), conflict, gone }

    mutating func name(_ prefix: String) -> String {
        names += 1
        return "\(prefix)-\(names)"
    }

    // MARK: - Writes

    mutating func write(_ claim: KruiseSandboxClaim) -> Answer<KruiseSandboxClaim> {
        guard let found = claims[claim.metadata.name] else { return .gone }
        guard found.metadata.resourceVersion == claim.metadata.resourceVersion else { return .conflict }
        return .done(keep(claim))
    }

    mutating func write(_ box: KruiseSandbox) -> Answer<KruiseSandbox> {
        guard let found = boxes[box.metadata.name] else { return .gone }
        guard found.metadata.resourceVersion == box.metadata.resourceVersion else { return .conflict }
        return .done(keep(box))
    }

    /// Nil if there is one of the name.
    mutating func create(_ box: KruiseSandbox) -> KruiseSandbox? {
        guard boxes[box.metadata.name] == nil else { return nil }
        var box = box
        box.metadata.uid = name("uid")
        box.metadata.creationTimestamp = Timestamp(now)
        return keep(box)
    }

    mutating func delete(_ name: String, uid: String?) {
        guard let box = boxes[name], uid == nil || box.metadata.uid == uid else { return }
        boxes[name] = nil
        remember()
    }

    private mutating func keep(_ box: KruiseSandbox) -> KruiseSandbox {
        var box = box
        version += 1
        box.metadata.resourceVersion = String(version)
        if let owner = box.metadata.annotations[Kruise.Annotation.owner] {
            had[owner, default: []].insert(box.metadata.uid ?? "")
        }
        boxes[box.metadata.name] = box
        remember()
        return box
    }

    private mutating func keep(_ claim: KruiseSandboxClaim) -> KruiseSandboxClaim {
        var claim = claim
        version += 1
        claim.metadata.resourceVersion = String(version)
        claims[claim.metadata.name] = claim
        remember()
        return claim
    }

    private mutating func remember() { history.append((boxes, claims)) }

    // MARK: - What happens by itself, and by users

    mutating func createClaim(replicas: Int, createsOnNoStock: Bool, keepsFailed: Bool) {
        let name = name("claim")
        _ = keep(
            KruiseSandboxClaim.with {
                $0.metadata.name = name
                $0.metadata.uid = "uid-\(name)"
                $0.spec.templateName = "set"
                $0.spec.replicas = replicas
                $0.spec.createOnNoStock = createsOnNoStock
                $0.spec.reserveFailedSandbox = keepsFailed
                $0.spec.claimTimeout = "10m"
            }
        )
    }

    /// What the set makes.
    mutating func createMember() {
        let name = name("box")
        _ = create(
            .with {
                $0.metadata.name = name
                $0.metadata.ownerReferences = [set.controllerReference()]
                $0.metadata.labels[Kruise.Label.sandboxClaimed] = "false"
            }
        )
    }

    mutating func edit(_ name: String, _ change: (inout KruiseSandbox) -> Void) {
        guard var box = boxes[name] else { return }
        change(&box)
        _ = keep(box)
    }

    mutating func setReady(_ isReady: Bool, _ name: String) {
        edit(name) { box in
            box.status = .with {
                $0.phase = .running
                $0.conditions = [.with { ($0.type, $0.status) = ("Ready", isReady ? "True" : "False") }]
            }
        }
    }

    /// The sandboxes that are a claim's.
    func owned(by claim: KruiseSandboxClaim) -> [KruiseSandbox] {
        let uid = claim.metadata.uid ?? ""
        return boxes.values.filter { $0.isClaimed(by: uid) && $0.isActive }.sorted {
            $0.metadata.name < $1.metadata.name
        }
    }
}
