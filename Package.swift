// swift-tools-version: 6.2
import PackageDescription

/// The language rules of the whole tree. Generated code (ContainerdAPI) is the only exception.
let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grpcCore = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let metricsTestKit = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let swiftASN1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let swiftProtobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

/// What others may import: each is a target of its own.
let libraries = [
    "SandboxModels", "KubeModels", "KubeClient", "KubeRuntime", "WebSockets", "OCIRegistry", "Provenance",
    "SnapshotProvider", "SnapshotStore", "SnapshotEngine", "Controller", "TaskExecutor", "LocalRuntime",
    "ClusterRuntime", "KruiseRuntime", "Server", "Committer", "ImageBuilder", "RegistryInventory", "PrometheusMetrics",
]
let programs = ["stasis-controller", "stasis-server", "stasis-committer", "stasis-task-executor", "stasis-images"]

/// What a client of Kubernetes is written with.
let kube: [Target.Dependency] = ["KubeClient", "KubeModels", "KubeRuntime"]

/// A program in a folder of its own.
func program(_ name: String, in folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: folder, swiftSettings: house)
}

let package = Package(
    name: "stasis",
    platforms: [.macOS(.v15)],
    products: libraries.map { .library(name: $0, targets: [$0]) }
        + programs.map { .executable(name: $0, targets: [$0]) },
    traits: [
        .trait(name: "ISAL", description: "gzip by Intel's ISA-L (Debian: libisal-dev) instead of zlib"),
        .default(enabledTraits: ["ISAL"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // Values only.
        .target(name: "KubeModels", swiftSettings: house),
        .target(name: "SandboxModels", dependencies: ["KubeModels", crypto], swiftSettings: house),
        .target(name: "SnapshotProvider", dependencies: ["SandboxModels"], swiftSettings: house),
        .target(name: "Spelling", swiftSettings: house),

        // Clients that know nothing of sandboxes.
        .target(
            name: "OCIRegistry",
            dependencies: [
                asyncHTTPClient, crypto, logging, nioCore, nioHTTP1, nioPosix, nioSSL, subprocess, systemPackage,
            ],
            swiftSettings: house
        ),
        .target(
            name: "KubeClient",
            dependencies: [
                "KubeModels", "WebSockets", asyncHTTPClient, deque, logging, metrics, nioCore, nioHTTP1, nioPosix,
                nioSSL, nioTLS, subprocess, systemPackage, .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "KubeRuntime",
            dependencies: ["KubeClient", "KubeModels", deque, heap, logging, metrics, serviceLifecycle],
            swiftSettings: house
        ),
        .target(
            name: "WebSockets",
            dependencies: [crypto, nioCore, nioHTTP1, nioPosix, nioSSL, nioWebSocket],
            swiftSettings: house
        ),
        .target(
            name: "ContainerdAPI",
            dependencies: [
                grpcCore, swiftProtobuf,
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
            ]
        ),

        .target(name: "PrometheusMetrics", dependencies: [metrics], swiftSettings: house),

        // Who says where an image comes from.
        .target(name: "Provenance", dependencies: ["OCIRegistry", crypto], swiftSettings: house),

        // Capturing.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(
            name: "SnapshotStore",
            dependencies: ["KubeModels", "OCIRegistry", "Provenance", "SandboxModels", "SnapshotProvider", logging],
            swiftSettings: house
        ),
        .target(
            name: "SnapshotEngine",
            dependencies: [
                "CLinux", "ContainerdAPI", "CZlib", "CZstd", "OCIRegistry", "Provenance", "SandboxModels",
                "SnapshotProvider", "SnapshotStore",
                .target(name: "CISAL", condition: .when(traits: ["ISAL"])),
                crypto, grpcCore, logging, nioCore, nioPosix, swiftProtobuf, unixSignals,
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "Committer",
            dependencies: [
                "OCIRegistry", "Provenance", "SandboxModels", "SnapshotEngine", "SnapshotProvider", "SnapshotStore",
                logging, nioCore,
            ],
            swiftSettings: house
        ),

        // On a cluster.
        .target(
            name: "Controller",
            dependencies: [
                "KubeClient", "KubeModels", "KubeRuntime", "OCIRegistry", "PrometheusMetrics", "Provenance",
                "SandboxModels", "SnapshotProvider", "SnapshotStore", "Spelling", asyncHTTPClient, crypto, httpTypes,
                hummingbird,
                logging,
                metrics, nioCore, nioHTTP1,
                nioPosix, nioSSL, serviceLifecycle, swiftASN1, unixSignals, x509,
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: house
        ),

        // In the pods of sandboxes.
        .target(
            name: "TaskExecutor",
            dependencies: [
                "CLinux", "KubeModels", "SandboxModels", httpTypes, hummingbird, logging, nioCore, serviceLifecycle,
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ],
            swiftSettings: house
        ),

        // One machine and one cluster as runtimes, and the APIs in front of it.
        .target(
            name: "LocalRuntime",
            dependencies: [
                "CLinux", "OCIRegistry", "Provenance", "SandboxModels", "SnapshotEngine", "SnapshotProvider",
                "SnapshotStore", logging, nioCore, nioPosix, serviceLifecycle, subprocess, systemPackage,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "ClusterView",
            dependencies: ["KubeClient", "KubeModels", "KubeRuntime", "SandboxModels", crypto, logging, nioCore],
            swiftSettings: house
        ),
        .target(
            name: "ClusterRuntime",
            dependencies: [
                "ClusterView", "KubeClient", "KubeModels", "KubeRuntime", "OCIRegistry", "Provenance", "SandboxModels",
                "SnapshotStore", logging, metrics, serviceLifecycle,
            ],
            swiftSettings: house
        ),
        .target(
            name: "KruiseRuntime",
            dependencies: [
                "ClusterView", "KubeClient", "KubeModels", "KubeRuntime", "SandboxModels", logging, serviceLifecycle,
            ],
            swiftSettings: house
        ),
        // Nothing but the files of the page under /ui, in the program so that it needs no folder beside it.
        .target(name: "ServerPage", resources: [.embedInCode("Assets")], swiftSettings: house),
        .target(
            name: "RegistryInventory",
            dependencies: [
                "KubeClient", "KubeModels", "LocalRuntime", "OCIRegistry", "SnapshotEngine", "SnapshotStore", logging,
                nioPosix,
            ],
            swiftSettings: house
        ),
        .target(
            name: "Server",
            dependencies: [
                "ClusterRuntime", "KruiseRuntime", "KubeClient", "KubeModels", "LocalRuntime", "PrometheusMetrics",
                "OCIRegistry", "Provenance", "SandboxModels", "ServerPage", "SnapshotEngine", "SnapshotStore",
                "Spelling",
                "WebSockets", asyncHTTPClient, crypto, httpTypes, hummingbird, logging,
                metrics, nioCore, nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1, nioPosix, nioSSL, nioWebSocket,
                serviceLifecycle,
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ],
            swiftSettings: house
        ),

        // Thin executables.
        program("stasis-controller", in: "Sources/Executables/stasis-controller", ["Controller", "KubeClient"]),
        program(
            "stasis-server",
            in: "Sources/Executables/stasis-server",
            [
                "KubeClient", "OCIRegistry", "PrometheusMetrics", "RegistryInventory", "Server", "SnapshotEngine",
                logging, metrics, serviceLifecycle, unixSignals, argumentParser,
            ]
        ),
        program(
            "stasis-committer",
            in: "Sources/Executables/stasis-committer",
            ["CLinux", "Committer", "SnapshotEngine", logging, unixSignals, argumentParser]
        ),
        program(
            "stasis-task-executor",
            in: "Sources/Executables/stasis-task-executor",
            ["TaskExecutor", logging, serviceLifecycle, unixSignals, argumentParser]
        ),

        // Our programs as images.
        .target(
            name: "ImageBuilder",
            dependencies: ["OCIRegistry", "SnapshotEngine", nioPosix],
            swiftSettings: house
        ),
        program(
            "stasis-images",
            in: "Sources/Executables/stasis-images",
            ["ImageBuilder", "OCIRegistry", logging, argumentParser]
        ),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                "CLinux", "ImageBuilder", "KubeModels", "OCIRegistry", "SnapshotEngine", logging, nioCore, nioHTTP1,
                nioPosix, nioSSL,
                subprocess, systemPackage, .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: house
        ),
        .target(name: "Exploration", dependencies: ["SandboxModels"], swiftSettings: house),
        program("measure-walk", in: "Tests/MeasureWalk", ["SnapshotEngine"]),
        program("measure-kube", in: "Tests/MeasureKube", kube + [logging, argumentParser]),
        program(
            "memory-server",
            in: "Tests/MemoryServer",
            ["PrometheusMetrics", "SandboxModels", "Server", logging, metrics, serviceLifecycle, unixSignals]
                + [argumentParser]
        ),
        program("explore", in: "Tests/Explore", ["Exploration"]),
        program("kube-candidate", in: "Tests/KubeCandidate", kube + [logging, unixSignals]),
        program("tiny-operator", in: "Examples/TinyOperator/Sources/TinyOperator", kube + [logging, unixSignals]),
        program(
            "custom-snapshot-provider",
            in: "Examples/CustomSnapshotProvider/Sources/CustomSnapshotProvider",
            ["Controller", "KubeModels", "SandboxModels", "SnapshotProvider"]
        ),
        program(
            "FirstProvider",
            in: "Examples/FirstProvider/Sources/FirstProvider",
            ["Controller", "KubeModels", "OCIRegistry", "SandboxModels", "SnapshotProvider"]
        ),
        .testTarget(
            name: "FirstProviderTests",
            dependencies: ["FirstProvider", "SandboxModels", "SnapshotProvider"],
            path: "Examples/FirstProvider/Tests/FirstProviderTests",
            swiftSettings: house
        ),
        .testTarget(
            name: "LibraryExampleTests",
            dependencies: [
                "ClusterRuntime", "Committer", "ImageBuilder", "KruiseRuntime", "KubeClient", "KubeModels",
                "KubeRuntime", "LocalRuntime", "OCIRegistry", "PrometheusMetrics", "Provenance", "RegistryInventory",
                "SandboxModels", "Server", "SnapshotEngine", "SnapshotProvider", "SnapshotStore", "TaskExecutor",
                "TestSupport", "WebSockets", logging, metrics, nioCore, serviceLifecycle,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "SandboxModelsTests",
            dependencies: ["Exploration", "KubeModels", "SandboxModels", "TestSupport"],
            swiftSettings: house
        ),
        .testTarget(name: "KubeModelsTests", dependencies: ["KubeModels", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "KubeClientTests",
            dependencies: [
                "KubeClient", "KubeModels", "TestSupport", "WebSockets", logging, metricsTestKit, nioCore, nioHTTP1,
                nioPosix, nioSSL,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "KubeClusterTests",
            dependencies: [
                "kube-candidate", "tiny-operator", "KubeClient", "KubeModels", "KubeRuntime", "SandboxModels",
                "TestSupport", logging, metricsTestKit, nioCore, serviceLifecycle, subprocess, systemPackage,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "KubeRuntimeTests",
            dependencies: [
                "KubeClient", "KubeModels", "KubeRuntime", "TestSupport", logging, metrics,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "OCIRegistryTests",
            dependencies: ["OCIRegistry", "TestSupport", asyncHTTPClient, crypto, nioCore, nioHTTP1, nioPosix],
            swiftSettings: house
        ),
        .testTarget(
            name: "ProvenanceTests",
            dependencies: ["OCIRegistry", "Provenance", "TestSupport", crypto, logging],
            swiftSettings: house
        ),
        .testTarget(
            name: "SnapshotEngineTests",
            dependencies: [
                "measure-walk", "stasis-committer", "OCIRegistry", "Provenance", "SnapshotEngine", "SnapshotProvider",
                "SnapshotStore", "TestSupport", logging, nioCore,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "CommitterTests",
            dependencies: [
                "Committer", "stasis-committer", "OCIRegistry", "SandboxModels", "SnapshotEngine", "SnapshotProvider",
                "SnapshotStore",
                "TestSupport", logging, nioCore, subprocess, systemPackage,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ControllerTests",
            dependencies: [
                "custom-snapshot-provider", "stasis-committer", "stasis-controller", "stasis-task-executor",
                "Controller",
                "KubeClient", "KubeModels", "KubeRuntime",
                "OCIRegistry", "PrometheusMetrics", "Provenance", "SandboxModels", "SnapshotProvider", "TestSupport",
                logging, nioCore,
                subprocess, systemPackage,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "PrometheusMetricsTests",
            dependencies: ["PrometheusMetrics", metrics],
            swiftSettings: house
        ),
        .testTarget(
            name: "RegistryInventoryTests",
            dependencies: [
                "stasis-server", "KubeClient", "KubeModels", "LocalRuntime", "OCIRegistry", "RegistryInventory",
                "SandboxModels", "SnapshotEngine", "SnapshotStore", "TestSupport", logging, nioCore, subprocess,
                systemPackage,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "TaskExecutorTests",
            dependencies: [
                "stasis-task-executor", "KubeModels", "SandboxModels", "TestSupport", asyncHTTPClient, nioCore,
                nioHTTP1,
                subprocess, systemPackage,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "LocalRuntimeTests",
            dependencies: [
                "LocalRuntime", "stasis-committer", "OCIRegistry", "Provenance", "SandboxModels", "SnapshotEngine",
                "SnapshotStore", "TestSupport", logging, subprocess,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ClusterRuntimeTests",
            dependencies: [
                "stasis-committer", "stasis-controller", "stasis-server", "ClusterRuntime", "ClusterView", "KubeClient",
                "KubeModels", "KubeRuntime", "SandboxModels", "Server", "TestSupport", asyncHTTPClient, logging,
                nioCore,
                serviceLifecycle, subprocess, systemPackage,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "KruiseRuntimeTests",
            dependencies: [
                "ClusterView", "KruiseRuntime", "KubeClient", "KubeModels", "KubeRuntime", "SandboxModels",
                "TestSupport",
                logging,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "KubeModels", "LocalRuntime", "PrometheusMetrics", "Provenance", "SandboxModels",
                "ServerPage",
                "SnapshotEngine", "SnapshotProvider", "SnapshotStore", "TestSupport", "WebSockets", asyncHTTPClient,
                httpTypes, hummingbird, logging, metrics, nioCore,
                nioEmbedded, nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1, nioPosix, nioWebSocket,
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "TestbedTests",
            dependencies: ["stasis-committer", "stasis-server", "TestSupport"],
            swiftSettings: house
        ),
        .testTarget(
            name: "ImageBuilderTests",
            dependencies: [
                "ImageBuilder", "stasis-committer", "stasis-images", "OCIRegistry", "SnapshotEngine", "TestSupport",
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "stasis-server", "LocalRuntime", "OCIRegistry", "SandboxModels", "SnapshotEngine", "TestSupport",
                asyncHTTPClient, logging, nioCore, nioHTTP1,
            ],
            path: "Tests/EndToEnd",
            // Compiled by the tests, into a library that the server is started with.
            exclude: ["CrashPoints"],
            swiftSettings: house
        ),
    ],
    swiftLanguageModes: [.v6]
)
