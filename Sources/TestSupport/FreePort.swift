// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A loopback port for a server that has to be told one, and that has to find it free again when it is started once more.
public enum FreePort {
    /// There is none.
    public struct Failure: Error {}

    /// A TCP port that nobody listens on. It is none of those that the kernel gives to connections, which could take it while
    /// the server is down.
    public static func find() throws -> Int {
        for _ in 0..<100 {
            let port = UInt16.random(in: 20_000..<32_000)
            if isFree(port) { return Int(port) }
        }
        throw Failure()
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
