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

/// An open file or folder, closed with its last reference. All its operations block.
final class OpenFile: Sendable {
    let descriptor: Int32
    let path: String

    /// Opens or creates.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o644) throws(RegistryError) {
        descriptor = open(path, flags | O_CLOEXEC, mode)
        self.path = path
        if descriptor < 0 { throw .storage("open", path, errno) }
    }

    deinit { close(descriptor) }

    /// Opens for reading; `nil` if there is nothing of that name.
    static func reading(_ path: String) throws(RegistryError) -> OpenFile? {
        do {
            return try OpenFile(path, O_RDONLY)
        } catch  where error.kind == .notFound {
            return nil
        }
    }

    /// Its size in bytes.
    func size() throws(RegistryError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .storage("stat", path, errno) }
        return Int64(status.st_size)
    }

    /// At most `count` bytes from `offset`; no bytes at the end of the file.
    func read(at offset: Int64, count: Int) throws(RegistryError) -> ByteBuffer {
        var buffer = ByteBuffer()
        var failure: Int32 = 0
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            while true {
                let got = pread(descriptor, room.baseAddress, Swift.min(count, room.count), off_t(offset))
                if got >= 0 { return got }
                if errno != EINTR {
                    failure = errno
                    return 0
                }
            }
        }
        guard failure == 0 else { throw .storage("read", path, failure) }
        return buffer
    }

    /// The whole file, if it is not larger than `limit`.
    func readAll(limit: Int) throws(RegistryError) -> [UInt8] {
        let size = try size()
        guard size <= Int64(limit) else {
            throw RegistryError(
                .tooLarge,
                operation: "read",
                subject: path,
                reason: "it has \(size) bytes; at most \(limit) are accepted here"
            )
        }
        var bytes: [UInt8] = []
        while true {
            let piece = try read(at: Int64(bytes.count), count: Int(size) - bytes.count + 1)
            if piece.readableBytes == 0 || bytes.count > limit { return bytes }
            bytes.append(contentsOf: piece.readableBytesView)
        }
    }

    /// Appends all the bytes.
    func append(_ bytes: UnsafeRawBufferPointer) throws(RegistryError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = UnsafeRawBufferPointer(rebasing: rest)
            let written = write(descriptor, slice.baseAddress, slice.count)
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                throw .storage("write", path, errno)
            }
        }
    }

    /// Appends all the bytes.
    func append(_ bytes: [UInt8]) throws(RegistryError) {
        let outcome = bytes.withUnsafeBytes { buffer in
            Result { () throws(RegistryError) in try append(buffer) }
        }
        try outcome.get()
    }

    /// Makes what was written durable.
    func sync() throws(RegistryError) {
        guard fsync(descriptor) == 0 else { throw .storage("sync", path, errno) }
    }

    /// Takes its name away.
    func remove() { unlink(path) }

    /// Waits for the advisory lock; it ends with the file.
    func lock() throws(RegistryError) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .storage("lock", path, errno) }
        }
    }

    /// Takes the advisory lock if nobody has it.
    func tryLock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }
}

extension RegistryError {
    /// A failed operation on a file.
    static func storage(_ operation: String, _ path: String, _ code: Int32) -> RegistryError {
        let advice: String? =
            switch code {
            case ENOSPC, EDQUOT: "free some space there"
            case EACCES, EPERM, EROFS: "check who may write there"
            default: nil
            }
        return RegistryError(
            code == ENOENT ? .notFound : .storage,
            operation: operation,
            subject: path,
            reason: String(cString: strerror(code)),
            advice: advice
        )
    }
}
