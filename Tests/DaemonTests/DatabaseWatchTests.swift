import Foundation
import Logging
import Scheduling
import Testing

@testable import Daemon

@Suite("Database watch")
struct DatabaseWatchTests {
    private let folder: URL
    private let log: String
    private let signal = WakeSignal()

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-watch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        log = folder.path + "/u.db-wal"
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    private func watch() throws -> DatabaseWatch {
        let watch = try #require(
            DatabaseWatch(
                database: folder.path + "/u.db", signal: signal,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        watch.arm()
        return watch
    }

    private func write(_ path: String) throws {
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(filePath: path)) }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data("x".utf8))
        try file.close()
    }

    private func isWoken(within duration: Duration = .seconds(10)) async -> Bool { await signal.wait(for: duration) }

    @Test("a write to the log wakes, once for each arming, and a write beside it does not")
    func writes() async throws {
        defer { remove() }
        try write(log)
        let watch = try watch()
        try write(folder.path + "/u.db-tallyd.lock")
        try write(folder.path + "/gateway.log")
        #expect(await !isWoken(within: .milliseconds(100)))
        try write(log)
        #expect(await isWoken())
        try write(log)
        #expect(await !isWoken(within: .milliseconds(100)))
        watch.arm()
        try write(log)
        #expect(await isWoken())
    }

    @Test("what was written before the arming is forgotten")
    func before() async throws {
        defer { remove() }
        try write(log)
        let watch = try watch()
        try write(log)
        #expect(await isWoken())
        try write(log)
        watch.arm()
        #expect(await !isWoken(within: .milliseconds(100)))
        withExtendedLifetime(watch) {}
    }

    @Test("a log that comes about later is found, and one that is put in its place")
    func replaced() async throws {
        defer { remove() }
        let watch = try watch()
        func expectWake(_ change: () throws -> Void, at location: SourceLocation = #_sourceLocation) async throws {
            watch.arm()
            try change()
            #expect(await isWoken(), sourceLocation: location)
        }
        // What came about may have been the log.
        try await expectWake { try write(folder.path + "/other") }
        try await expectWake { try write(log) }
        try await expectWake { try write(log) }
        // Held open, as SQLite does.
        let held = try FileHandle(forReadingFrom: URL(filePath: log))
        try await expectWake { try FileManager.default.removeItem(atPath: log) }
        try await expectWake { try write(log) }
        try await expectWake { try write(log) }
        try held.close()
        try await expectWake {
            try write(folder.path + "/new")
            try FileManager.default.removeItem(atPath: log)
            try FileManager.default.moveItem(atPath: folder.path + "/new", toPath: log)
        }
        try await expectWake { try write(log) }
    }
}
