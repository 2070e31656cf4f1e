// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// The sandboxes, pools and snapshots of the namespaces that are watched, as the API server has them.
struct DoctorSurvey: Sendable {
    /// One of them.
    struct Entry: Sendable {
        var type: ResourceType
        var object: DynamicObject

        var namespace: String { object.metadata.namespace ?? "" }
        /// For people.
        var name: String { "\(type.kind) \(namespace)/\(object.metadata.name)" }

        /// What its pods are made from; nil if it says nothing of that.
        var podSpec: JSONValue? {
            let spec = object["spec"]
            return (spec?["template"] ?? spec?["podTemplate"])?["spec"]
        }

        /// The runtime class that its template names; nil for the default one.
        var runtimeClass: String? {
            guard let name = podSpec?["runtimeClassName"]?.string, !name.isEmpty else { return nil }
            return name
        }
    }

    var entries: [Entry] = []
    var snapshots: [SandboxSnapshot] = []
    /// What could not be listed, and why.
    var faults: [String] = []

    /// Where there are sandboxes or pools.
    var namespaces: Set<String> {
        Set(entries.filter { $0.type != SandboxSnapshot.resourceType }.map(\.namespace).filter { !$0.isEmpty })
    }

    /// Asks for all.
    static func make(_ client: KubeClient, _ options: ControllerOptions) async -> DoctorSurvey {
        var survey = DoctorSurvey()
        var kinds = [BatchSandbox.resourceType, SandboxSnapshot.resourceType, Pool.resourceType]
        if options.sandboxes.dialects.contains(.kruise) {
            kinds += [KruiseSandbox.resourceType, KruiseSandboxTemplate.resourceType, KruiseCheckpoint.resourceType]
        }
        if options.sandboxes.dialects.contains(.agentSandbox) {
            kinds += AgentSandboxes.Version.allCases.map(\.sandboxes)
        }
        let scopes = options.namespaces.isEmpty ? [NamespaceScope.all] : options.namespaces.map { .named($0) }
        var uids: Set<String> = []
        for kind in kinds {
            for scope in scopes {
                do {
                    for object in try await client.resource(kind, in: scope).pages().collect().items {
                        // An agent-sandbox may be served in several versions.
                        guard uids.insert(object.metadata.uid ?? object.key.description).inserted else { continue }
                        survey.add(object, of: kind)
                    }
                } catch let error as KubeError where error.kind == .notServed || error.isNotFound {
                    continue
                } catch {
                    survey.faults.append("\(error)")
                }
            }
        }
        return survey
    }

    private mutating func add(_ object: DynamicObject, of kind: ResourceType) {
        entries.append(Entry(type: kind, object: object))
        guard kind == SandboxSnapshot.resourceType else { return }
        if let snapshot = try? SandboxSnapshot(json: object.json()) { snapshots.append(snapshot) }
    }
}
