// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import OCIRegistry
import Provenance

/// Whether the Secrets that flags name are there, with what they should have.
struct SecretCheck: Sendable {
    let context: DoctorContext

    func findings() async throws -> [DoctorFinding] {
        let settings = context.options.commitJob
        var findings: [DoctorFinding] = []
        do {
            _ = try settings.provenancePolicy()
        } catch {
            findings.append(
                .fault(
                    .verificationKeysUnusable,
                    "--snapshot-verification-keys",
                    error.message,
                    do: "Give it PEM files with public keys, at paths where the controller runs."
                )
            )
        }
        let logins = [("--snapshot-push-secret", settings.pushSecret), ("--resume-pull-secret", settings.pullSecret)]
        let named = logins.compactMap { flag, name in name.map { (flag, $0) } }
        guard !named.isEmpty || settings.signingSecret != nil else {
            return findings + [
                .ok(.secrets, "flags", "they name no Secrets: images are pushed and pulled without a login")
            ]
        }
        let namespaces = context.sandboxNamespaces
        guard !namespaces.isEmpty else {
            return findings + [
                .unchecked(
                    .secrets,
                    "Secrets",
                    "they are in the namespaces of sandboxes, and there are none yet",
                    do: "Name the namespaces that there will be: --watch-namespaces=NAME,..."
                )
            ]
        }
        for namespace in namespaces {
            for (flag, name) in named {
                findings.append(
                    try await look(at: name, in: namespace) { secret in
                        Self.judge(
                            secret,
                            at: "\(namespace)/\(name)",
                            flag,
                            registry: context.options.sandboxes.registry
                        )
                    }
                )
            }
            if let name = settings.signingSecret {
                findings.append(
                    try await look(at: name, in: namespace) { secret in
                        Self.judgeKey(secret, at: "\(namespace)/\(name)")
                    }
                )
            }
        }
        return findings
    }

    private func look(
        at name: String,
        in namespace: String,
        _ judge: (Secret?) -> DoctorFinding
    ) async throws -> DoctorFinding {
        do {
            return judge(try await context.client.resource(Secret.self, in: .named(namespace)).find(name))
        } catch let error as KubeError where error.kind == .forbidden {
            return .unchecked(
                .secrets,
                "Secret \(namespace)/\(name)",
                "it may not be read: \(error)",
                do: "Run it as the controller's account, or as an administrator."
            )
        }
    }

    /// - Parameters:
    ///   - place: Namespace and name.
    ///   - flag: The flag that names it.
    ///   - registry: Where snapshots go.
    static func judge(_ secret: Secret?, at place: String, _ flag: String, registry: String) -> DoctorFinding {
        let subject = "Secret \(place)"
        let remedy = "Make it with 'kubectl create secret docker-registry', in that namespace."
        guard let secret else {
            return .fault(.secretMissing, subject, "it is not there, and \(flag) names it", do: remedy)
        }
        guard secret.type == DockerSecret.type else {
            let type = secret.type ?? "Opaque"
            return .fault(.secretInvalid, subject, "it has the type \(type), not \(DockerSecret.type)", do: remedy)
        }
        guard let bytes = secret.data[DockerSecret.key]?.bytes else {
            return .fault(.secretInvalid, subject, "it has no value \(DockerSecret.key)", do: remedy)
        }
        let config: DockerConfig
        do {
            config = try DockerConfig(parsing: bytes, name: DockerSecret.key)
        } catch {
            return .fault(.secretInvalid, subject, "\(error)", do: remedy)
        }
        guard let reference = try? ImageReference(parsing: "\(registry)/\(RegistryCheck.repository)") else {
            return .ok(.secrets, subject, "it has logins")
        }
        guard let login = config.credentials(domain: reference.domain, repository: reference.repository) else {
            return .fault(
                .secretWithoutLogin,
                subject,
                "it has no login for \(reference.domain), where snapshots go",
                do:
                    "Make it anew with --docker-server=\(reference.domain), or see whether --snapshot-registry is what is meant."
            )
        }
        return .ok(.secrets, subject, "it has a login for \(reference.domain): \(login)")
    }

    static func judgeKey(_ secret: Secret?, at place: String) -> DoctorFinding {
        let subject = "Secret \(place)"
        guard let key = secret?.data["key.pem"]?.bytes, !key.isEmpty else {
            return .fault(
                .signingKeyMissing,
                subject,
                secret == nil
                    ? "it is not there, and --snapshot-signing-secret names it" : "it has no value key.pem",
                do: "Make it with 'kubectl create secret generic NAME --from-file=key.pem', in that namespace."
            )
        }
        return .ok(.secrets, subject, "it has a key")
    }
}
