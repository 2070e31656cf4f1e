// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

extension AgentSandbox {
    /// The template of its pod; `nil` if it has none.
    ///
    /// - Throws: `JSONError` if what is written there is no template of pods.
    public func podTemplate() throws(JSONError) -> PodTemplateSpec? {
        try spec.podTemplate?.decoded(as: PodTemplateSpec.self)
    }

    /// The images that its template named before a snapshot took their place, by container.
    public var originalImages: [String: String] {
        let text = metadata.annotations[AgentSandboxes.Annotation.originalImages] ?? ""
        return (try? [String: String](json: text)) ?? [:]
    }

    /// Remembers the images that a template names and that are about to be replaced, unless they are a snapshot's.
    ///
    /// - Parameters:
    ///   - template: The template as it is.
    ///   - images: What comes into their place, by container.
    ///   - notes: What was put there before.
    public mutating func rememberImages(
        of template: PodTemplateSpec,
        before images: [String: String],
        _ notes: AgentSandboxNotes
    ) {
        var original = originalImages
        for container in template.spec.containers {
            guard let new = images[container.name], let old = container.image, old != new,
                old != notes.images[container.name]
            else { continue }
            original[container.name] = old
        }
        guard original != originalImages else { return }
        metadata.annotations[AgentSandboxes.Annotation.originalImages] = original.jsonText
    }
}
