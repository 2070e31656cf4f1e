// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Subprocess
import SystemPackage

/// The process that stands between containerd and one container (a shim), of a container that containerd has forgotten.
///
/// That happens: when a client dies, or breaks off, while containerd 1.6 makes a task, containerd drops the task. Its
/// shim, the waiting first process, the mounted root filesystem and the folder, which makes every further task of that
/// name fail, stay for seconds or for good; the shim itself always for good.
struct OrphanedShim: Sendable {
    private let processID: pid_t
    private let program: String
    /// The arguments that say which container of which containerd it serves.
    private let identity: [String]
    /// containerd's folder for the task; nil if containerd has removed it.
    private let bundle: String?

    /// The shims of a container. Only those are orphaned whose task containerd does not know. It blocks.
    ///
    /// - Parameters:
    ///   - id: the container.
    ///   - namespace: containerd's namespace of it.
    ///   - socket: containerd's socket, as its shims were told it.
    static func find(_ id: String, namespace: String, socket: String) -> [OrphanedShim] {
        let identity = ["-namespace", namespace, "-id", id, "-address", socket]
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { name in
            guard let processID = pid_t(name), let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline"),
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")
            else { return nil }
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let program = words.first, program.split(separator: "/").last?.hasPrefix("containerd-shim") == true,
                words.starts(with: [program] + identity)
            else { return nil }
            // A shim works in its task's folder. A removed one reads as `.../.<id> (deleted)`.
            let bundle = link.hasSuffix("/\(namespace)/\(id)") ? link : nil
            return OrphanedShim(processID: processID, program: program, identity: identity, bundle: bundle)
        }
    }

    /// Ends the shim and its container and removes what they leave, in the way in which containerd clears up after a
    /// shim that has died: by the shim's own program.
    func clearAway() async throws {
        kill(processID, SIGKILL)
        guard let bundle else { return }
        _ = try? await Subprocess.run(
            .path(FilePath(program)),
            arguments: Arguments(identity + ["-bundle", bundle, "delete"]),
            workingDirectory: FilePath(bundle),
            output: .discarded,
            error: .discarded
        )
        try await BlockingWork.run {
            let rootfs = "\(bundle)/rootfs"
            while umount2(rootfs, Int32(UMOUNT_NOFOLLOW)) == 0 {}
            // Never deletes through a mount: a root filesystem that is still there has content, and stays.
            guard rmdir(rootfs) == 0 || errno == ENOENT else {
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EBUSY, userInfo: [NSFilePathErrorKey: rootfs])
            }
            let address = (try? String(contentsOfFile: "\(bundle)/address", encoding: .utf8)) ?? ""
            if address.hasPrefix("unix:///") { unlink(String(address.dropFirst("unix://".count))) }
            if let work = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(bundle)/work") {
                try? FileManager.default.removeItem(atPath: work)
            }
            if access(bundle, F_OK) == 0 { try FileManager.default.removeItem(atPath: bundle) }
        }
    }
}
