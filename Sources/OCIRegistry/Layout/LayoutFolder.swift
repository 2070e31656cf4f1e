// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The files of an OCI image layout. All its operations block.
///
/// Several processes may write at once: blobs appear by rename, and who changes `index.json` holds a lock on the folder.
struct LayoutFolder: Sendable {
    let path: String

    /// What was written through this value and its copies and that no manifest names yet.
    let claims = LayoutClaims()

    static let temporaryPrefix = ".upload-"

    /// Where a blob is.
    func blobPath(_ digest: Digest) -> String { "\(path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// Opens a blob; `nil` if it is not there.
    func openBlob(_ digest: Digest) throws(RegistryError) -> OpenFile? {
        try OpenFile.reading(blobPath(digest))
    }

    // MARK: Index

    /// What `index.json` says; empty if there is no layout yet.
    func readIndex() throws(RegistryError) -> LayoutIndex {
        guard let file = try OpenFile.reading("\(path)/index.json") else { return LayoutIndex() }
        try checkVersion()
        return try LayoutIndex(parsing: try file.readAll(limit: 64 << 20), path: file.path)
    }

    /// Changes `index.json` under the folder's lock; it is replaced as a whole or not at all.
    ///
    /// - Parameter afterwards: Done under the same lock once the change is durable.
    func updateIndex(
        _ change: (inout LayoutIndex) throws(RegistryError) -> Void,
        afterwards: (LayoutIndex) throws(RegistryError) -> Void = { _ in }
    ) throws(RegistryError) {
        try prepare()
        let lock = try lockFolder()
        defer { withExtendedLifetime(lock) {} }
        var index = try readIndex()
        let before = index
        try change(&index)
        if index != before { try replace("index.json", with: try index.encoded()) }
        try afterwards(index)
    }

    // MARK: Blobs

    /// Creates a temporary file for a blob, locked so that nobody takes it for a left-over, and removes left-overs.
    func createTemporary() throws(RegistryError) -> OpenFile {
        try prepare()
        let lock = try lockFolder()
        defer { withExtendedLifetime(lock) {} }
        removeTemporaries()
        let file = try newTemporary()
        try file.lock()
        return file
    }

    /// Makes a temporary file durable under its digest.
    func publish(_ file: OpenFile, as digest: Digest) throws(RegistryError) {
        let target = blobPath(digest)
        let folder = "\(path)/blobs/\(digest.algorithm.rawValue)"
        try makeFolder(folder)
        try file.sync()
        if access(target, F_OK) != 0 { claims.keep(try claim(digest), on: digest) }
        guard rename(file.path, target) == 0 else { throw .storage("rename to \(target)", file.path, errno) }
        try OpenFile(folder, O_RDONLY | O_DIRECTORY).sync()
    }

    /// Writes a small blob that is in memory.
    func write(_ bytes: [UInt8], as digest: Digest) throws(RegistryError) {
        let file = try createTemporary()
        do throws(RegistryError) {
            try file.append(bytes)
            try publish(file, as: digest)
        } catch {
            discard(file)
            throw error
        }
    }

    /// Removes a blob, if it is there.
    func remove(_ digest: Digest) throws(RegistryError) {
        let path = blobPath(digest)
        guard unlink(path) == 0 || errno == ENOENT else { throw .storage("delete", path, errno) }
    }

    /// Removes a temporary file.
    func discard(_ file: OpenFile) { file.remove() }

    /// Says that a blob is ours that is about to appear, or to go. Whoever dies meanwhile leaves the claim.
    func claim(_ digest: Digest) throws(RegistryError) -> OpenFile {
        let lock = try lockFolder()
        defer { withExtendedLifetime(lock) {} }
        let file = try OpenFile("\(path)/\(LayoutClaims.name(of: digest))", O_RDWR | O_CREAT | O_EXCL)
        try file.lock()
        return file
    }

    /// Removes the temporary files of writers that have died, and gives the claims that they left: what is claimed, and
    /// the file, locked.
    func removeLeftovers() throws(RegistryError) -> [(Digest, OpenFile)] {
        guard access(path, F_OK) == 0 else { return [] }
        let lock = try lockFolder()
        defer { withExtendedLifetime(lock) {} }
        removeTemporaries()
        var abandoned: [(Digest, OpenFile)] = []
        for name in fileNames {
            guard let digest = LayoutClaims.digest(of: name), let claim = unlocked(name) else { continue }
            abandoned.append((digest, claim))
        }
        return abandoned
    }

    // MARK: Parts

    /// Makes an empty layout where there is none.
    private func prepare() throws(RegistryError) {
        for folder in parents(of: path) + [path, "\(path)/blobs", "\(path)/blobs/sha256"] { try makeFolder(folder) }
        if access("\(path)/oci-layout", F_OK) == 0 { return try checkVersion() }
        let lock = try lockFolder()
        defer { withExtendedLifetime(lock) {} }
        // Written first, so that there is never an index without it; a layout without an index is empty.
        if access("\(path)/oci-layout", F_OK) == 0 { return }
        if access("\(path)/index.json", F_OK) == 0 { return try checkVersion() }
        try replace("oci-layout", with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }

    private func parents(of path: String) -> [String] {
        path.indices.filter { path[$0] == "/" && $0 != path.startIndex }.map { String(path[..<$0]) }
    }

    private func makeFolder(_ folder: String) throws(RegistryError) {
        guard mkdir(folder, 0o755) == 0 else {
            if errno != EEXIST { throw .storage("make the folder", folder, errno) }
            return
        }
        // What is synced in a folder is durable when the folder itself is.
        let parent = folder.lastIndex(of: "/").map { $0 == folder.startIndex ? "/" : String(folder[..<$0]) } ?? "."
        try OpenFile(parent, O_RDONLY | O_DIRECTORY).sync()
    }

    private func checkVersion() throws(RegistryError) {
        struct Version: Decodable { var imageLayoutVersion: String }
        guard let file = try OpenFile.reading("\(path)/oci-layout") else {
            throw RegistryError(
                .malformedDocument,
                operation: "use",
                subject: path,
                reason: "it has an index.json but no oci-layout file",
                advice: "name a folder that holds an OCI image layout, or an empty one"
            )
        }
        let version: Version = try ImageDocument.decode(from: try file.readAll(limit: 65536), subject: file.path)
        guard version.imageLayoutVersion.hasPrefix("1.") else {
            throw RegistryError(
                .malformedDocument,
                operation: "use",
                subject: path,
                reason: "it has image-layout version \(version.imageLayoutVersion), and only 1.x is known"
            )
        }
    }

    /// The lock is on the folder itself: `index.json` is replaced by rename and cannot carry one.
    private func lockFolder() throws(RegistryError) -> OpenFile {
        let folder = try OpenFile(path, O_RDONLY | O_DIRECTORY)
        try folder.lock()
        return folder
    }

    private func newTemporary() throws(RegistryError) -> OpenFile {
        let name = String(UInt64.random(in: .min ... .max), radix: 36)
        return try OpenFile("\(path)/\(Self.temporaryPrefix)\(name)", O_RDWR | O_CREAT | O_EXCL)
    }

    /// Replaces a file of the folder as a whole, durably.
    private func replace(_ name: String, with bytes: [UInt8]) throws(RegistryError) {
        let file = try newTemporary()
        do throws(RegistryError) {
            try file.append(bytes)
            try file.sync()
            guard rename(file.path, "\(path)/\(name)") == 0 else { throw .storage("rename", file.path, errno) }
        } catch {
            discard(file)
            throw error
        }
        try OpenFile(path, O_RDONLY | O_DIRECTORY).sync()
    }

    /// Removes the temporary files of writers that have died: nobody holds their locks any more. Called under the
    /// folder's lock, within which they are created and locked.
    private func removeTemporaries() {
        for name in fileNames where name.hasPrefix(Self.temporaryPrefix) {
            if let file = unlocked(name) { discard(file) }
        }
    }

    /// A file of the folder that nobody has locked, locked.
    private func unlocked(_ name: String) -> OpenFile? {
        guard let file = try? OpenFile("\(path)/\(name)", O_RDWR), file.tryLock() else { return nil }
        return file
    }

    /// The names in the folder.
    private var fileNames: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
            )
        }
        return names
    }
}
