// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KruiseRuntime

extension KruiseRuntime: SandboxRuntime {}
