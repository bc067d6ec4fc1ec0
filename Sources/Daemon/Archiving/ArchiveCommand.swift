import Foundation

/// A program and its arguments, as TALLYD_ARCHIVE_COMMAND says them: words between spaces. Quotes of either kind hold a word together and go; a
/// backslash takes the next character as it is, but not within single quotes. No shell reads it: `$`, `*`, `|`, `;` and `~` are themselves.
package struct ArchiveCommand: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    package let description: String
    /// The program's absolute path, and its arguments.
    package let words: [String]

    init(_ text: String) throws(SettingComplaint) {
        description = text
        words = try Self.split(text)
        guard words.first?.hasPrefix("/") == true else {
            throw SettingComplaint("does not begin with an absolute path; write /usr/bin/rclone and not rclone")
        }
    }

    package var program: String { words.first ?? "" }

    private static func split(_ text: String) throws(SettingComplaint) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                // "" is a word, too.
                word = word ?? ""
            } else if character.isWhitespace {
                if let whole = word { words.append(whole) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let quote { throw SettingComplaint("has a \(quote) that is not closed; close it, or write \\\(quote)") }
        if isEscaped { throw SettingComplaint("ends with a backslash that nothing follows; remove it") }
        if text.contains("\0") { throw SettingComplaint("has a NUL character in it; remove it") }
        if let whole = word { words.append(whole) }
        return words
    }

    /// Why the program can't be started as things are now; nil when it can.
    package var obstacle: String? {
        var isFolder = ObjCBool(false)
        guard FileManager.default.fileExists(atPath: program, isDirectory: &isFolder) else {
            return "there is no file \(program); install it, or write the path where it is"
        }
        if isFolder.boolValue { return "\(program) is a folder; write the path of a program" }
        guard FileManager.default.isExecutableFile(atPath: program) else {
            return "\(program) may not be executed by this user; chmod it, or write another program's path"
        }
        return nil
    }
}

extension SettingKind where Value == ArchiveCommand {
    /// Whether the program is there is looked up by whoever is to run it: a report on another machine needs none.
    static var command: Self {
        SettingKind(accepts: "an absolute path and arguments, without a shell", text: \.description) {
            text throws(SettingComplaint) in try ArchiveCommand(text)
        }
    }
}
