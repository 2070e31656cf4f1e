// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Foundation
import KubeModels

extension KubeClientConfiguration {
    /// Where a program finds its cluster: within a pod, that pod's; else what the kubeconfig says.
    ///
    /// - Parameter context: the context of the kubeconfig, if not the current one.
    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    public static func automatic(
        context: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> KubeClientConfiguration {
        try await BlockingIO.run {
            if context == nil, environment["KUBECONFIG"] == nil, environment["KUBERNETES_SERVICE_HOST"] != nil {
                return try inCluster(environment: environment)
            }
            return try KubeClientConfiguration(
                Kubeconfig.load(environment: environment),
                context: context,
                environment: environment
            )
        }
    }

    /// The cluster and the user of a context.
    ///
    /// - Parameters:
    ///   - name: the context, if not the current one.
    ///   - environment: what a program that gives credentials gets.
    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    public init(
        _ kubeconfig: Kubeconfig,
        context name: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(KubeError) {
        guard let name = name ?? kubeconfig.currentContext, !name.isEmpty else {
            throw KubeError(
                .invalidConfiguration,
                operation: "use",
                subject: "the kubeconfig",
                reason: "it has no current context",
                advice: "name a context, or choose one with 'kubectl config use-context'"
            )
        }
        func fault(_ reason: String, _ advice: String? = nil) -> KubeError {
            KubeError(
                .invalidConfiguration,
                operation: "use",
                subject: "the context '\(name.onOneLine(limit: 80))' of the kubeconfig",
                reason: reason,
                advice: advice
            )
        }
        guard let context = kubeconfig.contexts.first(where: { $0.name == name })?.context else {
            throw fault("there is none of that name")
        }
        guard let cluster = kubeconfig.clusters.first(where: { $0.name == context.cluster })?.cluster else {
            throw fault("it has no cluster '\(context.cluster.onOneLine(limit: 80))'")
        }
        guard
            let user = context.user.isEmpty
                ? Kubeconfig.User() : kubeconfig.users.first(where: { $0.name == context.user })?.user
        else { throw fault("it has no user '\(context.user.onOneLine(limit: 80))'") }
        if user.username?.isEmpty == false { throw fault("its user has a password, which API servers no longer take") }
        if user.authProvider != nil {
            throw fault("its user has an auth-provider, which is no more", "use an exec plugin")
        }
        self.init(
            server: try Self.server(of: cluster),
            credentials: try Self.credentials(of: user, cluster, environment, fault),
            namespace: context.namespace.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        )
        if let impersonated = user.impersonate, !impersonated.isEmpty {
            impersonation = Impersonation(
                user: impersonated,
                groups: user.impersonateGroups,
                uid: user.impersonateUID,
                extra: user.impersonateUserExtra
            )
        } else if !user.impersonateGroups.isEmpty || user.impersonateUID != nil {
            throw fault("its user acts with the groups or the UID of somebody whom it does not name")
        }
    }

    private static func server(of cluster: Kubeconfig.Cluster) throws(KubeError) -> ServerEndpoint {
        let source = pem(cluster.certificateAuthorityData, cluster.certificateAuthority)
        let verification: ServerEndpoint.Verification =
            if cluster.insecureSkipTLSVerify == true { .none } else if let source { .authorities(source) } else {
                .systemAuthorities
            }
        return try ServerEndpoint(
            cluster.server,
            verification: verification,
            serverName: cluster.tlsServerName,
            proxy: cluster.proxyURL
        )
    }

    private static func credentials(
        of user: Kubeconfig.User,
        _ cluster: Kubeconfig.Cluster,
        _ environment: [String: String],
        _ fault: (String, String?) -> KubeError
    ) throws(KubeError) -> KubeCredentials {
        var credentials = KubeCredentials()
        let literal = user.token.flatMap { $0.isEmpty ? nil : $0 }
        if let file = user.tokenFile, !file.isEmpty {
            credentials.token = .file(file, fallback: literal)
        } else if let literal {
            credentials.token = .literal(literal)
        }
        switch (pem(user.clientCertificateData, user.clientCertificate), pem(user.clientKeyData, user.clientKey)) {
        case (let chain?, let key?): credentials.certificate = .init(chain: chain, key: key)
        case (nil, nil): break
        case (nil, _): throw fault("its user has a client key without a certificate", nil)
        case (_, nil): throw fault("its user has a client certificate without a key", nil)
        }
        guard let exec = user.exec else { return credentials }
        let versions = ["v1", "v1beta1"].map { "client.authentication.k8s.io/\($0)" }
        guard versions.contains(exec.apiVersion) else {
            throw fault(
                "its user has a program of the version '\(exec.apiVersion.onOneLine(limit: 80))'",
                "use \(versions[0])"
            )
        }
        guard !exec.command.isEmpty else { throw fault("its user has a program without a name", nil) }
        guard exec.interactiveMode != "Always" else {
            throw fault("its user has a program that has to ask a person", nil)
        }
        credentials.plugin = ExecPlugin(
            apiVersion: exec.apiVersion,
            command: exec.command,
            arguments: exec.args,
            variables: Dictionary(exec.env.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
            environment: environment,
            installHint: exec.installHint,
            clusterInfo: exec.provideClusterInfo == true ? clusterInfo(of: cluster) : nil
        )
        return credentials
    }

    /// What a program is told of the cluster.
    private static func clusterInfo(of cluster: Kubeconfig.Cluster) -> JSONValue {
        var info: JSONValue = ["server": .string(cluster.server)]
        if let name = cluster.tlsServerName { info["tls-server-name"] = .string(name) }
        if cluster.insecureSkipTLSVerify == true { info["insecure-skip-tls-verify"] = true }
        if let data = cluster.certificateAuthorityData?.bytes {
            info["certificate-authority-data"] = .string(Data(data).base64EncodedString())
        } else if let path = cluster.certificateAuthority, let bytes = try? ConfigurationFile(path: path).read() {
            info["certificate-authority-data"] = .string(Data(bytes).base64EncodedString())
        }
        if let proxy = cluster.proxyURL { info["proxy-url"] = .string(proxy) }
        let extensions = cluster.extensions.compactMap { try? $0.decoded(as: JSONValue.self) }
        if let own = extensions.first(where: { $0["name"] == "client.authentication.k8s.io/exec" })?["extension"] {
            info["config"] = own
        }
        return info
    }

    private static func pem(_ data: Base64Bytes?, _ file: String?) -> PEMSource? {
        if let data, !data.bytes.isEmpty { return .bytes(data.bytes) }
        return file.flatMap { $0.isEmpty ? nil : .file($0) }
    }
}
