// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a sandbox's template has to change to start from an artifact.
///
/// It is applied as a strategic merge: what is not named here stays as the template has it.
public struct TemplatePatch: Sendable, Hashable, Codable {
    /// The image of each restored container, by container name, always by digest.
    public var images: [String: String]
    /// Names of the secrets needed to pull them.
    public var imagePullSecrets: [String]
    /// Nodes on which a start would be faster. A preference, never a requirement.
    public var preferredNodes: [String]
    /// Annotations for the pod.
    public var annotations: [String: String]
    /// Init containers to run first, each a JSON object of Kubernetes' `Container`.
    public var initContainers: [String]
    /// Volumes for the pod, each a JSON object of Kubernetes' `Volume`. One of the template with the same name is replaced.
    public var volumes: [String]
    /// What containers of the template see of volumes, by container name: JSON objects of Kubernetes' `VolumeMount`. One of the
    /// template at the same path is replaced.
    public var volumeMounts: [String: [String]]

    /// Creates a patch from its values.
    public init(
        images: [String: String] = [:],
        imagePullSecrets: [String] = [],
        preferredNodes: [String] = [],
        annotations: [String: String] = [:],
        initContainers: [String] = [],
        volumes: [String] = [],
        volumeMounts: [String: [String]] = [:]
    ) {
        self.images = images
        self.imagePullSecrets = imagePullSecrets
        self.preferredNodes = preferredNodes
        self.annotations = annotations
        self.initContainers = initContainers
        self.volumes = volumes
        self.volumeMounts = volumeMounts
    }
}
