// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "PodWatcher",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "stasis", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "PodWatcher",
            dependencies: [
                .product(name: "KubeClient", package: "stasis"),
                .product(name: "KubeModels", package: "stasis"),
                .product(name: "Logging", package: "swift-log"),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
