// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import GRPCCore

extension ServiceConfig {
    /// How calls to containerd wait and time out.
    ///
    /// - What only reads, and what changes something, waits for containerd to come (back), but not for ever.
    /// - What can take as long as it takes (unpacking, diffing, deleting, content, events, waiting for an exit) has no
    ///   time limit and therefore does not wait for a containerd that is not there: it fails.
    ///
    /// There is no retry policy here: grpc-swift 2.4.3 with one hangs until the time limit when a connection breaks at the
    /// wrong moment. `ContainerdClient.read` repeats instead.
    static var containerd: ServiceConfig {
        ServiceConfig(methodConfig: [
            MethodConfig(
                names: readingMethods.map(MethodConfig.Name.init),
                waitForReady: true,
                timeout: .seconds(60),
                maxResponseMessageBytes: largestMessage
            ),
            MethodConfig(
                names: changingMethods.map(MethodConfig.Name.init),
                waitForReady: true,
                timeout: .seconds(120),
                maxResponseMessageBytes: largestMessage
            ),
            MethodConfig(
                names: [MethodConfig.Name(service: "", method: "")],
                waitForReady: false,
                maxResponseMessageBytes: largestMessage
            ),
        ])
    }

    /// The limit of containerd's own server.
    private static let largestMessage = 16 << 20

    private static let readingMethods: [MethodDescriptor] = [
        Containerd_Services_Version_V1_Version.Method.Version.descriptor,
        Containerd_Services_Introspection_V1_Introspection.Method.Plugins.descriptor,
        Containerd_Services_Introspection_V1_Introspection.Method.Server.descriptor,
        Containerd_Services_Namespaces_V1_Namespaces.Method.Get.descriptor,
        Containerd_Services_Namespaces_V1_Namespaces.Method.List.descriptor,
        Containerd_Services_Leases_V1_Leases.Method.List.descriptor,
        Containerd_Services_Leases_V1_Leases.Method.ListResources.descriptor,
        Containerd_Services_Content_V1_Content.Method.Info.descriptor,
        Containerd_Services_Content_V1_Content.Method.List.descriptor,
        Containerd_Services_Content_V1_Content.Method.Status.descriptor,
        Containerd_Services_Content_V1_Content.Method.ListStatuses.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.Mounts.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.Stat.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.List.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.Usage.descriptor,
        Containerd_Services_Images_V1_Images.Method.Get.descriptor,
        Containerd_Services_Images_V1_Images.Method.List.descriptor,
        Containerd_Services_Containers_V1_Containers.Method.Get.descriptor,
        Containerd_Services_Containers_V1_Containers.Method.List.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Get.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.List.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.ListPids.descriptor,
    ]

    private static let changingMethods: [MethodDescriptor] = [
        Containerd_Services_Namespaces_V1_Namespaces.Method.Create.descriptor,
        Containerd_Services_Namespaces_V1_Namespaces.Method.Delete.descriptor,
        Containerd_Services_Leases_V1_Leases.Method.Create.descriptor,
        Containerd_Services_Leases_V1_Leases.Method.AddResource.descriptor,
        Containerd_Services_Leases_V1_Leases.Method.DeleteResource.descriptor,
        Containerd_Services_Content_V1_Content.Method.Update.descriptor,
        Containerd_Services_Content_V1_Content.Method.Delete.descriptor,
        Containerd_Services_Content_V1_Content.Method.Abort.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.Prepare.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.View.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.Commit.descriptor,
        Containerd_Services_Snapshots_V1_Snapshots.Method.Update.descriptor,
        Containerd_Services_Images_V1_Images.Method.Create.descriptor,
        Containerd_Services_Images_V1_Images.Method.Update.descriptor,
        Containerd_Services_Containers_V1_Containers.Method.Create.descriptor,
        Containerd_Services_Containers_V1_Containers.Method.Update.descriptor,
        Containerd_Services_Containers_V1_Containers.Method.Delete.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Create.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Start.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Delete.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Kill.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Pause.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Resume.descriptor,
    ]
}

extension MethodConfig.Name {
    fileprivate init(_ method: MethodDescriptor) {
        self.init(service: method.service.fullyQualifiedService, method: method.method)
    }
}
