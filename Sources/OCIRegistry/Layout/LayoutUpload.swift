// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A blob on its way into an image layout: a temporary file there until it is complete.
actor LayoutUpload: BlobUpload {
    private let folder: LayoutFolder
    private let name: String
    /// `nil` once committed or cancelled.
    private var file: OpenFile?
    private var digester = Digester()

    init(file: OpenFile, folder: LayoutFolder, name: String) {
        self.file = file
        self.folder = folder
        self.name = name
    }

    func write(_ bytes: ByteBuffer) async throws {
        let (file, before) = (try openFile("write a blob to"), digester)
        digester = try await BlockingIO.run {
            var digester = before
            digester.update(bytes)
            try bytes.withUnsafeReadableBytes { try file.append($0) }
            return digester
        }
    }

    func commit(_ digest: Digest) async throws -> Int64 {
        let (file, folder, name, written) = (try openFile("commit a blob to"), folder, name, digester)
        try await BlockingIO.run {
            let actual = digest.algorithm == .sha256 ? written.finalize() : try file.digest(by: digest.algorithm)
            guard actual == digest else {
                throw RegistryError(
                    .digestMismatch,
                    operation: "write the blob",
                    subject: "\(name)@\(digest)",
                    reason: "the \(written.count) bytes written have the digest \(actual)"
                )
            }
            try folder.publish(file, as: digest)
        }
        self.file = nil
        return written.count
    }

    func cancel() async {
        guard let file else { return }
        self.file = nil
        // Removing a name does not wait for the disk, and must be done in a cancelled task as well.
        folder.discard(file)
    }

    private func openFile(_ operation: String) throws(RegistryError) -> OpenFile {
        if let file { return file }
        throw RegistryError(
            .storage,
            operation: operation,
            subject: name,
            reason: "the upload was committed or cancelled before"
        )
    }
}

extension OpenFile {
    /// The digest of the whole file.
    fileprivate func digest(by algorithm: Digest.Algorithm) throws(RegistryError) -> Digest {
        var digester = Digester(algorithm)
        while true {
            let piece = try read(at: digester.count, count: 1 << 20)
            if piece.readableBytes == 0 { return digester.finalize() }
            digester.update(piece)
        }
    }
}
