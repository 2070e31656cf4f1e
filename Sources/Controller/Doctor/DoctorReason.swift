// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why something is not in order, in a word: each is a heading of docs/doctor.md, with what to do.
enum DoctorReason: String, Sendable, Hashable, CaseIterable {
    // MARK: api-server
    case apiServerUnreachable = "APIServerUnreachable"
    case apiServerOld = "APIServerOld"
    // MARK: clocks
    case clocksDiffer = "ClocksDiffer"
    case clocksFarApart = "ClocksFarApart"
    case nodeClockDiffers = "NodeClockDiffers"
    // MARK: definitions
    case definitionsMissing = "DefinitionsMissing"
    case definitionsOld = "DefinitionsOld"
    // MARK: permissions
    case permissionMissing = "PermissionMissing"
    case permissionAdvisable = "PermissionAdvisable"
    // MARK: controllers
    case controllerAbsent = "ControllerAbsent"
    case controllersElsewhere = "ControllersElsewhere"
    case controllersWithoutLease = "ControllersWithoutLease"
    // MARK: secrets
    case secretMissing = "SecretMissing"
    case secretInvalid = "SecretInvalid"
    case secretWithoutLogin = "SecretWithoutLogin"
    case signingKeyMissing = "SigningKeyMissing"
    case verificationKeysUnusable = "VerificationKeysUnusable"
    // MARK: registry
    case registryNotConfigured = "RegistryNotConfigured"
    case registryInvalid = "RegistryInvalid"
    case registryUnreachable = "RegistryUnreachable"
    case registryCertificate = "RegistryCertificate"
    case registryPlain = "RegistryPlain"
    case registryLoginRefused = "RegistryLoginRefused"
    case registryPushRefused = "RegistryPushRefused"
    case registryPullRefused = "RegistryPullRefused"
    case registryDeleteRefused = "RegistryDeleteRefused"
    case registryKeepsImages = "RegistryKeepsImages"
    // MARK: runtime-classes
    case runtimeClassOpaque = "RuntimeClassOpaque"
    case runtimeClassMissing = "RuntimeClassMissing"
    // MARK: probes
    case livenessProbeTooStrict = "LivenessProbeTooStrict"
    // MARK: nodes
    case nodeNotReady = "NodeNotReady"
    case nodeUnsupported = "NodeUnsupported"
    case nodeRuntimeOld = "NodeRuntimeOld"
    // MARK: node-access
    case nodeCheckFailed = "NodeCheckFailed"
    case nodeCheckStuck = "NodeCheckStuck"
    // MARK: committer-image
    case committerImageByTag = "CommitterImageByTag"
    case committerImageMissing = "CommitterImageMissing"
    // MARK: leftovers
    case captureOverdue = "CaptureOverdue"
    case deletionStuck = "DeletionStuck"
    case finalizersLeft = "FinalizersLeft"
    // MARK: artifacts
    case artifactMissing = "ArtifactMissing"
    // MARK: any
    case notChecked = "NotChecked"

    /// What it is part of; nil if it may be part of anything.
    var check: DoctorCheck? {
        switch self {
        case .apiServerUnreachable, .apiServerOld: .server
        case .clocksDiffer, .clocksFarApart, .nodeClockDiffers: .clocks
        case .definitionsMissing, .definitionsOld: .definitions
        case .permissionMissing, .permissionAdvisable: .permissions
        case .controllerAbsent, .controllersElsewhere, .controllersWithoutLease: .controllers
        case .secretMissing, .secretInvalid, .secretWithoutLogin, .signingKeyMissing, .verificationKeysUnusable:
            .secrets
        case .registryNotConfigured, .registryInvalid, .registryUnreachable, .registryCertificate, .registryPlain,
            .registryLoginRefused, .registryPushRefused, .registryPullRefused, .registryDeleteRefused,
            .registryKeepsImages:
            .registry
        case .runtimeClassOpaque, .runtimeClassMissing: .runtimeClasses
        case .livenessProbeTooStrict: .probes
        case .nodeNotReady, .nodeUnsupported, .nodeRuntimeOld: .nodes
        case .nodeCheckFailed, .nodeCheckStuck: .nodeAccess
        case .committerImageByTag, .committerImageMissing: .committerImage
        case .captureOverdue, .deletionStuck, .finalizersLeft: .leftovers
        case .artifactMissing: .artifacts
        case .notChecked: nil
        }
    }

    /// How bad it is. A problem keeps sandboxes from being paused, resumed or deleted, somewhere; a warning may be what is wanted.
    var outcome: DoctorFinding.Outcome {
        switch self {
        case .notChecked: .unchecked
        case .apiServerOld, .clocksDiffer, .nodeClockDiffers, .definitionsOld, .permissionAdvisable, .controllerAbsent,
            .controllersElsewhere, .registryPlain, .registryDeleteRefused, .registryKeepsImages, .runtimeClassOpaque,
            .livenessProbeTooStrict, .nodeNotReady, .nodeUnsupported, .nodeRuntimeOld, .committerImageByTag,
            .committerImageMissing:
            .warning
        default: .problem
        }
    }
}
