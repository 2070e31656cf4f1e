// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What a claim wants, as far as it can be understood.
public struct KruiseClaimTerms: Sendable, Hashable {
    /// How many sandboxes.
    public var replicas: Int
    /// Seconds for which it tries.
    public var timeout: Double
    /// Seconds that a sandbox that is made may take to be ready.
    public var waitReady: Double
    /// Whether sandboxes are made if the set has none left.
    public var createsOnNoStock: Bool
    /// Whether sandboxes that do not come up stay.
    public var keepsFailed: Bool

    /// Reads a spec.
    ///
    /// - Throws: `KruiseClaimRefusal` if it cannot be done.
    public init(_ spec: KruiseSandboxClaimSpec) throws(KruiseClaimRefusal) {
        replicas = spec.replicas ?? 1
        guard replicas >= 1 else { throw .invalid("spec.replicas is \(replicas); ask for 1 or more") }
        timeout = try Self.seconds(spec.claimTimeout, "claimTimeout") ?? 60
        waitReady = try Self.seconds(spec.waitReadyTimeout, "waitReadyTimeout") ?? 30
        createsOnNoStock = spec.createOnNoStock ?? true
        keepsFailed = spec.reserveFailedSandbox ?? false
        guard !spec.templateName.isEmpty else {
            throw .invalid("spec.templateName is empty; name a SandboxSet or a Checkpoint of this namespace")
        }
        for (field, keys) in [("labels", spec.labels.keys), ("annotations", spec.annotations.keys)] {
            guard let key = keys.filter(Kruise.isReserved).min() else { continue }
            throw .invalid(
                "spec.\(field) has the key \(key); \(Kruise.reservedPrefixes.joined(separator: " and ")) are kept for the "
                    + "controllers, so choose another prefix"
            )
        }
        if try spec.asksForResources {
            throw KruiseClaimRefusal(
                KruiseSandboxClaimCondition.Reason.featureGateDisabled,
                "spec.inplaceUpdate.resources cannot be done: resources of a pod that runs are not changed here; put them into "
                    + "the template"
            )
        }
        guard spec.inplaceUpdate == nil else {
            throw .unsupported("spec.inplaceUpdate cannot be done: put the image into the template of a set of its own")
        }
        guard spec.dynamicVolumesMount.isEmpty else {
            throw .unsupported("spec.dynamicVolumesMount cannot be done: put the volumes into the template")
        }
    }

    /// Seconds after its end at which a claim is deleted; `nil` for never.
    ///
    /// What cannot be read deletes nothing.
    public static func lifeAfterEnd(_ spec: KruiseSandboxClaimSpec) -> Double? {
        guard let text = spec.ttlAfterCompleted else { return 3600 }
        guard let duration = GoDuration(text), duration.nanoseconds >= 0 else { return nil }
        return Double(duration.nanoseconds) / 1e9
    }

    private static func seconds(_ text: String?, _ field: String) throws(KruiseClaimRefusal) -> Double? {
        guard let text else { return nil }
        guard let duration = GoDuration(text), duration.nanoseconds >= 1_000_000_000 else {
            throw .invalid("spec.\(field) is '\(text)'; write a duration of at least 1s, such as 90s or 2m")
        }
        return Double(duration.nanoseconds) / 1e9
    }
}

/// Why a claim cannot be carried out.
public struct KruiseClaimRefusal: Error, Sendable, Hashable {
    /// In one CamelCase word.
    public var reason: String
    /// In a sentence that says what to do.
    public var message: String

    /// Creates one.
    public init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }

    static func invalid(_ message: String) -> KruiseClaimRefusal {
        KruiseClaimRefusal(KruiseSandboxClaimCondition.Reason.invalidClaim, message)
    }

    static func unsupported(_ message: String) -> KruiseClaimRefusal {
        KruiseClaimRefusal(KruiseSandboxClaimCondition.Reason.unsupportedClaim, message)
    }
}

extension KruiseSandboxClaimSpec {
    /// Whether it wants other resources than the template has.
    fileprivate var asksForResources: Bool {
        get throws(KruiseClaimRefusal) {
            guard let inplaceUpdate else { return false }
            do {
                return try inplaceUpdate.decoded(as: JSONValue.self)["resources"] != nil
            } catch {
                throw .invalid("spec.inplaceUpdate cannot be read: \(error)")
            }
        }
    }
}
