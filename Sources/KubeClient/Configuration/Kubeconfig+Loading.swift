// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Foundation
import KubeModels

extension Kubeconfig {
    /// Reads the files that `kubectl` reads: those that `KUBECONFIG` lists, else `~/.kube/config`.
    ///
    /// Of several files, the first one that names a cluster, a user, a context or the current context counts. Files that are
    /// not there are passed over, unless there is none at all.
    ///
    /// Blocks while it reads.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration` that names the file.
    public static func load(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(KubeError) -> Kubeconfig {
        try load(files: files(environment: environment))
    }

    /// The files that `kubectl` reads.
    static func files(environment: [String: String]) -> [String] {
        let listed = (environment["KUBECONFIG"] ?? "").split(separator: ":").map(String.init)
        if !listed.isEmpty { return listed }
        return environment["HOME"].map { ["\($0)/.kube/config"] } ?? []
    }

    /// Reads some files. The first one that says something counts.
    ///
    /// Blocks while it reads.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration` that names the file.
    public static func load(files: [String]) throws(KubeError) -> Kubeconfig {
        var merged: Kubeconfig?
        for path in files {
            guard let bytes = try ConfigurationFile(path: path).readIfThere() else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            let absolute = URL(fileURLWithPath: path).standardizedFileURL
            let config = try Kubeconfig(parsing: text, subject: path)
                .resolvingPaths(against: absolute.deletingLastPathComponent().path)
            merged = merged?.merged(with: config) ?? config
        }
        guard let merged else {
            throw KubeError(
                .invalidConfiguration,
                operation: "find",
                subject: "a kubeconfig",
                reason: files.isEmpty
                    ? "neither KUBECONFIG nor HOME is set" : "there is no \(files.joined(separator: " nor "))",
                advice: "name one in KUBECONFIG"
            )
        }
        return merged
    }

    /// Reads a kubeconfig, in YAML or JSON.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration` that names the subject, never what it says.
    public init(parsing text: String, subject: String = "the kubeconfig") throws(KubeError) {
        let value = try JSONValue(yaml: text, subject: subject)
        func fault(_ reason: String, _ advice: String? = nil) -> KubeError {
            KubeError(.invalidConfiguration, operation: "read", subject: subject, reason: reason, advice: advice)
        }
        // An empty file is what `kubectl` begins with.
        if value == .null || value == .string("") {
            self.init()
            return
        }
        do {
            self = try value.decoded()
        } catch {
            throw fault("\(error.path.joined(separator: ".")) \(error.reason)")
        }
        for (what, names) in [
            ("cluster", clusters.map(\.name)), ("user", users.map(\.name)), ("context", contexts.map(\.name)),
        ] {
            var seen: Set<String> = []
            for name in names where !seen.insert(name).inserted {
                throw fault("it has two of the \(what) '\(name.onOneLine(limit: 80))'", "remove one of them")
            }
        }
    }

    /// This one, and what only the other one says.
    func merged(with other: Kubeconfig) -> Kubeconfig {
        var merged = self
        merged.clusters += other.clusters.filter { cluster in !clusters.contains { $0.name == cluster.name } }
        merged.users += other.users.filter { user in !users.contains { $0.name == user.name } }
        merged.contexts += other.contexts.filter { context in !contexts.contains { $0.name == context.name } }
        if currentContext?.isEmpty ?? true { merged.currentContext = other.currentContext }
        return merged
    }

    /// Paths in a kubeconfig are relative to its folder.
    func resolvingPaths(against folder: String) -> Kubeconfig {
        func resolve(_ path: String?) -> String? {
            guard let path, !path.isEmpty, !path.hasPrefix("/") else { return path }
            return "\(folder)/\(path)"
        }
        var resolved = self
        for place in clusters.indices {
            resolved.clusters[place].cluster.certificateAuthority = resolve(
                clusters[place].cluster.certificateAuthority
            )
        }
        for place in users.indices {
            let user = users[place].user
            resolved.users[place].user.clientCertificate = resolve(user.clientCertificate)
            resolved.users[place].user.clientKey = resolve(user.clientKey)
            resolved.users[place].user.tokenFile = resolve(user.tokenFile)
            // A program without a slash is looked up in PATH.
            if let command = user.exec?.command, command.contains("/") {
                resolved.users[place].user.exec?.command = resolve(command) ?? command
            }
        }
        return resolved
    }
}
