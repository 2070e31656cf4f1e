// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

/// A folder whose content is not trusted, read as if it were the root of a file system: links are followed, but they
/// never lead out of it, and nothing is opened but regular files.
///
/// It blocks.
struct ConfinedTree: ~Copyable {
    private let root: CInt

    /// `O_PATH` of every architecture; the C library's module does not show what is GNU's.
    static let pathOnly: CInt = 0o10000000

    /// The most links that are followed for one path, the kernel's own number.
    private static let mostLinks = 40

    /// Takes over a descriptor of the folder, opened with `O_PATH` or for reading.
    init(owning root: CInt) {
        self.root = root
    }

    deinit { close(root) }

    /// The bytes of a regular file, or nil if there is no such file.
    ///
    /// - Parameters:
    ///   - path: from the folder, with or without a leading slash.
    ///   - limit: the most bytes to read.
    /// - Throws: `SandboxError` with the code `imageUnavailable` if the file is larger or cannot be read.
    func contents(of path: String, limit: Int) throws(SandboxError) -> [UInt8]? {
        guard let found = try find(path) else { return nil }
        defer { close(found) }
        // What a path descriptor names is opened anew for reading; it is known to be a regular file.
        let file = open("/proc/self/fd/\(found)", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else { throw Self.failure("opened", path, errno) }
        defer { close(file) }

        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.failure("read", path, errno)
            }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else {
                throw SandboxError(
                    .imageUnavailable,
                    "The image's file \(path) is larger than \(limit) bytes, which is more than is read of it."
                )
            }
        }
    }

    /// A path descriptor of a regular file, or nil if the path leads to nothing or to something else.
    private func find(_ path: String) throws(SandboxError) -> CInt? {
        // The folders from the root to where the walk is, so that ".." never asks the file system.
        var folders: [CInt] = []
        defer { for folder in folders { close(folder) } }
        var rest = Self.components(path)
        var links = 0

        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                if let last = folders.popLast() { close(last) }
                continue
            }
            let next = openat(folders.last ?? root, name, Self.pathOnly | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else {
                if errno == ENOENT || errno == ENOTDIR { return nil }
                throw Self.failure("found", path, errno)
            }
            var status = stat()
            guard fstat(next, &status) == 0 else {
                close(next)
                throw Self.failure("examined", path, errno)
            }
            switch status.st_mode & S_IFMT {
            case S_IFLNK:
                defer { close(next) }
                links += 1
                guard links <= Self.mostLinks else { throw Self.failure("found", path, ELOOP) }
                let target = try Self.target(of: next, path)
                if target.hasPrefix("/") {
                    for folder in folders { close(folder) }
                    folders.removeAll()
                }
                rest += Self.components(target)
            case S_IFDIR:
                folders.append(next)
            case S_IFREG where rest.isEmpty:
                return next
            default:
                close(next)
                return nil
            }
        }
        return nil
    }

    /// The names of a path, the first one last.
    private static func components(_ path: String) -> [String] {
        path.split(separator: "/").reversed().map(String.init)
    }

    private static func target(of link: CInt, _ path: String) throws(SandboxError) -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes {
            guard let start = $0.baseAddress else { return -1 }
            return readlinkat(link, "", start.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard count > 0 else { throw failure("followed", path, count < 0 ? errno : ENOENT) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private static func failure(_ what: String, _ path: String, _ code: CInt) -> SandboxError {
        SandboxError(
            .imageUnavailable,
            "The image's file \(path) could not be \(what): \(String(cString: strerror(code)))."
        )
    }
}
