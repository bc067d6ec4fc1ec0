import Foundation

/// The programs that are measured, all found beside this one.
struct Tools {
    let tallyd: String
    let gateway: String
    let shell = "sqlite3"

    init() throws {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        tallyd = folder.appending(path: "tallyd").path
        gateway = folder.appending(path: "gateway-sim").path
        for tool in [tallyd, gateway] where !FileManager.default.isExecutableFile(atPath: tool) {
            throw BenchError("\(tool) is missing: build it with `swift build -c release`")
        }
    }
}

/// Generated databases, made once and copied for each run.
struct Dataset {
    let folder: String
    let tools: Tools
    let days: Int
    let users: Int
    let models: Int

    /// A 1.0.0 database with this many rows that no tallyd has seen: the path of the original, not to be changed.
    func original(rows: Int) throws -> String {
        let path = "\(folder)/v1-\(rows)-\(days)-\(users)-\(models).db"
        if FileManager.default.fileExists(atPath: path) { return path }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let unfinished = path + ".making"
        try? FileManager.default.removeItem(atPath: unfinished)
        FileHandle.standardError.write(Data("making \(rows) rows in \(path) …\n".utf8))
        try check(ChildProcess.run(tools.shell, [unfinished], input: Baseline.schema), "make the schema")
        try check(
            ChildProcess.run(
                tools.gateway,
                [
                    "generate", "--database", unfinished, "--rows", "\(rows)", "--days", "\(days)", "--users",
                    "\(users)",
                    "--models", "\(models)",
                ]), "generate rows")
        try check(ChildProcess.run(tools.shell, [unfinished], input: "PRAGMA wal_checkpoint(TRUNCATE);"), "checkpoint")
        try FileManager.default.moveItem(atPath: unfinished, toPath: path)
        return path
    }

    /// A copy to work on, migrated or not.
    func copy(rows: Int, name: String, migrated: Bool) throws -> String {
        let path = "\(folder)/\(name).db"
        for ending in ["", "-wal", "-shm", "-tallyd.lock"] {
            try? FileManager.default.removeItem(atPath: path + ending)
        }
        try FileManager.default.copyItem(atPath: try original(rows: rows), toPath: path)
        if migrated { try check(ChildProcess.run(tools.tallyd, ["migrate", "--database", path]), "migrate") }
        // Else the kernel writes the copy back while the first one measured runs.
        sync()
        return path
    }

    private func check(_ child: ChildProcess, _ what: String) throws {
        guard child.status == 0 else { throw BenchError("can't \(what): exit status \(child.status)\n\(child.output)") }
    }
}
