// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Server

import struct Foundation.Date

/// What the E2B API asks of a runtime besides.
extension InMemoryRuntime {
    /// Puts a sandbox of an owner there.
    @discardableResult
    func put(
        _ id: String,
        _ state: SandboxStatus.State,
        of owner: String,
        metadata: [String: String] = [:],
        timeout: TimeoutPolicy? = TimeoutPolicy()
    ) -> Sandbox {
        var sandbox = put(id, state, metadata: metadata)
        sandbox.spec.owner = owner
        sandbox.spec.template = "box"
        sandbox.spec.timeout = timeout
        byID[id] = sandbox
        return sandbox
    }

    /// Changes a sandbox that is there.
    func change(_ id: String, _ edit: @Sendable (inout Sandbox) -> Void) {
        guard var sandbox = byID[id] else { return }
        edit(&sandbox)
        byID[id] = sandbox
    }

    /// Puts a snapshot of an owner there.
    func putSnapshot(_ id: String, of sandbox: String, owner: String, name: String? = nil, source: SandboxSpec? = nil) {
        var snapshot = putSnapshot(id, .ready, of: sandbox, name: name)
        snapshot.owner = owner
        snapshot.source = source
        snapshotsByID[id] = snapshot
    }

    /// Makes a template be known.
    func know(_ template: SandboxTemplateSummary) { known.append(template) }

    /// Makes the next pauses fail.
    func failPauses(_ message: String?) { pauseFailure = message }

    /// Makes the next creates fail.
    func failCreates(_ error: SandboxError?) { createError = error }

    func templates() -> [SandboxTemplateSummary] { known }

    func setTimeout(_ id: String, to date: Date, onlyIfLater: Bool) throws {
        let sandbox = try sandbox(id)
        guard sandbox.status.state == .running else {
            throw SandboxError(.invalidState, "The sandbox '\(id)' is \(sandbox.status.state.rawValue).")
        }
        let end = sandbox.spec.timeout?.action == .pause ? \Sandbox.pausesAt : \Sandbox.expiresAt
        guard let present = sandbox[keyPath: end], !onlyIfLater || date > present else { return }
        byID[id]?[keyPath: end] = date
    }

    func pause(_ id: String, keptFor retention: PausedRetention?) throws {
        retentions.append(retention)
        switch try sandbox(id).status.state {
        case .paused, .pausing: return
        case .running where pauseFailure != nil: byID[id]?.status.message = pauseFailure
        default: try pause(id)
        }
    }

    func connect(_ id: String, until date: Date) throws -> Bool {
        switch try sandbox(id).status.state {
        case .running:
            try setTimeout(id, to: date, onlyIfLater: true)
            return false
        case .pausing: throw SandboxError(.invalidState, "The sandbox '\(id)' is being paused.")
        default:
            try resume(id)
            if byID[id]?.status.state == .running { try setTimeout(id, to: date, onlyIfLater: false) }
            return true
        }
    }

    func createSnapshot(of id: String, options: SnapshotOptions) throws -> Snapshot {
        snapshotOptions.append(options)
        var snapshot = try createSnapshot(of: id, name: options.name)
        snapshot.owner = options.owner
        snapshot.isInternal = options.isInternal
        snapshot.source = try sandbox(id).spec
        snapshot.status.state = .ready
        snapshotsByID[snapshot.id] = snapshot
        return snapshot
    }
}
