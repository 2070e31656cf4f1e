// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Which freezes a listening holder has begun, in a file beside its socket. The next holder at the same socket finds there
/// which of the freezes in containerd were those of its predecessor that died; all others are somebody else's.
///
/// The file is locked for as long as the holder lives, so that there is one holder at a socket.
final class HolderJournal: Sendable {
    /// Why there is none.
    enum Failure: Error, CustomStringConvertible {
        case taken(String)
        case system(String, Int32)

        var description: String {
            switch self {
            case .taken(let path): "another holder has locked \(path): there can be one at a socket"
            case .system(let path, let code): "\(path) cannot be used: \(String(cString: strerror(code)))"
            }
        }
    }

    private static let largest = 1 << 20

    private let path: String
    private let descriptor: CInt

    /// Opens the journal beside a socket, or makes it.
    init(besideSocket socket: String) throws(Failure) {
        path = "\(socket).freezes"
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK ? .taken(path) : .system(path, code)
        }
    }

    deinit { close(descriptor) }

    /// The freezes that it names, those of earlier holders at this socket.
    func freezes() throws(Failure) -> Set<String> {
        var bytes = [UInt8](repeating: 0, count: Self.largest)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw .system(path, errno) }
        // What comes without its end was not written to its end, so that its freeze was not begun.
        let lines = bytes[..<count].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        return Set(lines.map { String(decoding: $0, as: UTF8.self) }.filter { FreezeLedger.isValid(id: $0) })
    }

    /// Names a freeze, before it is written down in containerd.
    ///
    /// - Throws: `FreezeError` if that is not possible; then nothing must be frozen.
    func add(_ id: String) async throws {
        guard FreezeLedger.isValid(id: id) else { throw FreezeError.invalidID(id) }
        let (descriptor, path) = (descriptor, path)
        try await onOwnThread("holder-journal") {
            // The first newline ends what a predecessor may not have written to its end.
            let line = Array("\n\(id)\n".utf8)
            guard write(descriptor, line, line.count) == line.count else {
                throw FreezeError.holderUnavailable("\(Failure.system(path, errno))")
            }
        }
    }

    /// Forgets everything: all is over.
    func clear() {
        _ = ftruncate(descriptor, 0)
    }
}
