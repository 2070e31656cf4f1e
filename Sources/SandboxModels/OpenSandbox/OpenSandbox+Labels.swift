// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension OpenSandbox {
    /// Keys of labels.
    public enum Label {
        // MARK: Written by upstream's controller

        /// On a pod of its own: the name of the `BatchSandbox`.
        public static let batchSandboxName = "batch-sandbox.sandbox.opensandbox.io/name"
        /// On a pod of its own: which replica it is, from 0.
        public static let podIndex = "batch-sandbox.sandbox.opensandbox.io/pod-index"
        /// On a pod of a pool: the pool's name. It keeps it when a sandbox has it.
        public static let poolName = "sandbox.opensandbox.io/pool-name"
        /// On a pod of a pool: the revision of the template that it was made from.
        public static let poolRevision = "sandbox.opensandbox.io/pool-revision"
        /// On a Job that commits or thaws: the name of the snapshot, as the code has it.
        public static let sandboxSnapshotName = "sandbox.opensandbox.io/sandbox-snapshot-name"
        /// On a Job that commits or thaws: the name of the snapshot, as the documentation has it.
        public static let snapshot = "sandbox.opensandbox.io/snapshot"
        /// On a Job that commits or thaws: `true`, because it reaches the node's containers.
        public static let privilegedNodeAccess = "sandbox.opensandbox.io/privileged-node-access"

        // MARK: Written by people

        /// On a pod of a pool, with any value: it is to go, unless a sandbox has it.
        public static let evict = "pool.opensandbox.io/evict"
        /// On a `Pool`: who decides about evictions.
        public static let evictionHandler = "pool.opensandbox.io/eviction-handler"

        // MARK: Written by upstream's server

        /// On a `BatchSandbox` and its template: the sandbox's ID. By it the server finds its own.
        public static let sandboxID = "opensandbox.io/id"
        /// On a `BatchSandbox` and its template: `true` if it never expires.
        public static let manualCleanup = "opensandbox.io/manual-cleanup"
        /// On a `BatchSandbox` and its template, if it was created from a snapshot, and on a `SandboxSnapshot` that was asked
        /// for: the ID of the snapshot.
        public static let snapshotID = "opensandbox.io/snapshot-id"
        /// On a `SandboxSnapshot` that was asked for: the ID of the sandbox.
        public static let sourceSandboxID = "opensandbox.io/source-sandbox-id"
        /// On a `SandboxSnapshot` that was asked for: `public`.
        public static let snapshotScope = "opensandbox.io/snapshot-scope"
        /// The beginning of all labels of the server's own, which users' metadata may not have.
        public static let reservedPrefix = "opensandbox.io/"
    }

    /// Names of finalizers.
    public enum Finalizer {
        /// On a `BatchSandbox` with a task: its tasks are to be stopped first.
        public static let taskCleanup = "batch-sandbox.sandbox.opensandbox.io/task-cleanup"
        /// On a `BatchSandbox` with pods of a pool: the pool is to take them back first.
        public static let poolAllocation = "pool.sandbox.opensandbox.io/pool-allocation"
        /// On a `SandboxSnapshot`: its Jobs, and its images, are to be deleted first.
        public static let snapshotCleanup = "sandboxsnapshot.sandbox.opensandbox.io/cleanup"
        /// On a `BatchSandbox`: freezes, pods and images are to be cleaned up first. Our own.
        public static let sandboxCleanup = "stasis.dev/sandbox-cleanup"
    }
}
