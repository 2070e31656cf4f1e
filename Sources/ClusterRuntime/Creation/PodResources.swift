// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What a sandbox may use, as its container says it.
enum PodResources {
    /// Limits, and what is set aside: the same, unless less is asked for.
    ///
    /// - Throws: `SandboxError` with `invalidParameter` for what is no quantity.
    static func requirements(
        limits: [String: String],
        requests: [String: String]?
    ) throws(SandboxError) -> ResourceRequirements? {
        let limits = try quantities(limits, "resourceLimits")
        let requests = try requests.map { (map) throws(SandboxError) in try quantities(map, "resourceRequests") }
        guard !limits.isEmpty || requests?.isEmpty == false else { return nil }
        for (name, request) in requests ?? [:] {
            guard let limit = limits[name], request > limit else { continue }
            throw SandboxError(
                .invalidParameter,
                "resourceRequests[\"\(name)\"] is \(request), more than the limit of \(limit)."
            )
        }
        return .with {
            $0.limits = limits
            $0.requests = requests.map { limits.merging($0) { $1 } } ?? limits
        }
    }

    private static func quantities(_ map: [String: String], _ field: String) throws(SandboxError) -> [String: Quantity]
    {
        var quantities: [String: Quantity] = [:]
        for (name, text) in map {
            guard let quantity = Quantity(withinLimits: text.trimmingSpaces), quantity >= Quantity(0) else {
                throw SandboxError(
                    .invalidParameter,
                    "\(field)[\"\(name)\"] is '\(text)', which is no quantity of Kubernetes such as 500m or 2Gi."
                )
            }
            quantities[name == "gpu" ? "nvidia.com/gpu" : name] = quantity
        }
        return quantities
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
