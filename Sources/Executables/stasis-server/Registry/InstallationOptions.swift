// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubeClient
import RegistryInventory
import Server

import class Foundation.ProcessInfo

/// Whose records say what is needed.
struct InstallationOptions: ParsableArguments {
    @Option(
        help:
            "A kubeconfig of a cluster whose records count; its current context, unless --context names another. Several may be named."
    )
    var kubeconfig: [String] = []

    @Option(
        help: "A context of the kubeconfig, or of kubectl's own. With several kubeconfigs one for each, in their order."
    )
    var context: [String] = []

    @Flag(help: "The cluster that this program runs in counts.")
    var inCluster = false

    @Option(help: "The configuration of a server whose records count. Several may be named.")
    var config: [String] = []

    var isEmpty: Bool { kubeconfig.isEmpty && context.isEmpty && !inCluster && config.isEmpty }

    func validate() throws {
        if kubeconfig.count > 1, !context.isEmpty, context.count != kubeconfig.count {
            throw ValidationError(
                "there are \(kubeconfig.count) kubeconfigs and \(context.count) contexts: name one for each"
            )
        }
    }

    /// Where all of them are. Files are read and nobody is asked yet.
    func places() async throws -> [InstallationPlace] {
        let environment = ProcessInfo.processInfo.environment
        var places: [InstallationPlace] = []
        for (file, context) in clusters {
            let loaded = try file.map { try Kubeconfig.load(files: [$0]) } ?? Kubeconfig.load(environment: environment)
            let configuration = try KubeClientConfiguration(loaded, context: context, environment: environment)
            places.append(.cluster(name: "cluster \(context ?? loaded.currentContext ?? "")", configuration))
        }
        if inCluster {
            places.append(.cluster(name: "this cluster", try .inCluster(environment: environment)))
        }
        for path in config { places.append(try await place(of: path, environment)) }
        return places
    }

    /// Each kubeconfig with its context.
    private var clusters: [(file: String?, context: String?)] {
        if kubeconfig.count > 1 {
            return kubeconfig.enumerated().map { ($1, context.isEmpty ? nil : context[$0]) }
        }
        if context.isEmpty { return kubeconfig.map { ($0, nil) } }
        return context.map { (kubeconfig.first, $0) }
    }

    private func place(of path: String, _ environment: [String: String]) async throws -> InstallationPlace {
        // Who may use the server plays no part here.
        let relaxed = environment.merging(["OPENSANDBOX_INSECURE_SERVER": "YES"]) { $1 }
        let text = try ConfigurationFile(argument: path, environment: environment).read()
        switch try ServerConfiguration.load(text: text, environment: relaxed).configuration.runtime {
        case .local(let local):
            return .stateFolder(local.stateDirectory)
        case .kubernetes(let kubernetes):
            let found =
                if let file = kubernetes.kubeconfigPath {
                    try KubeClientConfiguration(Kubeconfig.load(files: [file]), environment: environment)
                } else {
                    try await KubeClientConfiguration.automatic(environment: environment)
                }
            return .cluster(name: "the cluster of \(path)", found)
        }
    }
}
