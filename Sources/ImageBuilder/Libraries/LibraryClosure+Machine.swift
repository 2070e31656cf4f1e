// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOPosix

extension LibraryClosure {
    /// Finds what a program needs, on this machine. Reads headers only, and runs nothing.
    ///
    /// - Throws: `ImageBuilderError`; `CancellationError`.
    public static func find(
        of program: String,
        folders: LibraryFolders? = nil
    ) async throws -> LibraryClosure {
        try Task.checkCancellation()
        return try await NIOThreadPool.singleton.runIfActive {
            try LibraryClosure(
                of: program,
                folders: folders ?? .ofThisMachine(),
                read: headers,
                folder: realFolder
            )
        }
    }

    private static func headers(of path: String) throws -> ELFFile? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw ImageBuilderError.system(operation: "open", path: path, code: errno)
        }
        defer { close(descriptor) }
        do {
            return try ELFFile { offset, count in
                guard let start = off_t(exactly: offset) else { return [] }
                return try read(descriptor, at: start, count: count, path: path)
            }
        } catch let problem as ELFProblem {
            throw ImageBuilderError.unreadable(path: path, problem)
        }
    }

    private static func read(_ descriptor: Int32, at start: off_t, count: Int, path: String) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[filled...])
                // An offset beyond what files can have is no error of the machine, but the end of the file.
                let (position, overflow) = start.addingReportingOverflow(off_t(filled))
                if overflow { return }
                let got = pread(descriptor, rest.baseAddress, rest.count, position)
                if got < 0, errno == EINTR { continue }
                if got < 0, errno == EINVAL { return }
                guard got >= 0 else {
                    throw ImageBuilderError.system(operation: "read", path: path, code: errno)
                }
                if got == 0 { return }
                filled += got
            }
        }
    }

    private static func realFolder(of path: String) -> String {
        guard let real = realpath(path, nil) else { return "/" }
        defer { free(real) }
        let text = String(cString: real)
        let folder = text.lastIndex(of: "/").map { String(text[..<$0]) } ?? ""
        return folder.isEmpty ? "/" : folder
    }
}
