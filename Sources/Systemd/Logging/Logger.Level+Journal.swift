import Logging

extension Logger.Level {
    /// syslog(3)'s number, 7 (debug) to 2 (critical): the journal's `PRIORITY` and the `N` of a line's `<N>`.
    var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// Five characters, so that messages stand in one column.
    var column: String {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info "
        case .notice: "note "
        case .warning: "warn "
        case .error: "error"
        case .critical: "crit "
        }
    }

    /// The terminal's colour, as the parameter of an SGR sequence.
    var colour: String {
        switch self {
        case .trace, .debug: "2"
        case .info: "32"
        case .notice: "36"
        case .warning: "33"
        case .error: "31"
        case .critical: "1;31"
        }
    }
}
