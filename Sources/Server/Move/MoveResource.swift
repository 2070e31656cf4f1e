// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// A move as the API writes it. What is not there is left out, and so are keys.
struct MoveResource: Encodable {
    struct Target: Encodable {
        var name: String?
        var url: String?
        var handover: Bool?
    }

    struct Arrival: Encodable {
        var server: String
        var sandboxId: String
    }

    var id: String
    var sandboxId: String
    var target: Target
    var source: String
    var phase: String
    /// Why it does not go on, or did not come about.
    var message: String?
    var leftBehind: [String]?
    var startedAt: Date
    var lastTransitionAt: Date
    /// Where it runs now.
    var movedTo: Arrival?
    /// The pause's progress, while it is being captured.
    var progress: SandboxStatus.Progress?

    init(_ move: Move, of sandbox: Sandbox) {
        id = move.id
        sandboxId = sandbox.id
        target =
            switch move.target {
            case .named(let name): Target(name: name)
            case .server(let url, _): Target(url: url)
            case .handover: Target(handover: true)
            }
        source = move.source.rawValue
        phase = move.phase.rawValue
        message = move.problem
        leftBehind = move.leftBehind.isEmpty ? nil : move.leftBehind
        startedAt = move.startedAt
        lastTransitionAt = move.since
        movedTo = move.arrival.map { Arrival(server: $0.server, sandboxId: $0.sandboxID) }
        progress = move.phase == .pausing ? sandbox.status.progress : nil
    }
}
