// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
public import KubeRuntime
public import Logging
import SandboxModels

extension EventRecorder {
    /// Tells what happens to sandboxes.
    ///
    /// A pause and a resume are some eight Events, and somebody may do that many times an hour: with the usual limit of 25
    /// about one object the fourth pause would not be told any more. What is told is bounded by what its owner does.
    ///
    /// - Parameter instance: Which controller tells, such as the pod's name.
    public convenience init(sandboxes client: KubeClient, instance: String, logger: Logger) {
        self.init(
            client,
            component: "stasis-controller",
            instance: instance,
            burst: 200,
            refillInterval: .seconds(20),
            annotations: { RequestID.current.map { [OpenSandbox.Annotation.requestID: $0.text] } ?? [:] },
            logger: logger
        )
    }
}
