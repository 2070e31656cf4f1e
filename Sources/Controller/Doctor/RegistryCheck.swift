// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import OCIRegistry
import SandboxModels
import SnapshotStore

/// The registry that snapshots go to: whether it is there, and lets the logins do what the controller and commit Jobs do.
struct RegistryCheck: Sendable {
    /// The repository that is tried with. Nothing is left in it.
    static let repository = "stasis-doctor"

    let context: DoctorContext

    func findings() async throws -> [DoctorFinding] {
        let name = context.options.sandboxes.registry
        guard !name.isEmpty else {
            return [
                .fault(
                    .registryNotConfigured,
                    "--snapshot-registry",
                    "it is not set: nothing can be paused",
                    do: "Set it, such as snapshot-registry: registry.example.com/sandboxes."
                )
            ]
        }
        let reference: ImageReference
        do {
            reference = try ImageReference(parsing: "\(name)/\(Self.repository)")
        } catch {
            let remedy = "Write it without a scheme: registry.example.com/sandboxes."
            return [.fault(.registryInvalid, "--snapshot-registry", "'\(name)' is no registry: \(error)", do: remedy)]
        }
        let trial = RegistryTrial(
            reference: reference,
            options: context.options,
            environment: context.doctor.environment
        )
        var findings = trial.plainness
        let reach = await trial.reach()
        findings.append(reach)
        guard reach.outcome == .ok else { return findings }
        for (login, namespaces) in try await logins(context.options.commitJob.pushSecret, reference) {
            findings += await trial.push(as: login, Self.whose(login, context.options.commitJob.pushSecret, namespaces))
        }
        for (login, namespaces) in try await logins(context.options.commitJob.pullSecret, reference) {
            let whose = Self.whose(login, context.options.commitJob.pullSecret, namespaces)
            findings.append(await trial.pull(image(in: namespaces, reference), as: login, whose))
        }
        return findings
    }

    /// The logins that a Secret has for the registry, each with the namespaces in which it has it. That of no Secret is nil, and
    /// counts everywhere.
    private func logins(
        _ secret: String?,
        _ reference: ImageReference
    ) async throws -> [(RegistryCredentials?, [String])] {
        let namespaces = context.sandboxNamespaces
        guard let secret else { return [(nil, namespaces)] }
        var found: [RegistryCredentials: [String]] = [:]
        for namespace in namespaces {
            do {
                let object = try await context.client.resource(Secret.self, in: .named(namespace)).find(secret)
                guard let bytes = object?.data[DockerSecret.key]?.bytes, object?.type == DockerSecret.type,
                    let config = try? DockerConfig(parsing: bytes, name: secret),
                    let login = config.credentials(domain: reference.domain, repository: reference.repository)
                else { continue }
                found[login, default: []].append(namespace)
            } catch let error as KubeError where error.kind == .forbidden {
                // It is said where Secrets are looked at.
                continue
            }
        }
        return found.sorted { ($0.value.first ?? "") < ($1.value.first ?? "") }.map { ($0.key, $0.value) }
    }

    private static func whose(_ login: RegistryCredentials?, _ secret: String?, _ namespaces: [String]) -> String {
        guard let login, let secret else { return "without a login" }
        return "with the login of \(secret) in \(namespaces.told(limit: 3)) (\(login))"
    }

    /// An image of a snapshot in this registry.
    private func image(in namespaces: [String], _ reference: ImageReference) -> ImageReference? {
        let places = Set(namespaces)
        return context.survey.snapshots.lazy
            .filter { $0.status?.phase == .succeed && places.contains($0.metadata.namespace ?? "") }
            .compactMap { snapshot in
                snapshot.status?.containers.lazy.compactMap { container in
                    try? ImageReference(parsing: container.imageUri)
                }.first { $0.domain == reference.domain }
            }.first
    }
}

/// Trying what a registry lets a login do.
struct RegistryTrial: Sendable {
    let reference: ImageReference
    let options: ControllerOptions
    let environment: [String: String]

    private var isPlain: Bool {
        options.commitJob.isRegistryInsecure || InsecureRegistry.isLikely(reference.domain)
    }

    /// Whether others on the way can read and change what is sent.
    var plainness: [DoctorFinding] {
        let own = RegistryConfiguration().plainHTTP.allows(reference.endpoint)
        guard isPlain, !own else { return [] }
        let why =
            options.commitJob.isRegistryInsecure
            ? "--snapshot-registry-insecure says so" : "its name or address is one of the own network"
        return [
            .fault(
                .registryPlain,
                reference.domain,
                "it is spoken to without TLS, because \(why): whoever is between can read what sandboxes have written, and the logins",
                do:
                    "Give the registry a certificate and a name; one of an authority of your own goes into --registry-certificates."
            )
        ]
    }

    /// Whether it answers.
    func reach() async -> DoctorFinding {
        let how = isPlain ? "without TLS" : "by TLS"
        do {
            try await asking(nil) { try await $0.ping() }
            return .ok(.registry, reference.domain, "it answers \(how)")
        } catch let error as RegistryError where [.unauthorized, .forbidden].contains(error.kind) {
            return .ok(.registry, reference.domain, "it answers \(how), and wants a login")
        } catch {
            return Self.judge(error, reference.domain, otherwise: .registryUnreachable)
        }
    }

