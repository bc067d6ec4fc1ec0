import Foundation
import GRDB
import TestSupport
import Testing

/// A usage row as it stands in the database, or in a line of an archive.
struct KeptRow: Hashable {
    let user: String
    let request: String
    let model: String
    let tokens: [Int64]
    let cost: Double
    let latency: Int64
    let status: String
    let createdAt: String

    init(_ row: Row) {
        (user, request, model) = (row["user_id"], row["request_id"], row["model"])
        tokens = [row["input_tokens"], row["output_tokens"], row["total_tokens"]]
        (cost, latency, status) = (row["cost"], row["latency"], row["status"])
        // A text or a number: gateways write either.
        let time: DatabaseValue = row["created_at"]
        createdAt = time.storage.value.map { "\($0)" } ?? ""
    }

    /// - Returns: nil for what is no such line.
    init?(line: Substring, id: inout Int64) {
        guard let value = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let number = value["id"] as? Int64, let user = value["user_id"] as? String,
            let request = value["request_id"] as? String, let model = value["model"] as? String,
            let input = value["input_tokens"] as? Int64, let output = value["output_tokens"] as? Int64,
            let total = value["total_tokens"] as? Int64,
            // By its text: Foundation's JSON on Linux reads 0.0003988499999999999 as 0.0003988499999999998.
            let text = line.firstMatch(of: /"cost":([^,]+),/)?.output.1, let cost = Double(text),
            let latency = value["latency"] as? Int64, let status = value["status"] as? String,
            let createdAt = value["created_at"]
        else { return nil }
        id = number
        (self.user, self.request, self.model, tokens) = (user, request, model, [input, output, total])
        (self.cost, self.latency, self.status, self.createdAt) = (cost, latency, status, "\(createdAt)")
    }
}

/// Usage rows by id, wherever they are kept, read without a line of the program's own: by SQL, and by zstd and Foundation's JSON.
struct KeptRows {
    /// In usage_logs.
    var live: [Int64: KeptRow] = [:]
    /// In the archives that are on record.
    var archived: [Int64: KeptRow] = [:]

    /// Of a row that is in both, the archived one.
    var all: [Int64: KeptRow] { live.merging(archived) { _, archived in archived } }

    /// In words, the first few rows that are not as they were; nil when all of them are.
    func difference(from before: [Int64: KeptRow]) -> String? {
        let all = all
        let wrong = Set(all.keys).union(before.keys).filter { all[$0] != before[$0] }.sorted()
        guard !wrong.isEmpty else { return nil }
        let said = wrong.prefix(3).map { id in
            "\(id): \(before[id].debugDescription) became \(all[id].debugDescription)"
        }
        return "\(wrong.count) rows: \(said.joined(separator: "; "))"
    }
}

extension Workplace {
    var archive: URL { folder.appending(path: "archive") }

    /// Usage of more than four days is archived and goes, however much it is.
    var archiving: [String: String] {
        [
            "TALLYD_ARCHIVE_DIRECTORY": archive.path, "TALLYD_RETENTION_USAGE_LOGS": "4d",
            "TALLYD_RETENTION_SHARE": "100%",
        ]
    }

    /// With usage of twelve days up to today, all of it counted.
    static func withUsage(rows: Int, users: Int) async throws -> Workplace {
        let place = try await migrated()
        try FileManager.default.createDirectory(at: place.archive, withIntermediateDirectories: false)
        let midnight = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 / 86_400).rounded(.down) * 86_400)
        let generating = try await place.finish(
            .gateway,
            [
                "generate", "--database", place.database, "--rows", "\(rows)", "--days", "12", "--users", "\(users)",
                "--models", "3", "--until", midnight.formatted(.iso8601),
            ])
        try #require(generating.status == 0, "\(generating.errors)")
        let counting = try await place.tallyd("rollup", "run")
        try #require(counting.status == 0, "\(counting.errors)")
        return place
    }

    func keptRows() async throws -> KeptRows {
        // The archives first: a row only ever goes from the database once it is in one.
        var rows = KeptRows()
        let files = try read { db in try String.fetchAll(db, sql: "SELECT path FROM archives") }
        for file in files {
            let content = try await ToolRun.run("zstd", ["-dc", file])
            try #require(content.status == 0, "\(file): \(content.errors)")
            for line in content.output.split(separator: "\n") {
                var id: Int64 = 0
                let row = try #require(KeptRow(line: line, id: &id), "\(file): \(line)")
                #expect(rows.archived.updateValue(row, forKey: id) == nil, "row \(id) is archived twice")
            }
        }
        rows.live = try read { db in
            let found = try Row.fetchAll(db, sql: "SELECT * FROM usage_logs").map { ($0["id"] as Int64, KeptRow($0)) }
            return Dictionary(uniqueKeysWithValues: found)
        }
        return rows
    }
}

/// Lets a command run for a random while, and kills it unless it has ended by then.
struct RandomKill {
    private var random: SplitMix64
    /// Until one got to its end nobody knows how long this machine takes.
    private var longest = Duration.milliseconds(900)
    private(set) var kills = 0

    init(for test: String) {
        random = SplitMix64(for: test)
    }

    /// - Returns: whether it ended by itself, which it must do well.
    mutating func run(_ words: [String], in place: Workplace) async throws -> Bool {
        let child = try place.start(.tallyd, words + ["--database", place.database], place.archiving)
        let began = ContinuousClock.now
        let wait = Int64.random(in: 5...max(10, Int64(longest / .milliseconds(1))), using: &random)
        if await child.ending(within: .milliseconds(wait)) == nil {
            child.send(SIGKILL)
        } else {
            longest = max(longest / 2, min(longest, .now - began))
        }
        let ending = await child.ending(within: .seconds(60))
        if ending == .killed(signal: SIGKILL) {
            kills += 1
            // One that had less to do than the next says too little of how long that takes.
            longest += longest / 8
        }
        #expect(ending == .exited(0) || ending == .killed(signal: SIGKILL), "\(words): \(child.errors)")
        return ending == .exited(0)
    }
}
