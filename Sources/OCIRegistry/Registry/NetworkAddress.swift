// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An IPv4 or IPv6 address.
struct NetworkAddress: Sendable, Hashable {
    /// Its 4 or 16 bytes.
    private let bytes: [UInt8]

    /// Reads an address, an IPv6 one with or without brackets; `nil` if it is none.
    init?(_ text: String) {
        var bare = text
        if bare.hasPrefix("["), bare.hasSuffix("]") { bare = String(bare.dropFirst().dropLast()) }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, bare, &bytes) == 1 {
            self.bytes = Array(bytes.prefix(4))
        } else if inet_pton(AF_INET6, bare, &bytes) == 1 {
            // An IPv4 address in IPv6's clothes is the IPv4 address.
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            self.bytes = isMapped ? Array(bytes.suffix(4)) : bytes
        } else {
            return nil
        }
    }

    /// How many bits it has.
    var bits: Int { bytes.count * 8 }

    /// 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// Whether its first bits are those of a network.
    func isWithin(_ network: NetworkAddress, prefix: Int) -> Bool {
        guard bytes.count == network.bytes.count else { return false }
        return (0..<prefix).allSatisfy { bit in
            (bytes[bit / 8] ^ network.bytes[bit / 8]) & (0x80 >> (bit % 8)) == 0
        }
    }
}
