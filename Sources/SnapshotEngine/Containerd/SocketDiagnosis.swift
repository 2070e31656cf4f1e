// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Says why a unix socket cannot be used, by trying to connect to it.
struct SocketDiagnosis: Sendable, Hashable {
    /// What was found.
    enum Finding: Sendable, Hashable {
        case accepts
        case missing
        case forbidden
        case nobodyListens
        case pathTooLong
        case other(errno: Int32)
    }

    let socket: String
    let finding: Finding

    /// Connects and hangs up again. Never blocks.
    init(socket: String) {
        self.socket = socket
        self.finding = Self.connect(to: socket)
    }

    /// What to do, or nil if somebody listens.
    var advice: String? {
        switch finding {
        case .accepts:
            nil
        case .missing:
            "There is no socket at \(socket): start containerd, or name its socket"
        case .forbidden:
            "This user may not use \(socket): run as root, or as a member of the socket's group"
        case .nobodyListens:
            "\(socket) exists but nobody listens there: containerd is not running"
        case .pathTooLong:
            "\(socket) is too long for a unix socket: 107 bytes are allowed"
        case .other(let errno):
            "Connecting to \(socket) fails: \(String(cString: strerror(errno)))"
        }
    }

    private static func connect(to path: String) -> Finding {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return .pathTooLong }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }

        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = Glibc.socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return .other(errno: errno) }
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result != 0 else { return .accepts }
        switch errno {
        case EAGAIN: return .accepts
        case ENOENT, ENOTDIR: return .missing
        case EACCES, EPERM: return .forbidden
        case ECONNREFUSED, ENOTSOCK: return .nobodyListens
        case let other: return .other(errno: other)
        }
    }
}
