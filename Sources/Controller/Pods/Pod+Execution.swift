// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SnapshotProvider

import class Foundation.JSONEncoder

/// How a pod runs its containers, as far as an image of one may tell.
extension Pod {
    /// What upstream's server puts before the command of its sandboxes. It is on a volume, so an image has it not; what follows it
    /// is the command.
    private static let bootstrap = "/opt/opensandbox/bootstrap.sh"
    /// The most names that are told.
    private static let mostNames = 256

    /// What is known of one container.
    ///
    /// Words of the pod's own definition are taken as they are written there: a `$(NAME)` in them stays one, so that the value of
    /// a variable, which may be a Secret's, never gets in.
    ///
    /// - Returns: Nil if there is no such container, or if its description would be too large.
    func execution(of name: String, environment detail: EnvironmentDetail) -> ContainerExecution? {
        guard let container = spec.containers.first(where: { $0.name == name }) else { return nil }
        var execution = ContainerExecution()
        let command =
            container.command.first == Self.bootstrap ? Array(container.command.dropFirst()) : container.command
        // The bootstrap alone runs what the image has.
        execution.command = command.isEmpty ? nil : command
        execution.arguments = container.args.isEmpty ? nil : container.args
        execution.workingDirectory = container.workingDir
        execution.user = user(of: container)
        execution.environmentNames = Array(Set(container.env.map(\.name)).sorted().prefix(Self.mostNames))
        if detail == .values { execution.environment = container.literalValues }
        execution.ports = container.ports.map { "\($0.containerPort)/\(($0.protocol ?? "TCP").lowercased())" }.sorted()
        execution.limits = container.resources?.limits.mapValues(\.description) ?? [:]
        execution.requests = container.resources?.requests.mapValues(\.description) ?? [:]
        execution.mounts = Set(container.volumeMounts.map(\.mountPath)).sorted()
        return execution.isSmall ? execution : nil
    }

    /// The user and the group that the pod says, which go before those of the image.
    private func user(of container: Container) -> String? {
        let user = container.securityContext?.runAsUser ?? spec.securityContext?.runAsUser
        let group = container.securityContext?.runAsGroup ?? spec.securityContext?.runAsGroup
        guard let user else { return nil }
        return group.map { "\(user):\($0)" } ?? "\(user)"
    }
}

extension Container {
    /// The variables whose values the definition has as they are: from nowhere else, and made of no other variable.
    fileprivate var literalValues: [String: String] {
        var values: [String: String] = [:]
        for variable in env {
            let isLiteral = variable.unknownFields.isEmpty && variable.value?.contains("$(") == false
            values[variable.name] = isLiteral ? variable.value : nil
        }
        return values
    }
}

extension ContainerExecution {
    /// Whether an object's annotation has room for it.
    fileprivate var isSmall: Bool {
        guard let size = try? JSONEncoder().encode(self).count else { return false }
        return size <= Self.sizeLimit
    }
}
