// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// The volumes of a sandbox as its pod says them.
struct PodVolumes {
    /// The pod's volumes.
    var volumes: [Volume] = []
    /// Where they are mounted.
    var mounts: [VolumeMount] = []

    /// Takes over what was asked for.
    ///
    /// - Throws: `SandboxError` with `hostPathNotAllowed` or `invalidMountPath`.
    init(_ asked: [SandboxVolume], allowedHostPaths: [String]) throws(SandboxError) {
        for volume in asked {
            guard volume.mountPath != Execd.folder, !volume.mountPath.hasPrefix(Execd.folder + "/") else {
                throw SandboxError(
                    .invalidMountPath,
                    "The volume '\(volume.name)' cannot be mounted at \(volume.mountPath), where execd is."
                )
            }
            // Not the name of execd's own volume, whatever its owner calls it.
            let name = volume.name == Execd.volume ? "user-\(volume.name)" : volume.name
            var mounted = Volume()
            mounted.name = name
            switch volume.source {
            case .host(let path):
                guard Self.isAllowed(path, by: allowedHostPaths) else {
                    throw SandboxError(
                        .hostPathNotAllowed,
                        "The path \(path) of nodes may not be mounted (storage.allowed_host_paths)."
                    )
                }
                mounted.hostPath = .with {
                    $0.path = path
                    $0.type = "DirectoryOrCreate"
                }
            case .named(let claim):
                mounted.persistentVolumeClaim = .with {
                    $0.claimName = claim.name
                    $0.readOnly = volume.isReadOnly ? true : nil
                }
            }
            volumes.append(mounted)
            mounts.append(
                VolumeMount(name, at: volume.mountPath, part: volume.subPath, isReadOnly: volume.isReadOnly)
            )
        }
    }

    /// Whether a path is one of some folders, or beneath one.
    static func isAllowed(_ path: String, by folders: [String]) -> Bool {
        folders.contains { folder in
            let folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
            return path == folder || folder == "/" || path.hasPrefix(folder + "/")
        }
    }
}
