import Testing

@testable import Systemd

struct JournalFieldNameTests {
    @Test(arguments: [
        ("job", "TALLYD_JOB"), ("lock_ms", "TALLYD_LOCK_MS"), ("lockMs", "TALLYD_LOCK_MS"),
        ("lock-ms", "TALLYD_LOCK_MS"), ("HTTPStatus", "TALLYD_HTTP_STATUS"),
        ("http.status code", "TALLYD_HTTP_STATUS_CODE"),
        ("p99Latency", "TALLYD_P99_LATENCY"), ("__odd__", "TALLYD_ODD"), ("größe", "TALLYD_GR_E"), ("", "TALLYD_FIELD"),
        ("…", "TALLYD_FIELD"), ("9lives", "TALLYD_9LIVES"), ("a=b\nc", "TALLYD_A_B_C"),
    ])
    func `a metadata key becomes a name that the journal takes`(key: String, name: String) {
        #expect(JournalFieldName.make(key: key, prefix: "TALLYD_") == name)
    }

    @Test func `no name exceeds 64`() {
        let name = JournalFieldName.make(key: String(repeating: "x", count: 100), prefix: "TALLYD_")
        #expect(name.utf8.count == 64)
    }
}
