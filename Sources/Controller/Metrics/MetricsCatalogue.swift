// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import PrometheusMetrics

extension PrometheusRegistry {
    /// A registry that knows what the metrics of a controller mean.
    public static func forController() -> PrometheusRegistry {
        PrometheusRegistry(
            buckets: [
                "stasis_sandbox_frozen_seconds": Buckets([
                    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
                ])
            ],
            help: [
                "stasis_sandbox_transitions_total": "How often sandboxes went from one phase to another.",
                "stasis_sandbox_phase_duration_seconds": "How long sandboxes were in a phase, by what came next.",
                "stasis_sandbox_pauses_total": "Pauses that have ended, by result.",
                "stasis_sandbox_resumes_total": "Resumes that have ended, by result.",
                "stasis_sandbox_pause_failures_total": "Pauses that did not come about, by reason.",
                "stasis_sandbox_resume_failures_total": "Resumes that did not come about, by reason.",
                "stasis_unproven_images_total":
                    "Images that nobody who is trusted has signed and that were passed, because the policy is only to warn.",
                "stasis_sandbox_frozen_seconds": "How long sandboxes were frozen for a capture.",
                "stasis_sandbox_claim_duration_seconds":
                    "How long SandboxClaims took from when they were first looked at, by the reason of that.",
                "stasis_claimed_sandboxes_total": "Sandboxes that ended SandboxClaims have got.",
                "stasis_capture_read_bytes_total": "Bytes of files that captures have read.",
                "stasis_capture_written_bytes_total": "Bytes that captures have sent to registries.",
                "stasis_provider_step_duration_seconds": "How long providers took to answer, by step and outcome.",
                "stasis_image_deletions_total": "Images that were to be deleted, by what came of it.",
                "stasis_sandboxes": "How many sandboxes are in a phase.",
                "stasis_sandboxes_overdue": "Sandboxes whose capture should have ended a minute ago or more.",
                "stasis_snapshots": "Snapshots, by what was found when their images were looked for last.",
                "stasis_artifact_checks_total": "Looks at the images of snapshots, by what was found.",
                "stasis_pool_pods": "How many pods of a pool are in a state.",
                "stasis_pool_missing_pods": "How many pods sandboxes wait for that a pool has not.",
                "stasis_build_info": "1; the version is a label.",
                "leader_election_master_status": "1 if this process leads, else 0.",
                "controller_runtime_reconcile_total": "Reconciliations by controller and result.",
                "controller_runtime_reconcile_time_seconds": "How long reconciliations took.",
                "workqueue_depth": "How many keys wait.",
                "workqueue_adds_total": "How many keys were added.",
                "workqueue_retries_total": "How many keys were added again after a failure.",
                "workqueue_queue_duration_seconds": "How long keys waited.",
                "workqueue_work_duration_seconds": "How long keys were worked on.",
                "rest_client_requests_total": "Requests to the API server by method and code.",
                "rest_client_request_duration_seconds": "How long the API server took to begin an answer.",
                "kube_informer_lists_total": "How often informers listed their objects.",
                "kube_informer_failures_total": "How often a list or a watch failed.",
                "kube_informer_malformed_objects_total": "Objects that are not as their type says.",
            ]
        )
    }
}
