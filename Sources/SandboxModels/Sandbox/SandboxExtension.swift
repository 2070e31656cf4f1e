// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Names of extension parameters of the OpenSandbox Lifecycle API that say something to a runtime. Their values are strings.
public enum SandboxExtension {
    /// The pool that a sandbox is taken out of.
    public static let pool = "poolRef"
    /// By how many seconds from then on an access renews a sandbox, 300 to 86400.
    public static let renewOnAccess = "access.renew.extend.seconds"
    /// Whether an access resumes a sandbox that is paused: `true` or `false`. An addition to upstream's.
    public static let resumeOnAccess = "access.auto-resume"
    /// After how many seconds without access a sandbox is paused, 10 to 2592000. An addition to upstream's.
    public static let pauseWhenIdle = "access.idle-pause.seconds"
    /// The sandbox that another one is to be like: what a create leaves empty of the environment and of the resource limits is
    /// what that one was asked for with. It is not kept. An addition to upstream's.
    public static let like = "stasis.dev/like"
    /// The identity that a sandbox is to have, where the server lets clients choose it. An addition to upstream's.
    public static let chosenID = "stasis.dev/sandbox-id"
}
