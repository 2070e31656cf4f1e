// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// The Sandboxes of the Kruise dialect and what they are made from, as the caches have them.
struct KruiseSandboxes: Sendable {
    /// Made with `StoreIndex.template`.
    let sandboxes: Informer<KruiseSandbox>
    let templates: Informer<KruiseSandboxTemplate>

    /// What there is at the only place of a sandbox.
    func place(of sandbox: KruiseSandbox, in pods: Store<Pod>) -> PodPlace {
        guard let pod = pods[sandbox.metadata.namespace, sandbox.metadata.name], pod.isControlled(by: sandbox) else {
            return .vacant
        }
        return .own(pod)
    }

    /// What of a sandbox is to be captured.
    func subject(_ sandbox: KruiseSandbox, _ pod: Pod?) -> SnapshotSubject {
        let template = try? specification(of: sandbox).get().podTemplate()
        return SnapshotSubject(of: sandbox, pod, template: template)
    }

    /// All that a sandbox is made from.
    ///
    /// - Returns: A failure if it refers to a template that is not there, or not yet in the cache.
    func specification(of sandbox: KruiseSandbox) -> Result<KruiseSandboxTemplateSpec, KruiseTemplateMissing> {
        guard let reference = sandbox.spec.templateRef, sandbox.spec.template == nil else {
            return .success(sandbox.specification(with: nil))
        }
        let isOurs = [nil, "", KruiseSandboxTemplate.resourceType.kind].contains(reference.kind)
        guard isOurs, let template = templates.store[sandbox.metadata.namespace, reference.name] else {
            return .failure(KruiseTemplateMissing(reference: reference))
        }
        return .success(sandbox.specification(with: template))
    }
}

/// A sandbox refers to a template that is not there.
struct KruiseTemplateMissing: Error {
    let reference: KruiseTemplateReference

    var problem: Problem {
        Problem(
            "TemplateNotFound",
            "spec.templateRef names the \(reference.kind ?? KruiseSandboxTemplate.resourceType.kind) \(reference.name), and there is "
                + "none in the namespace. Create that SandboxTemplate, and the sandbox goes on by itself."
        )
    }
}

extension StoreIndex<KruiseSandbox> {
    /// By the template that they refer to: `namespace/name`.
    static var template: StoreIndex {
        StoreIndex("template") { sandbox in
            sandbox.spec.templateRef.map { ["\(sandbox.metadata.namespace ?? "")/\($0.name)"] } ?? []
        }
    }
}
