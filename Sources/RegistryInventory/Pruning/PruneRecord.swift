// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOPosix
public import OCIRegistry

/// A file that says what was deleted, written before it is: one JSON object a line, with the bytes of each manifest. As long as
/// the registry has not collected its garbage, what is deleted can be put back from it.
public actor PruneRecord {
    /// One manifest that was about to be deleted.
    public struct Entry: Sendable, Codable, Hashable {
        /// When, RFC 3339.
        public var at: String
        /// The repository.
        public var repository: String
        /// The manifest's digest.
        public var digest: Digest
        /// Its type.
        public var mediaType: MediaType
        /// The names that it had.
        public var tags: [String]
        /// The sandbox whose snapshot it is, or is about.
        public var sandbox: String?
        /// Its bytes.
        public var manifest: String
    }

    /// The record cannot be written or read.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// What happened, and what to do.
        public let description: String
    }

    private let path: String
    private var file: FileHandle?

    /// Names a file; it is made when something is written, and what it has already stays.
    public init(path: String) {
        self.path = path
    }

    /// Adds manifests of one image; durable when this returns.
    func add(_ manifests: [ManifestContent], of image: InventoryImage, tags: [String]) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines = Data()
        for manifest in manifests {
            let isRoot = manifest.digest == image.digest
            guard let text = String(validating: manifest.bytes, as: UTF8.self) else {
                throw Failure(description: "the manifest \(manifest.digest) is not UTF-8, so it is not deleted")
            }
            let entry = Entry(
                at: Date.now.timestamp,
                repository: image.repository,
                digest: manifest.digest,
                mediaType: manifest.mediaType,
                tags: isRoot ? tags : [],
                sandbox: image.origin?.sandbox,
                manifest: text
            )
            lines += try encoder.encode(entry) + Data("\n".utf8)
        }
        do {
            let file = try open()
            try await NIOThreadPool.singleton.runIfActive { [lines] in
                try file.write(contentsOf: lines)
                try file.synchronize()
            }
        } catch {
            throw Failure(
                description: "what is to be deleted cannot be written down in \(path), so it is not: \(error)"
            )
        }
    }

    private func open() throws -> FileHandle {
        if let file { return file }
        if !FileManager.default.fileExists(atPath: path) {
            guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            else {
                throw CocoaError(.fileWriteUnknown)
            }
        }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seekToEnd()
        self.file = file
        return file
    }

    /// What a file says.
    public static func entries(in path: String) throws -> [Entry] {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw Failure(description: "\(path) cannot be read: \(error.localizedDescription)")
        }
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { number, line in
            do {
                return try JSONDecoder().decode(Entry.self, from: line)
            } catch {
                throw Failure(description: "line \(number + 1) of \(path) is none that a prune has written: \(error)")
            }
        }
    }

    /// Puts a manifest back, under its digest and those of its names that nothing has taken since.
    ///
    /// - Returns: the names that something else has now.
    /// - Throws: `RegistryError`; its `isNotFound`, or a refusal, says that the registry has collected its layers.
    public static func restore(_ entry: Entry, to repository: any ImageRepository) async throws -> [String] {
        let bytes = Array(entry.manifest.utf8)
        try await repository.putManifest(bytes, mediaType: entry.mediaType, as: .digest(entry.digest))
        var taken: [String] = []
        for tag in entry.tags {
            let there = try await repository.resolve(.tag(tag))
            if there == nil { try await repository.putManifest(bytes, mediaType: entry.mediaType, as: .tag(tag)) }
            if let there, there.digest != entry.digest { taken.append(tag) }
        }
        return taken
    }
}
