// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A file with configuration or credentials. Reading it blocks.
struct ConfigurationFile {
    let path: String

    /// The most that is read, in bytes.
    private static let limit = 16 << 20

    /// Its content.
    ///
    /// - Throws: `KubeError` that names the file.
    func read() throws(KubeError) -> [UInt8] {
        guard let bytes = try readIfThere() else { throw fault("there is no such file") }
        return bytes
    }

    /// Its content; `nil` if there is no such file.
    ///
    /// - Throws: `KubeError` that names the file.
    func readIfThere() throws(KubeError) -> [UInt8]? {
        let handle: FileHandle
        do {
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            if !FileManager.default.fileExists(atPath: path) { return nil }
            throw fault("it cannot be opened", error)
        }
        defer { try? handle.close() }
        let data: Data
        do {
            data = try handle.read(upToCount: Self.limit + 1) ?? Data()
        } catch {
            throw fault("it cannot be read", error)
        }
        guard data.count <= Self.limit else { throw fault("it has more than \(Self.limit) bytes") }
        return [UInt8](data)
    }

    /// An error about the file.
    func fault(_ reason: String, _ cause: (any Error)? = nil) -> KubeError {
        KubeError(.invalidConfiguration, operation: "read", subject: path, reason: reason, cause: cause)
    }
}
