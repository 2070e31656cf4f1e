// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

private import Crypto
import KubeModels

/// What belongs to a snapshot is called.
extension SandboxSnapshot {
    /// The name of the snapshot that a pause of a `BatchSandbox` makes of a replica: `<name>-pause` of the first one, or the only
    /// one, and `<name>-pause-<replica>` of the others. Longer ones are cut, see `cut`.
    ///
    /// No two sandboxes and replicas have one name: a name that ends in `-pause` or `-pause-<number>` says which they are.
    public static func pauseName(of sandbox: String, replica: Int = 0) -> String {
        cut(sandbox, "-pause" + ending(of: replica), at: 253)
    }

    /// What the names of a replica end in that the first one's do not.
    private static func ending(of replica: Int) -> String { replica == 0 ? "" : "-\(replica)" }

    /// A Job of it that does something: `<name>-<task>`. Its pods have its name as the value of a label, so longer ones are cut.
    ///
    /// - Parameter task: What it does, in a short word of lower-case letters.
    public func jobName(_ task: String) -> String { Self.cut(metadata.name, "-\(task)", at: 63) }

    /// The Job that commits: `<name>-commit`.
    public var commitJobName: String { jobName("commit") }

    /// The Job that thaws what a commit has left frozen: `<name>-unpause`.
    public var unpauseJobName: String { jobName("unpause") }

    /// The Job that kills what a commit has left sealed: `<name>-release`.
    public var releaseJobName: String { jobName("release") }

    /// The snapshot's name as the value of a label, of at most 63 characters.
    public var labelValue: String { Self.cut(metadata.name, "", at: 63) }

    /// A name with an ending. One that is too long loses its middle for eight digits of its digest, so that no two become one.
    private static func cut(_ name: String, _ ending: String, at limit: Int) -> String {
        let full = name + ending
        guard full.utf8.count > limit else { return full }
        let mark = "-" + SHA256.hexadecimal(of: Array(name.utf8)).prefix(8)
        let beginning = name.prefix(limit - ending.utf8.count - mark.utf8.count)
        // No part of a name may end in what stands between two parts.
        let kept = String(beginning).replacing(/[.-]+$/, with: "")
        return kept + mark + ending
    }

    /// Whether it is that of a pause: whether a sandbox controls it. All others were asked for by somebody.
    public var isOfPause: Bool {
        isControlled(by: BatchSandbox.self) || isControlled(by: KruiseSandbox.self)
            // In whichever version.
            || isControlled(by: AgentSandbox<AgentSandboxV1Beta1>.self)
    }

    private func isControlled<Owner: KubeResource>(by type: Owner.Type) -> Bool {
        metadata.ownerReferences.contains {
            $0.controller == true && $0.kind == Owner.resourceType.kind
                && $0.apiVersion.hasPrefix(Owner.resourceType.group + "/")
        }
    }

    /// The tag of its images.
    ///
    /// That of a pause is `snap-gen<N>` with the generation of the `BatchSandbox` when it is committed, and for all replicas but
    /// the first one `snap-gen<N>-<replica>`. One that was asked for and is called `osb-snap-<32 hexadecimal digits>` has `snap-`
    /// and these digits, any other one 32 digits of the SHA-256 of its name.
    public func imageTag(sandboxGeneration: Int, replica: Int = 0) -> String {
        if isOfPause { return "snap-gen\(sandboxGeneration)" + Self.ending(of: replica) }
        if let match = metadata.name.wholeMatch(of: /osb-snap-([0-9a-f]{32})/) { return "snap-\(match.1)" }
        return "snap-" + SHA256.hexadecimal(of: Array(metadata.name.utf8)).prefix(32)
    }

    /// Where the image of a container is stored, for people: `<registry>/<sandbox>-<container>:<tag>`.
    ///
    /// - Parameters:
    ///   - container: The container's name.
    ///   - registry: Host, port and folder of the registry, as configured.
    ///   - sandboxGeneration: The generation of the `BatchSandbox`.
    ///   - replica: The place of the replica that a pause captures.
    /// - Returns: `nil` if no registry takes such a name, because it is longer than 255 characters or there is no registry.
    public func imageReference(
        of container: String,
        in registry: String,
        sandboxGeneration: Int,
        replica: Int = 0
    ) -> String? {
        let folder = registry.replacing(/\/+$/, with: "")
        let repository = "\(folder)/\(spec.sandboxName)-\(container)"
        guard !folder.isEmpty, repository.utf8.count <= 255 else { return nil }
        return "\(repository):\(imageTag(sandboxGeneration: sandboxGeneration, replica: replica))"
    }
}
