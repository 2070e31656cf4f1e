// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension OpenSandbox {
    /// Keys of annotations.
    public enum Annotation {
        // MARK: Written by upstream's controller, and read by its server and gateway

        /// On a `BatchSandbox`: the addresses of its pods, see `EndpointsAnnotation`.
        public static let endpoints = "sandbox.opensandbox.io/endpoints"
        /// On a `BatchSandbox`: every pod that it was ever given, see `PodAllocation`.
        public static let allocStatus = "sandbox.opensandbox.io/alloc-status"
        /// On a `BatchSandbox`: the pods that it gives back, see `PodAllocation`.
        public static let allocRelease = "sandbox.opensandbox.io/alloc-release"
        /// On a `BatchSandbox`: the pods that its pool has taken back, see `PodAllocation`.
        public static let allocReleased = "sandbox.opensandbox.io/alloc-released"
        /// On a `Pool`: how containers are restarted, in JSON.
        public static let restartConfig = "sandbox.opensandbox.io/restart-config"
        /// On a pod of a pool: how far its restart is, in JSON.
        public static let restartRecord = "sandbox.opensandbox.io/restart-record"
        /// On a pod of a pool: what a restart is compared with. Upstream has it since after v0.2.0.
        public static let restartBaseline = "sandbox.opensandbox.io/restart-baseline"

        // MARK: Written by upstream's server, on a BatchSandbox and its template

        /// The token of the egress sidecar.
        public static let egressAuthToken = "opensandbox.io/egress-auth-token"
        /// The token that the gateway asks for.
        public static let secureAccessToken = "opensandbox.io/secure-access-token"
        /// By how many seconds an access renews it.
        public static let accessRenewExtendSeconds = "opensandbox.io/access-renew-extend-seconds"
        /// The beginning of those that came as extensions in a request.
        public static let extensionPrefix = "opensandbox.io/extensions."

        // MARK: Our own, in which all is that a controller needs after a crash

        /// On a `BatchSandbox`: what its state machine has written down, an `AggregateRecord`.
        public static let record = "stasis.dev/record"
        /// On a `BatchSandbox`: what was last read of its owner's wish, a `PauseIntent`.
        public static let intent = "stasis.dev/intent"
        /// On a `BatchSandbox`: which images its pauses have left that are to be deleted one day, an `ArtifactHistory`.
        public static let images = "stasis.dev/images"
        /// On a `BatchSandbox`: how tasks have ended whose pods were given back, a map from places to `TaskResult`.
        public static let taskResults = "stasis.dev/task-results"
        /// On a `SandboxSnapshot`: what its state machine has written down, a `SnapshotRecord`.
        public static let snapshotRecord = "stasis.dev/snapshot-record"
        /// On a pod of a pool: the UID of the sandbox that its `restart-record` is of. Sandboxes may have one name, one after the
        /// other.
        public static let restartRelease = "stasis.dev/restart-release"

        // MARK: Our own, written by the server

        /// On a `BatchSandbox`: what it was created from and with, a `SandboxRequest`. A resume changes the template.
        public static let request = "stasis.dev/request"
        /// On a `BatchSandbox` that never expires: until when whoever creates it waits for it. If it is still there then, nobody
        /// has heard of it, and it is deleted.
        public static let createdUntil = "stasis.dev/created-until"
        /// On a `BatchSandbox`: `false` if its `expireTime` does not count while it is paused. Otherwise it does, as upstream has it.
        public static let expiresWhilePaused = "stasis.dev/expires-while-paused"
        /// On a `BatchSandbox` that is paused when it is idle: when somebody was last seen to use it, as RFC 3339.
        public static let lastAccess = "stasis.dev/last-access"
        /// On a `BatchSandbox`: its move to another server, a `Move`.
        public static let move = "stasis.dev/move"
        /// On a `BatchSandbox` whose creator has chosen its identity: the key of the request.
        public static let requestKey = "stasis.dev/request-key"
        /// On a `BatchSandbox` that is none: the key of a request that must never make one.
        public static let refusedRequest = "stasis.dev/refused-request"
        /// On a sandbox: in which request its wish was stated, a `RequestedWish`.
        public static let wish = "stasis.dev/wish"
        /// On a `SandboxSnapshot`, a `KruiseCheckpoint`, the Job of a capture or an Event: the request that has led to it.
        public static let requestID = "stasis.dev/request-id"
        /// On a `SandboxSnapshot`: what its owner calls it.
        public static let snapshotName = "stasis.dev/snapshot-name"

        // MARK: Our own, written by people

        /// On a `SandboxSnapshot` or a `BatchSandbox`: what becomes of its images when it is deleted, `Retain` or `Delete`.
        public static let deletePolicy = "stasis.dev/delete-policy"
    }
}
