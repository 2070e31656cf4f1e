// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotEngine

extension ServerConfiguration {
    /// Reads `[local]`; nil if the state folder cannot be named, which is then a problem of the table.
    static func readLocal(
        _ table: inout ConfigurationTable,
        _ publishedHost: String?,
        home: String?
    ) -> Local? {
        /// An absolute path, or nil with a problem noted.
        func path(_ key: String, _ text: String) -> String? {
            switch absolute(text, home: home) {
            case .success(let path): return path
            case .failure(let reason):
                table.refuse(key, reason.text)
                return nil
            }
        }
        guard let state = path("state_dir", table.text("state_dir") ?? "~/.stasis") else { return nil }
        var local = Local(stateDirectory: state)
        if let socket = table.path("containerd_socket", home: home) {
            local.containerdSocket = socket
        }
        if let namespace = table.text("containerd_namespace") {
            if isContainerdIdentifier(namespace) {
                local.containerdNamespace = namespace
            } else {
                table.refuse("containerd_namespace", "is '\(namespace)', which containerd does not take as a name.")
            }
        }
        if let store = table.text("snapshot_store") {
            if store.hasPrefix("oci:") {
                if let folder = path("snapshot_store", String(store.dropFirst(4))) {
                    local.snapshotStore = .layout(path: folder)
                }
            } else if isRegistryPrefix(store) {
                local.snapshotStore = .registry(prefix: store)
            } else {
                table.refuse(
                    "snapshot_store",
                    "is '\(store)' but must be oci:<folder> or <registry host>[:<port>]/<prefix>, in lower case."
                )
            }
        }
        if let name = table.text("snapshot_compression") {
            if let compression = CaptureCompression(rawValue: name) {
                local.snapshotCompression = compression
            } else {
                table.refuse("snapshot_compression", "is '\(name)' but must be gzip or zstd.")
            }
        }
        local.insecureRegistries = table.strings("insecure_registries") ?? []
        local.registryConfiguration = table.path("registry_config", home: home)
        if let folder = table.path("registry_certificates", home: home) {
            local.registryCertificates = folder
        }
        local.network = table.table("network") { readNetwork(&$0) }
        local.pauseDeadline = table.integer("pause_deadline_seconds", in: 10...86_400) ?? local.pauseDeadline
        local.mostSnapshotLayers = table.integer("max_snapshot_layers", in: 3...100) ?? local.mostSnapshotLayers
        local.publishedHost = table.text("host") ?? publishedHost
        return local
    }

    /// Reads what of the machine may be mounted into sandboxes.
    static func readStorage(_ table: inout ConfigurationTable, home: String?) -> [String] {
        table.ignore(
            ["ossfs_mount_root", "volume_default_size"],
            because: "The local runtime has neither ossfs nor volumes of a fixed size; it has no effect."
        )
        return table.hostPaths("allowed_host_paths", home: home)
    }

    private static func readNetwork(_ table: inout ConfigurationTable) -> Network {
        var network = Network()
        if let bridge = table.text("bridge") {
            let isName =
                bridge.utf8.count <= 15
                && bridge.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
                && !["%", ":"].contains(where: bridge.contains) && bridge != "." && bridge != ".."
            if isName {
                network.bridge = bridge
            } else {
                table.refuse("bridge", "is '\(bridge)', which is no name of a network interface (1 to 15 bytes).")
            }
        }
        if let subnet = table.text("subnet") {
            if isIPv4Network(subnet) {
                network.subnet = subnet
            } else {
                table.refuse("subnet", "is '\(subnet)' but must be an IPv4 network such as 10.89.0.0/24 (/8 to /30).")
            }
        }
        return network
    }

    /// The rest of a sentence that begins with a key.
    struct Reason: Error {
        var text: String
    }

    /// A path with `~` replaced, if it is absolute then.
    static func absolute(_ path: String, home: String?) -> Result<String, Reason> {
        var path = path
        if path == "~" || path.hasPrefix("~/") {
            guard let home, home.hasPrefix("/") else {
                return .failure(Reason(text: "is '\(path)', but HOME is not set; give an absolute path."))
            }
            path = (home == "/" ? "" : home) + path.dropFirst()
        }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            return .failure(Reason(text: "is '\(path)' but must be an absolute path or begin with ~/."))
        }
        return .success(path)
    }

    /// Letters and digits, with single `.`, `_` and `-` between them.
    private static func isContainerdIdentifier(_ name: String) -> Bool {
        guard name.utf8.count <= 76 else { return false }
        return name.split(omittingEmptySubsequences: false) { "._-".contains($0) }
            .allSatisfy { part in !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } }
    }

    /// `host[:port]/part[/part ...]`, in which the host is told from a part by a dot, a port or being `localhost`.
    static func isRegistryPrefix(_ prefix: String) -> Bool {
        let parts = prefix.split(separator: "/", omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count > 1, host.contains(".") || host.contains(":") || host == "localhost"
        else { return false }
        let characters = Set("abcdefghijklmnopqrstuvwxyz0123456789._-")
        return host.allSatisfy { characters.contains($0) || "ABCDEFGHIJKLMNOPQRSTUVWXYZ:[]".contains($0) }
            && parts.dropFirst().allSatisfy { !$0.isEmpty && $0.allSatisfy(characters.contains) }
    }

    private static func isIPv4Network(_ text: String) -> Bool {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let length = Int(halves[1]), (8...30).contains(length) else { return false }
        let octets = halves[0].split(separator: ".", omittingEmptySubsequences: false)
        guard octets.count == 4 else { return false }
        var address: UInt32 = 0
        for octet in octets {
            guard octet.allSatisfy({ $0.isASCII && $0.isNumber }), let value = UInt8(octet) else { return false }
            address = address << 8 | UInt32(value)
        }
        return address << UInt32(length) == 0
    }
}
