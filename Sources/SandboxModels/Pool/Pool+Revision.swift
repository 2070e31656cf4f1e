// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import KubeModels

import struct Foundation.Data

extension Pool {
    /// Names the template that new pods are made from: the first half of a SHA-256 of it, in 16 hexadecimal digits. Templates that
    /// differ in nothing but the order of their members have the same one.
    ///
    /// - Throws: `JSONError` if the template is no JSON.
    public func revision() throws(JSONError) -> String {
        let template = try spec.template?.decoded(as: JSONValue.self) ?? .null
        let digits = SHA256.hash(data: Data(template.jsonText.utf8)).prefix(8).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return digits.joined()
    }

    /// A pod of this pool, from its template. The API server finds a name for it.
    ///
    /// - Throws: `PodTemplateError` if there is no template, or it is broken.
    public func newPod(revision: String) throws(PodTemplateError) -> Pod {
        let found: PodTemplateSpec?
        do {
            found = try spec.podTemplate()
        } catch {
            throw .template(error)
        }
        guard let template = found else { throw .missing }
        var pod = Pod()
        pod.metadata.generateName = "\(metadata.name)-"
        pod.metadata.namespace = metadata.namespace
        pod.metadata.labels = template.metadata?.labels ?? [:]
        pod.metadata.labels[OpenSandbox.Label.poolName] = metadata.name
        pod.metadata.labels[OpenSandbox.Label.poolRevision] = revision
        pod.metadata.annotations = template.metadata?.annotations ?? [:]
        pod.metadata.finalizers = template.metadata?.finalizers ?? []
        pod.metadata.ownerReferences = [controllerReference()]
        pod.spec = template.spec
        return pod
    }
}
