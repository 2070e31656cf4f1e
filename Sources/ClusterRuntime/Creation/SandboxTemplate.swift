// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What every sandbox's object begins as, as an operator wrote it, and what is asked for over it.
enum SandboxTemplate {
    /// An object over a template, as upstream's server does it: objects are merged, and what the object says otherwise, lists
    /// too, takes the place of what the template says. Only the template's volumes, and the mounts of the container that the
    /// sandbox is, are kept beside the object's own.
    static func merged(_ object: JSONValue, over template: JSONValue) -> JSONValue {
        var result = merge(template, object)
        let own = object["spec"]?["template"]?["spec"]
        guard own != nil, let other = template["spec"]?["template"]?["spec"] else { return result }
        var pod = result["spec"]?["template"]?["spec"] ?? [:]
        pod["volumes"] = added(own?["volumes"], other["volumes"], by: ["name"])
        if let containers = pod["containers"]?.array {
            let mounts = main(of: other)?["volumeMounts"]
            pod["containers"] = .array(
                containers.map { container in
                    guard container["name"]?.string == Execd.container else { return container }
                    var container = container
                    container["volumeMounts"] = added(container["volumeMounts"], mounts, by: ["name", "mountPath"])
                    return container
                }
            )
        }
        result["spec"]?["template"]?["spec"] = pod
        return result
    }

    /// The container of a template that the sandbox is: the one called so, else the first one.
    private static func main(of pod: JSONValue) -> JSONValue? {
        let containers = pod["containers"]?.array ?? []
        return containers.first { $0["name"]?.string == Execd.container } ?? containers.first
    }

    /// A list and what another one has besides; nil if there is nothing in either.
    private static func added(_ own: JSONValue?, _ other: JSONValue?, by keys: [String]) -> JSONValue? {
        var elements = own?.array ?? []
        for element in other?.array ?? []
        where !elements.contains(where: { has in keys.allSatisfy { has[$0] == element[$0] } }) {
            elements.append(element)
        }
        return elements.isEmpty ? nil : .array(elements)
    }

    private static func merge(_ base: JSONValue, _ over: JSONValue) -> JSONValue {
        guard case .object(var members) = base, case .object(let changes) = over else { return over }
        for (name, change) in changes where change != .null {
            members[name] = members[name].map { merge($0, change) } ?? change
        }
        return .object(members)
    }
}
