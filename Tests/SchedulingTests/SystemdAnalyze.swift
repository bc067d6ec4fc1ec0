import Foundation
import TestSupport

@testable import Scheduling

/// systemd-analyze, the oracle for calendar expressions. Without it the tests that ask it fail: a claim that was not
/// checked is not a claim.
enum SystemdAnalyze {
    struct Answer: Equatable {
        var normal: String
        /// Seconds since 1970, as the tool shows no fractions.
        var elapses: [Int64]
        /// Whether the tool named fewer than it was asked for: there are no more.
        var ends: Bool
    }

    enum Reply: Equatable {
        case answer(Answer)
        /// The expression was taken, but the search for its next time went in circles: systemd 252 gives up with "Resource
        /// deadlock avoided" at some gaps.
        case undetermined
        case refused

        var answer: Answer? {
            if case .answer(let answer) = self { answer } else { nil }
        }
    }

    struct Absent: Error, CustomStringConvertible {
        let description: String
    }

    static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia",
        "Africa/Casablanca",
    ]

    /// One reply for every expression.
    ///
    /// - Parameter base: seconds since 1970; what elapses does so after it.
    static func calendar(_ expressions: [String], iterations: Int, base: Int64) throws -> [Reply] {
        let tool: ToolRun
        do {
            tool = try ToolRun(
                "/usr/bin/systemd-analyze",
                ["calendar", "--iterations=\(iterations)", "--base-time=\(timestamp(base))", "--"] + expressions,
                variables: ["TZ": "UTC", "LC_ALL": "C"])
        } catch {
            throw Absent(description: "systemd-analyze cannot be run (apt-get install systemd): \(error)")
        }
        return replies(in: tool.output, tool.errors, to: expressions, iterations: iterations)
    }

    private static func replies(
        in text: String, _ complaint: String, to expressions: [String], iterations: Int
    ) -> [Reply] {
        // A paragraph each, of which those that were refused have none; the original form is left out where it is the
        // normal one.
        var paragraphs = text.components(separatedBy: "\n\n").filter { $0.contains(":") }.map(paragraph)[...]
        return expressions.map { expression in
            guard let next = paragraphs.first, next.original == expression.trimmingSuffix(while: { $0 == " " }) else {
                return complaint.contains("next elapse for '\(expression)'") ? .undetermined : .refused
            }
            paragraphs = paragraphs.dropFirst()
            var answer = next.answer
            // At some gaps it gives up half way, and says so.
            answer.ends = answer.elapses.count < iterations && !complaint.contains("next elapse for '\(expression)'")
            return .answer(answer)
        }
    }

    private static func paragraph(_ text: String) -> (original: String, answer: Answer) {
        var original: String?
        var answer = Answer(normal: "", elapses: [], ends: false)
        for line in text.split(separator: "\n") {
            guard let colon = line.firstRange(of: ": ") else { continue }
            let key = line[..<colon.lowerBound].drop { $0 == " " }
            let value = line[colon.upperBound...]
            if key == "Original form" { original = String(value) }
            if key == "Normalized form" { answer.normal = String(value) }
            // "never" has no seconds.
            if key == "Next elapse" || key.hasPrefix("Iter. #") {
                answer.elapses += [seconds(in: value)].compactMap(\.self)
            }
        }
        return (original.map { $0.trimmingSuffix { $0 == " " } } ?? answer.normal, answer)
    }

    /// `Sun 2026-03-29 02:30:00 UTC`.
    private static func seconds(in text: Substring) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 4 else { return nil }
        return Instant(iso8601: words[1] + "T" + words[2] + "Z").map { $0.milliseconds / 1_000 }
    }

    private static func timestamp(_ seconds: Int64) -> String {
        String(Instant(milliseconds: seconds * 1_000).description.prefix(19).replacing("T", with: " ")) + " UTC"
    }
}

extension String {
    fileprivate func trimmingSuffix(while isLoose: (Character) -> Bool) -> String {
        String(self[...(lastIndex { !isLoose($0) } ?? startIndex)])
    }
}
