// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// The move of a sandbox to another server, as the server that it leaves has written it down.
///
/// Its laws: whatever is interrupted, the sandbox's state is durable on at least one side, and it runs on one side at most.
/// So each phase is written down before anything is done in it, and what is done in a phase can be done again.
public struct Move: Sendable, Hashable, Codable {
    /// Where a sandbox moves to.
    public enum Target: Sendable, Hashable, Codable {
        /// A server that the configuration names.
        case named(String)
        /// Another server, by its address and what it is sent as its key.
        case server(url: String, key: String?)
        /// Wherever somebody takes it who has the key of this server, and says so when it has arrived.
        case handover
    }

    /// What becomes of the sandbox here when it runs there.
    public enum Source: String, Sendable, Hashable, Codable, CaseIterable {
        /// It is deleted.
        case delete
        /// It stays paused, and is not resumed unless its move is forgotten.
        case keepPaused
    }

    /// How far a move is. The raw values are the API's words.
    public enum Phase: String, Sendable, Hashable, Codable, CaseIterable {
        /// It is being captured. Nothing of it is anywhere else.
        case pausing = "Pausing"
        /// Its image is brought to where the target can read it.
        case sending = "Sending"
        /// Everything is there, and nobody was asked to create it yet.
        case ready = "Ready"
        /// The target may run it, or is about to: it must not run here.
        case arriving = "Arriving"
        /// The target is asked to promise that it does not run it and never will.
        case withdrawing = "Withdrawing"
        /// It runs there; what is here is kept or deleted.
        case leaving = "Leaving"
        /// It does not run there and never will; it is being made here what it was before.
        case returning = "Returning"
        /// It has moved, and was kept here.
        case moved = "Moved"
        /// It did not come about.
        case failed = "Failed"
        /// It was called off.
        case cancelled = "Cancelled"
    }

    /// Where it has arrived.
    public struct Arrival: Sendable, Hashable, Codable {
        /// The address of the server.
        public var server: String
        /// What the sandbox is called there.
        public var sandboxID: String

        /// Creates one from its values.
        public init(server: String, sandboxID: String) {
            self.server = server
            self.sandboxID = sandboxID
        }
    }

    /// Who carries it out, where several can.
    public struct Holder: Sendable, Hashable, Codable {
        /// Who.
        public var name: String
        /// Until when, unless it says so again.
        public var until: Date

        /// Creates one from its values.
        public init(name: String, until: Date) {
            self.name = name
            self.until = until
        }
    }

    /// The identity, which no other move has.
    public var id: String
    /// Where to.
    public var target: Target
    /// What becomes of the sandbox here.
    public var source: Source
    /// Whether it is to have its identity there, too.
    public var keepsID: Bool
    /// Whether it ran when it was asked to move, and so is to run again if it does not come about.
    public var wasRunning: Bool
    /// What does not travel, as whoever asked has agreed.
    public var leftBehind: [String]
    /// How far it is.
    public var phase = Phase.pausing
    /// Since when.
    public var since: Date
    /// When it was asked for.
    public var startedAt: Date
    /// When the pause was asked for, if it was.
    public var pauseAskedAt: Date?
    /// When the resume was asked for that makes it here what it was, if it was.
    public var resumeAskedAt: Date?
    /// Where the target finds the image, by digest.
    public var image: String?
    /// Where it has arrived.
    public var arrival: Arrival?
    /// Why it does not go on, or did not come about.
    public var problem: String?
    /// Whether it was called off.
    public var isCancelled = false
    /// Whether whoever follows it has read where it has arrived.
    public var isRead = false
    /// Who carries it out.
    public var holder: Holder?
    /// The request in which it was asked for, under whose name it is carried out.
    public var requestID: String?

    /// Creates one that has just been asked for.
    public init(
        id: String,
        target: Target,
        source: Source,
        keepsID: Bool,
        wasRunning: Bool,
        leftBehind: [String] = [],
        at now: Date
    ) {
        self.id = id
        self.target = target
        self.source = source
        self.keepsID = keepsID
        self.wasRunning = wasRunning
        self.leftBehind = leftBehind
        since = now
        startedAt = now
    }

    /// By what the target knows the creation of the sandbox: however often it is asked, there is one.
    public var requestKey: String { "stasis-move-\(id)" }
}

extension Move {
    /// Whether something is still to be done.
    public var isOpen: Bool {
        switch phase {
        case .moved, .failed, .cancelled: false
        default: true
        }
    }

    /// Whether the sandbox must not be resumed here by anybody.
    public var forbidsResume: Bool {
        switch phase {
        case .pausing, .sending, .ready, .arriving, .withdrawing, .leaving, .moved: true
        case .returning, .failed, .cancelled: false
        }
    }

    /// Whether it may run there, for all that is known here.
    public var mayRunThere: Bool {
        switch phase {
        case .arriving, .withdrawing, .leaving, .moved: true
        case .pausing, .sending, .ready, .returning, .failed, .cancelled: false
        }
    }

    /// Why a resume is refused.
    ///
    /// - Parameter sandboxID: The sandbox.
    public func resumeRefusal(_ sandboxID: String) -> SandboxError? {
        guard forbidsResume else { return nil }
        let message =
            if phase == .moved {
                """
                The sandbox '\(sandboxID)' has moved to \(arrival?.server ?? "another server") as \
                '\(arrival?.sandboxID ?? "?")' and must not run twice. To use what was kept here, delete it there, then its move.
                """
            } else {
                "The sandbox '\(sandboxID)' is moving (\(phase.rawValue)). Wait for its move to end, or delete the move."
            }
        return SandboxError(.invalidState, message)
    }
}
