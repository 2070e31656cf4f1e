// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels

/// How this machine's sandboxes are reached: one bridge, one subnet, one address each.
public struct NetworkConfiguration: Sendable, Hashable {
    /// The bridge's interface name, made when the first sandbox is attached; up to 15 characters.
    public var bridge: String
    /// The IPv4 subnet in CIDR notation; its first address becomes the bridge's.
    public var subnet: String
    /// Whether what sandboxes send to other machines gets this machine's address. It adds rules to iptables, which is
    /// why it is off by default. A sandbox whose processes died before it was removed leaves its rule behind.
    public var masquerade: Bool
    /// Where the leases of addresses are kept.
    public var stateFolder: String
    /// Where the CNI plugins `bridge` and `host-local` are.
    public var pluginFolder: String

    /// Creates a configuration.
    ///
    /// - Throws: `SandboxError` with the code `invalidParameter` if the bridge's name or the subnet cannot be used.
    public init(
        stateFolder: String,
        bridge: String = "stasis0",
        subnet: String = "10.89.0.0/24",
        masquerade: Bool = false,
        pluginFolder: String = "/usr/lib/cni"
    ) throws(SandboxError) {
        guard Self.isInterfaceName(bridge) else {
            throw SandboxError(
                .invalidParameter,
                "`\(bridge)` cannot name a network bridge: use 1 to 15 letters, digits, `-`, `_` or `.`."
            )
        }
        guard Self.isSubnet(subnet) else {
            throw SandboxError(
                .invalidParameter,
                "`\(subnet)` is not an IPv4 subnet for sandboxes: write it like 10.89.0.0/24, with a prefix of 8 to "
                    + "29 and no bits set behind it."
            )
        }
        self.bridge = bridge
        self.subnet = subnet
        self.masquerade = masquerade
        self.stateFolder = stateFolder
        self.pluginFolder = pluginFolder
    }

    private static func isInterfaceName(_ name: String) -> Bool {
        (1...15).contains(name.utf8.count) && name != "." && name != ".."
            && name.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_.".unicodeScalars.contains($0))
            }
    }

    private static func isSubnet(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let prefix = UInt32(parts[1]), (8...29).contains(prefix),
            String(prefix) == parts[1], let address = IPv4Address(parts[0])
        else { return false }
        return address.number & (UInt32.max >> prefix) == 0
    }
}

/// An IPv4 address.
struct IPv4Address: Sendable, Hashable, CustomStringConvertible {
    /// The address as a number, most significant byte first.
    var number: UInt32

    /// Reads four decimal numbers between points; nil for anything else.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        number = 0
        for part in parts {
            // Leading zeros would be octal to some readers, and signs are nobody's.
            guard let byte = UInt8(part), String(byte) == part else { return nil }
            number = number << 8 | UInt32(byte)
        }
    }

    var description: String {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }
}
