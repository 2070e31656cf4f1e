// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Something that a sandbox can be asked to have and that only some runtimes give. The raw values are the fields of the
/// OpenSandbox Lifecycle API that ask for it.
public enum SandboxFeature: String, Sendable, Hashable, CaseIterable {
    /// It is taken out of a pool.
    case pool = "extensions.poolRef"
    /// What it may connect to is limited.
    case networkPolicy
    /// Credentials are put into its requests on the way.
    case credentialProxy
    /// Whoever connects to it has to know a token.
    case secureAccess
    /// Commands run before it starts, and again and again.
    case lifecycle
    /// It is started from a template of a microVM runtime.
    case template = "templateId"
}
