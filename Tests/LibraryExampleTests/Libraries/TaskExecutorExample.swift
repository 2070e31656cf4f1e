// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import TaskExecutor

/// Compiled, and not run.
func exampleOfTaskExecutor(logger: Logger) async throws {
    var settings = TaskExecutorSettings()
    settings.dataFolder = "/var/lib/sandbox/tasks"
    try settings.listen(on: "0.0.0.0:5758")
    try await TaskExecutor(settings, logger: logger).run()
}
