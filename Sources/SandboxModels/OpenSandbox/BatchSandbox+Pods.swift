// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// The pods that a `BatchSandbox` makes for itself, when it has none of a pool.
extension BatchSandbox {
    /// The name of the pod at a place: `<name>-<index>`.
    public func podName(_ index: Int) -> String { "\(metadata.name)-\(index)" }

    /// The place of a pod of its own: what its label says, else what its name ends in. `nil` if neither says any.
    public static func podIndex(of pod: Pod) -> Int? {
        if let label = pod.metadata.labels[OpenSandbox.Label.podIndex] { return place(label[...]) }
        guard let dash = pod.metadata.name.lastIndex(of: "-") else { return nil }
        return place(pod.metadata.name[pod.metadata.name.index(after: dash)...])
    }

    private static func place(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ 48...57 ~= $0 }) else { return nil }
        return Int(text)
    }

    /// The pod at a place, from the template and the patch for that place.
    ///
    /// Whatever the patch says, the pod's name, its namespace, its owner and the two labels it is found by stay what they are.
    ///
    /// - Parameter replacement: The template to use instead of its own, as a resume does.
    /// - Throws: `PodTemplateError` if there is no template, or it or the patch is broken.
    public func pod(at index: Int, template replacement: PodTemplateSpec? = nil) throws(PodTemplateError) -> Pod {
        var found = replacement
        if found == nil { found = try decodedTemplate() }
        guard let template = found else { throw .missing }
        var pod = Pod()
        pod.metadata.labels = template.metadata?.labels ?? [:]
        pod.metadata.annotations = template.metadata?.annotations ?? [:]
        pod.metadata.finalizers = template.metadata?.finalizers ?? []
        pod.spec = template.spec
        if spec.shardPatches.indices.contains(index) {
            pod = try Self.patched(pod, by: spec.shardPatches[index], index)
        }
        pod.metadata.name = podName(index)
        pod.metadata.generateName = nil
        pod.metadata.namespace = metadata.namespace
        pod.metadata.labels[OpenSandbox.Label.batchSandboxName] = metadata.name
        pod.metadata.labels[OpenSandbox.Label.podIndex] = String(index)
        pod.metadata.ownerReferences = [controllerReference()]
        return pod
    }

    private func decodedTemplate() throws(PodTemplateError) -> PodTemplateSpec? {
        do {
            return try spec.podTemplate()
        } catch {
            throw .template(error)
        }
    }

    private static func patched(_ pod: Pod, by patch: RawJSON, _ index: Int) throws(PodTemplateError) -> Pod {
        do {
            let change = try patch.decoded(as: JSONValue.self)
            if change == .null { return pod }
            let document = try StrategicMergePatch(change).applied(to: JSONValue(encoding: pod), .pod)
            return try document.decoded()
        } catch {
            throw .patch(index: index, error)
        }
    }
}

/// Why no pod can be made.
public enum PodTemplateError: Error, Sendable, Hashable {
    /// There is no template.
    case missing
    /// The template is none.
    case template(JSONError)
    /// The patch for a place is none, or does not fit.
    case patch(index: Int, JSONError)
}

extension PodTemplateError: CustomStringConvertible {
    /// What is wrong with which field.
    public var description: String {
        switch self {
        case .missing: "spec.template is missing; give one, or name a pool in spec.poolRef"
        case .template(let error): "spec.template is no template of pods: \(error)"
        case .patch(let index, let error): "spec.shardPatches[\(index)] cannot be applied: \(error)"
        }
    }
}
