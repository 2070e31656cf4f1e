// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How a live pod differs from the template that it was made from, as a strategic merge patch of that template: what webhooks have
/// put into it, and resources that were changed since.
///
/// Metadata is never part of it, nor is anything else of a container that the template has, such as its image: that is what was
/// captured.
public struct KruisePodTemplateDelta: Sendable, Hashable {
    /// The patch.
    public let patch: JSONValue

    /// Compares a pod with a template.
    ///
    /// - Returns: Nil if nothing differs.
    public init?(of pod: Pod, from template: PodTemplateSpec) {
        let containers = Self.changes(of: pod.spec.containers, from: template.spec.containers)
        let known = Set(template.spec.initContainers.map(\.name))
        let initContainers = pod.spec.initContainers.filter { !known.contains($0.name) }.compactMap(Self.tree)
        guard !containers.isEmpty || !initContainers.isEmpty else { return nil }
        var spec: [String: JSONValue] = [:]
        spec["$setElementOrder/containers"] = Self.order(of: pod.spec.containers)
        spec["containers"] = containers.isEmpty ? nil : .array(containers)
        if !initContainers.isEmpty {
            spec["$setElementOrder/initContainers"] = Self.order(of: pod.spec.initContainers)
            spec["initContainers"] = .array(initContainers)
        }
        patch = ["spec": .object(spec)]
    }

    /// Containers that the template has not, and the resources of those that it has.
    private static func changes(of live: [Container], from template: [Container]) -> [JSONValue] {
        let known = Dictionary(template.map { ($0.name, $0) }) { first, _ in first }
        return live.compactMap { container in
            guard let planned = known[container.name] else { return tree(container) }
            guard planned.admittedResources != container.admittedResources,
                let resources = try? JSONValue(encoding: container.resources ?? ResourceRequirements())
            else { return nil }
            return ["name": .string(container.name), "resources": resources]
        }
    }

    private static func order(of containers: [Container]) -> JSONValue {
        .array(containers.map { ["name": .string($0.name)] })
    }

    private static func tree(_ container: Container) -> JSONValue? { try? JSONValue(encoding: container) }
}

extension Container {
    /// Its resources as API servers complete them: what is limited and not asked for is asked for up to its limit.
    fileprivate var admittedResources: ResourceRequirements {
        .with {
            $0.limits = resources?.limits ?? [:]
            $0.requests = (resources?.requests ?? [:]).merging($0.limits) { asked, _ in asked }
        }
    }
}
