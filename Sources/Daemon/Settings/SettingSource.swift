/// Where the value of a setting comes from.
package enum SettingSource: String, Sendable {
    case `default`
    case environment
    case commandLine = "command line"
}
