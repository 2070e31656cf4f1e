// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Provenance

import struct Foundation.Data
import class Foundation.FileManager
import class Foundation.JSONDecoder
import struct Foundation.URL

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the configuration names on this machine. What a server cannot do without is a problem; what may yet come, such as
/// a containerd that starts later, is a warning.
extension ConfigurationCheck {
    mutating func look(at local: ServerConfiguration.Local, networkPlugins: String) {
        lookAtFolder("local.state_dir", local.stateDirectory)
        if case .layout(let path) = local.snapshotStore, !path.hasPrefix(local.stateDirectory + "/") {
            lookAtFolder("local.snapshot_store", path)
        }
        lookAtSocket("local.containerd_socket", local.containerdSocket)
        if let path = local.registryConfiguration { lookAtLogins("local.registry_config", path) }
        for path in local.allowedHostPaths where FileKind(at: path) != .folder {
            warn("storage.allowed_host_paths", "There is no folder \(path); it is made when a volume needs it.")
        }
        if access("\(networkPlugins)/bridge", X_OK) != 0 {
            warn("local.network", "There is no plugin \(networkPlugins)/bridge now; install the CNI plugins.")
        }
        if geteuid() != 0 {
            warn("local", "This user is not root, and sandboxes on this machine can only be run by root.")
        }
    }

    mutating func look(at kubernetes: ServerConfiguration.Kubernetes) {
        if let path = kubernetes.kubeconfigPath { lookAtFile("kubernetes.kubeconfig_path", path) }
        if let path = kubernetes.templateFile { lookAtFile("kubernetes.batchsandbox_template_file", path) }
    }

    /// The file with the keys; its own problems are told with its path.
    mutating func lookAtKeys(of configuration: ServerConfiguration) {
        do {
            if let path = configuration.http.apiKeyFile { _ = try KeyFile.keys(at: path) }
        } catch {
            problems += error.problems.map { "server.api_key_file: \($0)" }
        }
        do {
            guard let path = configuration.tenantFile else { return }
            for warning in try TenantFile.entries(at: path).1 { warn("\(path): \(warning.path)", warning.message) }
        } catch {
            problems += error.problems.map { "tenants: \($0)" }
            for warning in error.warnings { warn("tenants: \(warning.path)", warning.message) }
        }
    }

    /// The keys of snapshots: without them what was asked for would not be done.
    mutating func look(at snapshots: ServerConfiguration.Snapshots) {
        do {
            if let path = snapshots.signingKey { _ = try SigningKey(file: path) }
        } catch {
            problems.append("snapshots.signing_key: \(error.message).")
        }
        do {
            _ = try ProvenancePolicy.load(snapshots.verification, files: snapshots.verificationKeys)
        } catch {
            problems.append("snapshots.verification_keys: \(error.message).")
        }
    }

    /// A file without which the server cannot start.
    private mutating func lookAtFile(_ key: String, _ path: String) {
        if FileKind(at: path) != .other || access(path, R_OK) != 0 {
            problems.append("\(key): \(path) cannot be read.")
        }
    }

    /// A folder that is used if it is there, and made if it is not.
    private mutating func lookAtFolder(_ key: String, _ path: String) {
        var existing = path
        while FileKind(at: existing) == nil, existing != "/" {
            let parent = URL(filePath: existing).deletingLastPathComponent().path
            existing = parent.count < existing.count ? parent : "/"
        }
        if FileKind(at: existing) != .folder {
            problems.append("\(key): \(existing) is no folder.")
        } else if access(existing, R_OK | W_OK | X_OK) != 0 {
            problems.append("\(key): this user may not write in \(existing).")
        }
    }

    private mutating func lookAtSocket(_ key: String, _ path: String) {
        switch FileKind(at: path) {
        case .socket where access(path, R_OK | W_OK) == 0: break
        case .socket: warn(key, "This user may not use \(path).")
        case nil: warn(key, "There is no \(path) now; is containerd installed and running?")
        default: problems.append("\(key): \(path) is no socket.")
        }
    }

    /// A file of docker's format; only its form is looked at.
    private mutating func lookAtLogins(_ key: String, _ path: String) {
        struct Logins: Decodable {
            struct Login: Decodable {}
            var auths: [String: Login]?
            var credHelpers: [String: String]?
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            problems.append("\(key): \(path) cannot be read.")
            return
        }
        if (try? JSONDecoder().decode(Logins.self, from: data)) == nil {
            problems.append("\(key): \(path) is not of the form of a Docker config.json.")
        }
    }

    private mutating func warn(_ key: String, _ message: String) {
        warnings.append(ConfigurationWarning(path: key, message: message))
    }
}
