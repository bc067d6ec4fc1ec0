import Foundation
import Testing

@testable import Daemon

@Suite struct EnvironmentFileTests {
    private static func read(_ text: String) throws(EnvironmentFileError) -> [String: String] {
        try EnvironmentFile(path: "a.env", bytes: Array(text.utf8)).variables
    }

    private static func problems(_ bytes: [UInt8]) -> [String] {
        do throws(EnvironmentFileError) {
            _ = try EnvironmentFile(path: "a.env", bytes: bytes)
            return []
        } catch {
            return error.problems
        }
    }

    @Test(arguments: [
        ("", [:]),
        ("A=1", ["A": "1"]),
        ("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]),
        ("# A=1\n  ; B=2\n\nC=3\n", ["C": "3"]),
        ("A=1 # one\n", ["A": "1 # one"]),
        ("A = 1 \n", ["A": "1"]),
        ("\t A=\t1 2\t \n", ["A": "1 2"]),
        ("A=\nB=''\nC=\"\"", ["A": "", "B": "", "C": ""]),
        ("A=1\nA=2\n", ["A": "2"]),
        ("A='it\\n $x \"y\"'", ["A": "it\\n $x \"y\""]),
        ("A=\"a\\\"b\\\\c\\$d\\`e\\nf\"", ["A": "a\"b\\c$d`e\\nf"]),
        ("A=a\\\"b\\\\c\\nd", ["A": "a\"b\\cnd"]),
        ("A='a\nb'\nB=1", ["A": "a\nb", "B": "1"]),
        ("A=\"a\\\nb\"", ["A": "ab"]),
        ("A=a\\\n  b\nB=1", ["A": "a  b", "B": "1"]),
        ("A='a'  \"b\" c \n", ["A": "abc"]),
        ("A=a 'b'\n", ["A": "a 'b'"]),
        ("A=it's\n", ["A": "it's"]),
        ("A=a\\ \n", ["A": "a "]),
        ("A=' a '  \n", ["A": " a "]),
        ("A=b=c\n", ["A": "b=c"]),
        ("A=$HOME ${B}\n", ["A": "$HOME ${B}"]),
        ("A=a\\", ["A": "a"]),
        ("no variable\nexport A=1\n1A=2\n=3\nA-B=4\nB=5", ["B": "5"]),
        ("# ends \\\n# again\nA=1", ["A": "1"]),
        ("A=ä\n", ["A": "ä"]),
    ])
    func `a text is read as systemd reads it`(text: String, variables: [String: String]) throws {
        #expect(try Self.read(text) == variables)
    }

    @Test(arguments: [
        ("A=1\n\nB='x\nC=1\n", "a.env, line 3: opens a quote that is never closed"),
        ("A=\"x\\\"\n", "a.env, line 1: opens a quote that is never closed"),
        ("\nTALLYD_LOG_LEVEL debug\n", "a.env, line 2: has no \"=\", and systemd passes over it"),
        ("TALLYD_LOG_LEVEL", "a.env, line 1: has no \"=\""),
        ("export TALLYD_LOG_LEVEL=debug", "write TALLYD_LOG_LEVEL=… alone"),
        ("TALLYD-LOG_LEVEL=1\n\u{FEFF}TALLYD_LOG_LEVEL=debug", "a.env, line 2: "),
        ("# one \\\nA=1", "a.env, line 2: follows a comment that ends with a backslash"),
        ("A=1\nB=\u{0}\n", "a.env, line 2: holds a NUL byte"),
    ])
    func `what would lose a setting without a word is refused`(text: String, beginning: String) {
        let problems = Self.problems(Array(text.utf8))
        #expect(problems.count == 1)
        #expect(problems.first?.contains(beginning) == true, "\(problems)")
    }

    @Test func `a file that is not UTF-8 is refused with the line, and shows no value`() {
        let problems = Self.problems(Array("A=1\nTALLYD_X=hunter2".utf8) + [0xFF] + Array("\nC=1\n".utf8))
        #expect(problems == ["a.env, line 2: is not UTF-8, so systemd refuses the whole file; save it as UTF-8"])
        // In a comment systemd does not look.
        #expect(Self.problems(Array("# ".utf8) + [0xFF, 0x0A]) == [])
    }

    @Test func `any bytes are read to an end`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("AB_=='\"\\\n\r #;\t".utf8) + [0xC3, 0xA4, 0xFF]
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            guard let file = try? EnvironmentFile(path: "a.env", bytes: bytes) else { continue }
            // What was read can be written so that it reads the same.
            let written = file.variables.map { "\($0)='\($1.replacing("'", with: "'\\''"))'\n" }.sorted().joined()
            let quotable = !file.variables.values.contains { $0.contains("'") }
            if quotable { #expect((try? Self.read(written)) == file.variables, "\(bytes)") }
        }
    }

    @Test func `a file that is missing, a folder or too large is named with the reason`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let large = folder.appending(path: "large")
        try Data(count: 2 << 20).write(to: large)
        func refusal(_ path: String) -> String? {
            do throws(EnvironmentFileError) {
                _ = try EnvironmentFile(path: path)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal(folder.path + "/none")?.contains("/none: No such file or directory; name the right") == true)
        #expect(refusal(folder.path)?.contains("it is no regular file") == true)
        #expect(refusal(large.path)?.contains("it is larger than 1024 KiB") == true)
    }
}
