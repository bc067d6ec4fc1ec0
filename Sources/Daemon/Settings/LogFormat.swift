/// How log lines leave the process.
package enum LogFormat: String, CaseIterable, Sendable {
    /// To the journal where standard error leads there, else as lines.
    case auto
    /// To the journal, with structured fields.
    case journal
    /// As readable lines on standard error.
    case lines
}