    /// Whether a login may push and delete. An upload is begun and cancelled, and an image is deleted that is not there.
    func push(as login: RegistryCredentials?, _ whose: String) async -> [DoctorFinding] {
        let subject = "\(reference.name) \(whose)"
        do {
            try await asking(login) { try await $0.startUpload().cancel() }
        } catch {
            return [Self.judge(error, subject, otherwise: .registryPushRefused)]
        }
        let pushed = DoctorFinding.ok(.registry, subject, "it takes uploads")
        do {
            let nothing = Digest.sha256(of: Array("\(UInt64.random(in: 0 ... .max))".utf8))
            let deletion = try await asking(login) { try await $0.deleteManifest(nothing) }
            return [pushed, Self.judge(deletion, subject)]
        } catch {
            let remedy =
                "Give the login the right to delete, or keep all images (snapshot-delete-policy: Retain, snapshot-retention: 0)."
            return [
                pushed, .fault(.registryDeleteRefused, subject, "images cannot be deleted: \(error)", do: remedy),
            ]
        }
    }

    /// Whether a login may pull.
    ///
    /// - Parameter image: One to try it with; nil if there is none yet.
    func pull(_ image: ImageReference?, as login: RegistryCredentials?, _ whose: String) async -> DoctorFinding {
        let subject = "\(image?.name ?? reference.domain) \(whose)"
        do {
            if let image {
                _ = try await asking(login, image) { try await $0.resolve(image.manifestReference) }
                return .ok(.registry, subject, "images can be pulled")
            }
            try await asking(login) { try await $0.ping() }
            let told = login == nil ? "nodes need no login" : "nodes can log in"
            return .ok(.registry, subject, "\(told); there is no snapshot yet to try a pull with")
        } catch let error as RegistryError where login == nil && [.unauthorized, .forbidden].contains(error.kind) {
            return .unchecked(
                .registry,
                subject,
                "nodes can pull only if they have a login of their own: \(error)",
                do: "Set --resume-pull-secret, unless the nodes have one."
            )
        } catch {
            return Self.judge(error, subject, otherwise: .registryPullRefused)
        }
    }

    private func asking<Value: Sendable>(
        _ login: RegistryCredentials?,
        _ image: ImageReference? = nil,
        _ body: @Sendable (RegistryRepository) async throws -> Value
    ) async throws -> Value {
        var configuration = RegistryConfiguration(connectTimeout: .seconds(5), requestTimeout: .seconds(10))
        configuration.proxies = try ProxySettings(environment: environment)
        configuration.certificatesFolder = options.commitJob.certificatesFolder
        configuration.retry.attempts = 2
        if isPlain { configuration.plainHTTP.hosts = [reference.domain] }
        if let login { configuration.credentials = .fixed(login, for: reference.domain) }
        let logger = Logger(label: DoctorOptions.word) { _ in SwiftLogNoOpLogHandler() }
        return try await withRegistryClient(configuration, logger: logger) { client in
            try await body(client.repository(image ?? reference))
        }
    }

    // MARK: - Judgement

    /// - Parameter reason: What it is if the registry was reached, and took the login.
    static func judge(
        _ error: any Error,
        _ subject: String,
        otherwise reason: DoctorReason
    ) -> DoctorFinding {
        switch (error as? RegistryError)?.kind {
        case .tls?:
            return .fault(
                .registryCertificate,
                subject,
                "\(error)",
                do:
                    "Put its authority's certificate into --registry-certificates, as <registry>/ca.crt, where the controller runs, and "
                    + "have nodes trust it; a registry without TLS needs snapshot-registry-insecure."
            )
        case .unreachable?, .timeout?, .serverFault?, .rateLimited?:
            return .fault(
                .registryUnreachable,
                subject,
                "\(error)",
                do: "See that it runs, and that its name and its port are reached from here and from the nodes."
            )
        case .unauthorized?:
            return .fault(
                .registryLoginRefused,
                subject,
                "\(error)",
                do: "Put a login into the Secret that the registry knows; without a Secret, make one and name it "
                    + "(--snapshot-push-secret, --resume-pull-secret)."
            )
        default:
            let remedy =
                switch reason {
                case .registryUnreachable:
                    "See that --snapshot-registry names a registry, and whether it has TLS (snapshot-registry-insecure)."
                case .registryPullRefused: "Give the login the right to pull from there."
                default: "Give the login the right to push there; some registries want the repository to be made first."
                }
            return .fault(reason, subject, "\(error)", do: remedy)
        }
    }

    static func judge(_ deletion: OCIRegistry.Deletion, _ subject: String) -> DoctorFinding {
        guard deletion == .unsupported else { return .ok(.registry, subject, "images can be deleted") }
        return .fault(
            .registryKeepsImages,
            subject,
            "it deletes no images: what sandboxes and snapshots leave stays for ever",
            do:
                "Enable it there (docker-registry: storage.delete.enabled), or keep all images (snapshot-delete-policy: Retain)."
        )
    }
}
