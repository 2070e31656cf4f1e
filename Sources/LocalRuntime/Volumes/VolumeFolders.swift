// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import SandboxModels
import SnapshotEngine
import Synchronization

import class Foundation.FileManager

/// What this machine can mount into sandboxes: folders and files beneath the paths that its owner allows, and named
/// volumes, each a folder in the runtime's own state.
///
/// A named volume outlives the sandboxes that use it. It is deleted with a sandbox only if it was made for that one, its
/// owner asked for it, and no other sandbox uses it.
final class VolumeFolders: Sendable {
    /// The parent of the named volumes' folders.
    let folder: String
    /// Where volumes are mounted for a moment, to be mounted into a container from there.
    private let mountFolder: String
    private let allowedHostPaths: [String]
    private let logger: Logger
    /// One change of a named volume at a time.
    private let turns = KeyedLocks()
    /// How many creations that are under way use a named volume.
    private let pins = Mutex<[String: Int]>([:])

    /// Any user of a sandbox may write in a named volume; on the machine only the state folder's owner gets there.
    private static let volumeMode: mode_t = 0o777
    private static let hostMode: mode_t = 0o755

    /// Creates it; nothing is touched yet.
    ///
    /// - Parameters:
    ///   - folder: Of the named volumes; an absolute path; made when needed, for its owner's eyes only.
    ///   - mountFolder: Of mounts that last a moment; the same holds for it.
    ///   - allowedHostPaths: Absolute paths; what is beneath them may be mounted.
    ///   - logger: Where remarks go that are nobody's error.
    init(folder: String, mountFolder: String, allowedHostPaths: [String], logger: Logger) {
        self.folder = folder
        self.mountFolder = mountFolder
        self.allowedHostPaths = allowedHostPaths
        self.logger = logger
    }

    // MARK: - Creating a sandbox

    /// Checks the volumes of a new sandbox, makes those that are missing, and runs `body` with what is to be stored. Until
    /// it returns, no named volume among them is deleted.
    ///
    /// - Parameters:
    ///   - store: Where sandboxes are written down that use volumes.
    ///   - body: Gets the volumes, of which only those go with the sandbox that were made for it.
    /// - Throws: `SandboxError`; what `body` throws. What was made to go with the sandbox is gone then.
    func withPrepared<Value: Sendable>(
        _ volumes: [SandboxVolume],
        store: SandboxStore,
        _ body: @Sendable ([SandboxVolume]) async throws -> Value
    ) async throws -> Value {
        _ = try MountPath.ordered(volumes)
        let names = volumes.compactMap(\.claim?.name)
        pin(names)
        var prepared: [SandboxVolume] = []
        do {
            for volume in volumes { prepared.append(try await prepare(volume)) }
            let value = try await body(prepared)
            unpin(names)
            return value
        } catch {
            unpin(names)
            let made = prepared.compactMap(\.claim).filter(\.deleteWithSandbox).map(\.name)
            try? await uncancelled { try await self.delete(made, store: store, except: nil) }
            throw error
        }
    }

    private func prepare(_ volume: SandboxVolume) async throws -> SandboxVolume {
        guard let claim = volume.claim else {
            _ = try await open(volume, makingFolders: true)
            return volume
        }
        let isMade = try await turns.withLock(claim.name) {
            try await BlockingWork.run { [self] in
                guard Self.isName(claim.name) else { throw Self.notFound(volume, claim.name) }
                if access(path(claim.name), F_OK) == 0 { return false }
                guard claim.createIfAbsent else { throw Self.notFound(volume, claim.name) }
                try make(claim.name)
                return true
            }
        }
        var stored = claim
        stored.deleteWithSandbox = claim.deleteWithSandbox && isMade
        var volume = volume
        volume.source = .named(stored)
        do {
            _ = try await open(volume, makingFolders: true)
        } catch {
            if isMade { try? await BlockingWork.run { [self] in try remove(claim.name) } }
            throw error
        }
        return volume
    }

    // MARK: - Mounting

