// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One container to commit and where its image goes, written `<container>:<image>`.
public struct CommitTarget: Sendable, Hashable {
    /// The container's name in the pod.
    public var container: String
    /// Where the image goes: `registry/repository:tag`, or `oci:<folder>:<tag>`.
    public var image: String

    /// Creates a target from its values.
    public init(container: String, image: String) {
        self.container = container
        self.image = image
    }

    /// Reads a target. The first colon divides it: container names have none, images may.
    public init(parsing text: String) throws(CommitterError) {
        guard let colon = text.firstIndex(of: ":") else {
            throw CommitterError(.invalidArgument, "\"\(text)\" is not of the form <container>:<image>")
        }
        self.init(container: String(text[..<colon]), image: String(text[text.index(after: colon)...]))
        guard !container.isEmpty, !image.isEmpty else {
            throw CommitterError(.invalidArgument, "\"\(text)\" lacks the container's name or the image")
        }
    }

    /// Reads what containers were started from, each written `<container>=<image>`.
    public static func bases(parsing texts: [String]) throws(CommitterError) -> [String: String] {
        var bases: [String: String] = [:]
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw CommitterError(.invalidArgument, "--base \(text) is not of the form <container>=<image>")
            }
            bases[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return bases
    }

    /// Reads several targets and refuses a container or an image that is named twice.
    public static func list(parsing texts: [String]) throws(CommitterError) -> [CommitTarget] {
        var targets: [CommitTarget] = []
        for text in texts {
            let target = try CommitTarget(parsing: text)
            guard !targets.contains(where: { $0.container == target.container }) else {
                throw CommitterError(.invalidArgument, "container \(target.container) is named twice")
            }
            guard !targets.contains(where: { $0.image == target.image }) else {
                throw CommitterError(.invalidArgument, "two containers cannot both become \(target.image)")
            }
            targets.append(target)
        }
        guard !targets.isEmpty else {
            throw CommitterError(.invalidArgument, "name at least one <container>:<image>")
        }
        return targets
    }
}
