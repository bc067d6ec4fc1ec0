/// Where the value of a setting comes from.
package enum SettingSource: String, Sendable {
    case `default`
    case environment
    /// The file that TALLYD_ENVIRONMENT_FILE names, whether tallyd or systemd has read it.
    case environmentFile = "environment file"
    case commandLine = "command line"
    /// A file of systemd's LoadCredential=.
    case credential
    /// The file that a NAME_FILE variable names.
    case secretFile = "secret file"
}
