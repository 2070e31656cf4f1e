// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What the `bridge` plugin of the Container Network Interface reads on its standard input.
///
/// Version 0.4.0 of the specification: the newest that Debian's and all later plugins speak.
struct BridgePluginConfiguration: Encodable {
    var cniVersion = "0.4.0"
    /// The network's name; address leases are kept by it.
    var name: String
    var type = "bridge"
    var bridge: String
    var isGateway = true
    var ipMasq: Bool
    /// Lets a sandbox reach its own published address.
    var hairpinMode = true
    var ipam: AddressManagement

    /// The `host-local` plugin's part.
    struct AddressManagement: Encodable {
        var type = "host-local"
        var ranges: [[Range]]
        var routes: [Route]
        var dataDir: String

        struct Range: Encodable {
            var subnet: String
        }

        struct Route: Encodable {
            var dst: String
        }
    }

    /// The configuration of our one network.
    init(_ configuration: NetworkConfiguration) {
        name = configuration.bridge
        bridge = configuration.bridge
        ipMasq = configuration.masquerade
        ipam = AddressManagement(
            ranges: [[AddressManagement.Range(subnet: configuration.subnet)]],
            routes: [AddressManagement.Route(dst: "0.0.0.0/0")],
            dataDir: configuration.stateFolder
        )
    }
}

/// What a plugin answers to `ADD`: the parts that we read, the same in the versions 0.3.0 to 1.0.0.
struct PluginResult: Decodable {
    var ips: [IP]?

    struct IP: Decodable {
        /// Address and prefix length, `10.89.0.2/24`.
        var address: String
    }

    /// The first IPv4 address.
    var address: IPv4Address? {
        for ip in ips ?? [] {
            if let address = IPv4Address(ip.address.prefix { $0 != "/" }) { return address }
        }
        return nil
    }
}

/// What a plugin answers on its standard output when it fails.
struct PluginFailure: Decodable {
    var code: Int
    var msg: String
    var details: String?
}
