// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a provider can do.
public struct ProviderCapabilities: Sendable, Hashable {
    /// What of a sandbox ends up in an artifact.
    public struct Contents: OptionSet, Sendable, Hashable {
        /// The raw bits.
        public let rawValue: Int

        /// Creates a set from its bits.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The containers' root filesystems.
        public static let filesystem = Contents(rawValue: 1 << 0)
        /// Processes and their memory.
        public static let memory = Contents(rawValue: 1 << 1)
    }

    /// What is captured.
    public var contents: Contents
    /// Whether a sandbox can go on after its capture.
    public var canKeepRunning: Bool
    /// Whether a sandbox can be held frozen from its capture until its end, which a lossless pause needs: without it a sandbox is
    /// not paused at all.
    public var canHoldFrozen: Bool
    /// Whether an artifact can be restored on another node, cluster or machine.
    public var isPortable: Bool
    /// Whether a second capture stores only what changed since the first.
    public var isIncremental: Bool
    /// Whether single containers of a pod can be captured, or only the whole pod.
    public var isPerContainer: Bool
    /// Whether artifacts are images of the registry that the controller is told of. One that keeps them elsewhere works without
    /// a registry.
    public var storesImages: Bool

    /// Creates capabilities from their values; what is not said it cannot do.
    public init(
        contents: Contents = .filesystem,
        canKeepRunning: Bool = false,
        canHoldFrozen: Bool = false,
        isPortable: Bool = false,
        isIncremental: Bool = false,
        isPerContainer: Bool = false,
        storesImages: Bool = true
    ) {
        self.contents = contents
        self.canKeepRunning = canKeepRunning
        self.canHoldFrozen = canHoldFrozen
        self.isPortable = isPortable
        self.isIncremental = isIncremental
        self.isPerContainer = isPerContainer
        self.storesImages = storesImages
    }
}