    /// Runs `body` with the mounts of a sandbox's volumes, outer ones first. They can be mounted while it runs. Nothing is
    /// made: what is gone is an error, so that a resumed sandbox does not start without its files.
    ///
    /// - Parameters:
    ///   - container: Names the places from which they are mounted.
    ///   - body: Has the container made.
    /// - Throws: `SandboxError`; what `body` throws.
    func withMounts<Value: Sendable>(
        of volumes: [SandboxVolume],
        for container: String,
        _ body: ([RuntimeSpec.Mount]) async throws -> Value
    ) async throws -> Value {
        var points: [VolumeMountPoint] = []
        do {
            var mounts: [RuntimeSpec.Mount] = []
            for (path, volume) in try MountPath.ordered(volumes) {
                let point = try await mountPoint(of: volume, "\(container)-\(points.count)")
                points.append(point)
                mounts.append(.volume(point.path, at: path.text, isReadOnly: volume.isReadOnly))
            }
            let value = try await body(mounts)
            await clear(points)
            return value
        } catch {
            await clear(points)
            throw error
        }
    }

    /// Takes away what a process that was killed has left mounted.
    func clearRemains() async {
        _ = try? await BlockingWork.run { [mountFolder] in VolumeMountPoint.clearAll(in: mountFolder) }
    }

    private func mountPoint(of volume: SandboxVolume, _ name: String) async throws -> VolumeMountPoint {
        let source = try await open(volume, makingFolders: false)
        return try await BlockingWork.run { [mountFolder] in
            try FileManager.default.createDirectory(
                atPath: mountFolder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            return try VolumeMountPoint(source, at: "\(mountFolder)/\(name)")
        }
    }

    private func clear(_ points: [VolumeMountPoint]) async {
        _ = try? await BlockingWork.run { for point in points.reversed() { point.clear() } }
    }

    private func open(_ volume: SandboxVolume, makingFolders: Bool) async throws -> OpenVolume {
        try await BlockingWork.run { [self] in
            let root = try openRoot(of: volume, makingFolders: makingFolders)
            return try Self.openSubPath(of: volume, beneath: root, makingFolders: makingFolders)
        }
    }

    private func openRoot(of volume: SandboxVolume, makingFolders: Bool) throws -> OpenVolume {
        switch volume.source {
        case .host(let path):
            return try openHostPath(path, of: volume, makingFolders: makingFolders)
        case .named(let claim):
            guard Self.isName(claim.name), let found = Self.openFolder(path(claim.name)) else {
                throw Self.notFound(volume, claim.name)
            }
            return found
        }
    }

    private static func openSubPath(
        of volume: SandboxVolume,
        beneath root: OpenVolume,
        makingFolders: Bool
    ) throws(SandboxError) -> OpenVolume {
        guard let subPath = volume.subPath, !subPath.isEmpty else { return root }
        do {
            return try VolumePath.open(subPath, beneath: root, makingWith: makingFolders ? hostMode : nil)
        } catch {
            throw SandboxError(.invalidSubPath, "The sub path `\(subPath)` of the volume \(volume.name) \(error.told).")
        }
    }

    /// Opens a path of the machine by way of the longest allowed path above it, which its owner vouches for.
    private func openHostPath(
        _ path: String,
        of volume: SandboxVolume,
        makingFolders: Bool
    ) throws -> OpenVolume {
        guard path.hasPrefix("/"), !path.utf8.contains(0), !path.split(separator: "/").contains("..") else {
            throw SandboxError(
                .invalidHostPath,
                "The path `\(path)` of the volume \(volume.name) is not absolute, or has a part `..` or a zero byte."
            )
        }
        let names = path.split(separator: "/").filter { $0 != "." }
        let candidates = allowedHostPaths.map { (path: $0, names: $0.split(separator: "/")) }
        let above = candidates.filter { names.starts(with: $0.names) }.max { $0.names.count < $1.names.count }
        guard let above else {
            throw SandboxError(
                .hostPathNotAllowed,
                "The path `\(path)` of the volume \(volume.name) is beneath none of the paths that this server allows."
            )
        }
        if makingFolders {
            try? FileManager.default.createDirectory(atPath: above.path, withIntermediateDirectories: true)
        }
        guard let root = Self.openFolder(above.path) else {
            throw SandboxError(
                .hostPathUnavailable,
                "The path `\(above.path)`, which this server allows to be mounted, is no folder that can be opened."
            )
        }
        do {
            return try VolumePath.open(
                names.dropFirst(above.names.count).joined(separator: "/"),
                beneath: root,
                makingWith: makingFolders ? Self.hostMode : nil
            )
        } catch {
            throw SandboxError(error.code, "The path `\(path)` of the volume \(volume.name) \(error.told).")
        }
    }

    // MARK: - Deleting

    /// Deletes the named volumes that were made for a sandbox and are to go with it. Nothing happens to those that
    /// another sandbox uses; one that cannot be deleted is a line in the log.
    ///
    /// - Parameter store: Where sandboxes are written down that use volumes.
    /// - Throws: What the store threw.
    func deleteVolumes(of row: SandboxRow, in store: SandboxStore) async throws {
        let names = row.spec.volumes.compactMap(\.claim).filter(\.deleteWithSandbox).map(\.name)
        try await delete(names, store: store, except: row.id)
    }

    private func delete(_ names: [String], store: SandboxStore, except sandbox: String?) async throws {
        guard !names.isEmpty else { return }
        for name in names {
            try await turns.withLock(name) {
                let others = try await store.all().filter { $0.id != sandbox }
                let isUsed = others.contains { $0.spec.volumes.contains { $0.claim?.name == name } }
                guard !isUsed, !isPinned(name) else {
                    logger.info("a volume stays: another sandbox uses it", metadata: ["volume": "\(name)"])
                    return
                }
                do {
                    try await BlockingWork.run { [self] in try remove(name) }
                } catch {
                    // A file that cannot be removed must not keep a sandbox from going.
                    logger.warning(
                        "a volume could not be deleted; remove its folder by hand",
                        metadata: ["volume": "\(name)", "folder": "\(path(name))", "error": "\(error)"]
                    )
                }
            }
        }
    }

    // MARK: - Folders

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private func make(_ name: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            guard mkdir(path(name), Self.volumeMode) == 0, chmod(path(name), Self.volumeMode) == 0 else {
                throw VolumePath.Failure.system(errno)
            }
        } catch {
            throw SandboxError(.hostPathUnavailable, "The volume \(name) could not be made.", cause: error)
        }
    }

