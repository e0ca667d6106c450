// The worker's program, kept in the executable and written into each worker's folder.

enum PythonProgram {
    /// What Python runs.
    static let main = "platform_worker.py"

    static let files: [(name: String, content: [UInt8])] = [
        (main, PackageResources.platform_worker_py), ("platform_values.py", PackageResources.platform_values_py),
    ]
}
