// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// The container beside a sandbox that decides what it may connect to.
enum EgressSidecar {
    /// Its name.
    static let container = "egress"
    /// The port of its API.
    static let port = 18_080
    /// What says, in the sandbox and in the sidecar, that credentials are put into requests.
    static let transparentProxy = "OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT"
    /// The header in which its API takes the token.
    static let tokenHeader = "OPENSANDBOX-EGRESS-AUTH"

    /// The container.
    ///
    /// - Parameters:
    ///   - id: The sandbox's identity.
    ///   - token: What its API asks for.
    static func container(
        _ egress: ClusterRuntimeConfiguration.Egress,
        _ policy: NetworkPolicy,
        id: String,
        hasCredentialProxy: Bool,
        token: String
    ) -> Container {
        .with {
            $0.name = container
            $0.image = egress.image
            $0.env = [
                EnvVar("OPENSANDBOX_EGRESS_RULES", rules(policy).jsonText),
                EnvVar("OPENSANDBOX_EGRESS_MODE", egress.mode),
                EnvVar("OPENSANDBOX_EGRESS_SANDBOX_ID", id),
                EnvVar("OPENSANDBOX_EGRESS_TOKEN", token),
            ]
            if hasCredentialProxy { $0.env.append(EnvVar(transparentProxy, "true")) }
            if let endpoint = egress.telemetryEndpoint {
                $0.env.append(EnvVar("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint))
            }
            $0.volumeMounts = [VolumeMount(Execd.volume, at: Execd.folder)]
            $0.ports = [
                .with {
                    $0.name = "egress-api"
                    $0.containerPort = port
                }
            ]
            $0.resources = egress.resources
            $0.securityContext = .with { $0.capabilities = .with { $0.add = ["NET_ADMIN"] } }
            $0.readinessProbe = .with {
                let header: JSONValue = ["name": .string(tokenHeader), "value": .string(token)]
                $0.httpGet = RawJSON(
                    ["path": "/healthz", "port": .number(JSONNumber(port)), "httpHeaders": [header]] as JSONValue
                )
                $0.periodSeconds = 1
                $0.failureThreshold = 30
            }
        }
    }

    /// The policy as the sidecar reads it.
    private static func rules(_ policy: NetworkPolicy) -> JSONValue {
        var document: JSONValue = [:]
        if let action = policy.defaultAction { document["defaultAction"] = .string(action.rawValue) }
        if let egress = policy.egress {
            document["egress"] = .array(
                egress.map { ["action": .string($0.action.rawValue), "target": .string($0.target)] }
            )
        }
        return document
    }
}
