// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Where a daemon says that it is ready, as systemd's services do (sd_notify).
final class ReadinessSocket: Sendable {
    let path: String
    private let descriptor: Int32

    init(path: String) throws {
        unlink(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else {
            close(descriptor)
            throw ContainerdDaemon.Failure(description: "no socket at \(path): \(String(cString: strerror(errno)))")
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Waits for READY=1.
    func waitUntilReady(seconds: Int) async throws {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let descriptor = descriptor
        let isReady = await WatchdogProcess.onOwnThread {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count >= 0 || errno == EINTR else { return false }
                if count > 0, String(decoding: buffer.prefix(count), as: UTF8.self).contains("READY=1") {
                    return true
                }
            }
        }
        guard isReady else {
            throw ContainerdDaemon.Failure(description: "no READY=1 within \(seconds) s")
        }
    }
}