    private func remove(_ name: String) throws {
        do {
            try FileManager.default.removeItem(atPath: path(name))
        } catch  where access(path(name), F_OK) != 0 {
            return
        }
    }

    private static func openFolder(_ path: String) -> OpenVolume? {
        let descriptor = Glibc.open(path, ConfinedTree.pathOnly | O_DIRECTORY | O_CLOEXEC)
        return descriptor < 0 ? nil : OpenVolume(owning: descriptor)
    }

    /// Whether the text names a volume, and so is one name within the folder.
    static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 253 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func notFound(_ volume: SandboxVolume, _ name: String) -> SandboxError {
        SandboxError(.volumeNotFound, "There is no volume `\(name)` for \(volume.name) to be mounted from.")
    }

    // MARK: - Pins

    private func pin(_ names: [String]) {
        pins.withLock { pins in for name in names { pins[name, default: 0] += 1 } }
    }

    private func unpin(_ names: [String]) {
        pins.withLock { pins in
            for name in names {
                let count = (pins[name] ?? 1) - 1
                pins[name] = count > 0 ? count : nil
            }
        }
    }

    private func isPinned(_ name: String) -> Bool { pins.withLock { $0[name] != nil } }
}

extension SandboxVolume {
    /// The named volume, if it is one.
    fileprivate var claim: NamedVolume? {
        guard case .named(let claim) = source else { return nil }
        return claim
    }
}

extension VolumePath.Failure {
    /// The end of a sentence that begins with the path.
    fileprivate var told: String {
        switch self {
        case .escapes: "leads out of where it has to stay: it goes up, or over a link that does or is absolute"
        case .missing: "is not there"
        case .unsuitable: "leads to something that is neither a folder nor a regular file"
        case .system(let code): "cannot be opened or made: \(String(cString: strerror(code)))"
        }
    }

    fileprivate var code: SandboxError.Code {
        switch self {
        case .escapes: .hostPathNotAllowed
        case .unsuitable: .invalidHostPath
        case .missing, .system: .hostPathUnavailable
        }
    }
}
