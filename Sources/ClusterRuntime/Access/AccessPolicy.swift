// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// What being used means for a sandbox, as its owner asked.
struct AccessPolicy: Equatable {
    /// Seconds without access after which it is paused.
    var idleSeconds: Double?
    /// Seconds from an access for which it lives on at least.
    var renewalSeconds: Double?

    /// Reads the extension parameters; what is none is left out, as the API refuses it.
    init(_ extensions: [String: String]) {
        idleSeconds = extensions[SandboxExtension.pauseWhenIdle].flatMap { Double($0) }
        renewalSeconds = extensions[SandboxExtension.renewOnAccess].flatMap { Double($0) }
    }

    /// Seconds between two notes of an access: others than the server that sees it learn of it so much later.
    var noteInterval: Double? { idleSeconds.map { min(max($0 / 4, 1), 60) } }

    /// When a sandbox has been idle for long enough, for everybody: accesses that are not noted yet are allowed for.
    func idleDeadline(lastAccess: Date) -> Date? {
        guard let idleSeconds, let noteInterval else { return nil }
        return lastAccess.addingTimeInterval(idleSeconds + noteInterval)
    }

    /// What an access changes in an object.
    ///
    /// - Parameters:
    ///   - noted: When an access was noted last.
    ///   - expiresAt: When it expires, if ever.
    ///   - renewed: When this server has renewed it last.
    ///   - renewalInterval: Seconds between two renewals; nil if accesses do not renew here.
    func update(
        at access: Date,
        noted: Date?,
        expiresAt: Date?,
        renewed: Date?,
        renewalInterval: Double?
    ) -> AccessUpdate {
        var update = AccessUpdate()
        if let noteInterval, access.timeIntervalSince(noted ?? .distantPast) >= noteInterval {
            update.note = access
        }
        if let renewalSeconds, let renewalInterval, let expiresAt,
            access.timeIntervalSince(renewed ?? .distantPast) >= renewalInterval
        {
            let end = access.addingTimeInterval(renewalSeconds)
            if end > expiresAt { update.expiresAt = end }
        }
        return update
    }
}

/// What is to be written because of an access.
struct AccessUpdate: Equatable {
    /// The access is to be noted.
    var note: Date?
    /// The sandbox is to expire later.
    var expiresAt: Date?

    /// Whether there is nothing to write.
    var isEmpty: Bool { note == nil && expiresAt == nil }
}
