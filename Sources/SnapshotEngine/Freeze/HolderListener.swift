// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import Synchronization

/// The unix socket that a holder listens at, for processes of its own user only.
enum HolderListener {
    /// Why it cannot listen.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ path: String, _ code: CInt) {
            description = "nobody can listen at \(path): \(String(cString: strerror(code)))"
        }
    }

    private static let backlog: CInt = 128

    /// Listens. What an earlier holder has left there is removed; the caller makes sure that it is dead (`HolderJournal`).
    ///
    /// - Returns: The socket. The caller closes it.
    static func open(at path: String) throws(Failure) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure(path, ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }

        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw Failure(path, errno) }
        // The file is made with the socket's mode: at no time can anybody else connect.
        _ = fchmod(descriptor, 0o600)
        unlink(path)
        let isListening =
            withUnsafeBytes(of: &address) { bytes in
                bytes.withMemoryRebound(to: sockaddr.self) { address in
                    bind(descriptor, address.baseAddress, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                }
            } && Glibc.listen(descriptor, backlog) == 0
        guard isListening else {
            let code = errno
            close(descriptor)
            throw Failure(path, code)
        }
        return descriptor
    }

    /// Whether the process at the other end is of our own user.
    static func isAllowed(_ channel: any Channel) -> EventLoopFuture<Bool> {
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(false)
        }
        let credentials: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(
            level: .socket,
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        )
        return credentials.map { $0.user == geteuid() }.recover { _ in false }
    }

    /// The kernel's `struct ucred`.
    private struct PeerCredentials: Sendable {
        var process: Int32
        var user: UInt32
        var group: UInt32
    }
}

/// Counts clients up to a limit.
final class ClientCount: Sendable {
    private let limit: Int
    private let count = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts one more; false if that is one too many.
    func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    /// Counts one less.
    func leave() {
        count.withLock { $0 -= 1 }
    }
}
