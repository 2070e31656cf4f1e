// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import PrometheusMetrics

extension PrometheusRegistry {
    /// A registry that knows what the metrics of a server mean.
    public static func forServer() -> PrometheusRegistry {
        PrometheusRegistry(
            help: [
                "stasis_server_requests_total":
                    "Requests that were answered, by method, route, class of status and tenant.",
                "stasis_server_request_duration_seconds": "How long answers took, by method and route.",
                "stasis_server_requests_in_flight": "Requests that are being answered.",
                "stasis_server_received_bytes_total": "Bytes of bodies that requests announced.",
                "stasis_server_sent_bytes_total": "Bytes of bodies of responses.",
                "stasis_server_errors_total": "Answers that are no success, by the code in their bodies.",
                "stasis_server_connections": "Connections that are open.",
                "stasis_server_connections_refused_total": "Connections that the server has ended, by reason.",
                "stasis_server_wakes_total": "Sandboxes that requests have woken, by what came of it.",
                "stasis_build_info": "1; the version is a label.",
                "rest_client_requests_total": "Requests to the API server by method and code.",
                "rest_client_request_duration_seconds": "How long the API server took to begin an answer.",
                "kube_informer_lists_total": "How often informers listed their objects.",
                "kube_informer_failures_total": "How often a list or a watch failed.",
                "kube_informer_malformed_objects_total": "Objects that are not as their type says.",
            ]
        )
    }
}
