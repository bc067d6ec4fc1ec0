"""Compares tallyd's reading of environment files with systemd's own: nasty files by hand and by chance.

usage: environment-files.py TALLYD COUNT SEED

Each file is given to a transient unit as EnvironmentFile=, and to `tallyd config check` as --environment-file. Both print the settings
that came of it. Ends with 1 at the first difference, and prints the file.
"""

import json
import random
import subprocess
import sys

tallyd, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
file = "/run/nasty.env"

by_hand = [
    "TALLYD_DATABASE=/a b  # no comment",
    "TALLYD_DATABASE = /a \t\n",
    "# TALLYD_DATABASE=/a\n  ; TALLYD_DATABASE=/b\n\nTALLYD_DATABASE=/c",
    "TALLYD_DATABASE='/it\\n $x \"y\"'",
    'TALLYD_DATABASE="/a\\"b\\\\c\\$d\\`e\\nf\\\rg"',
    'TALLYD_DATABASE=/a\\"b\\\\c\\nd\\\' ',
    "TALLYD_DATABASE='/a\nb'\nTALLYD_LOG_LEVEL=debug",
    'TALLYD_DATABASE="/a\\\nb"\nTALLYD_LOG_LEVEL=debug',
    "TALLYD_DATABASE=/a\\\n  b  \\\n  \nTALLYD_LOG_LEVEL=debug",
    "TALLYD_DATABASE='/a'  \"b\" c \\  \n",
    "TALLYD_DATABASE=/a 'b' it's \"\n",
    "TALLYD_DATABASE=/a\\ \\\t \n",
    "TALLYD_DATABASE=/a\r\nTALLYD_LOG_LEVEL=debug\r\n",
    "TALLYD_DATABASE=/a\nTALLYD_DATABASE=/b\n",
    "TALLYD_DATABASE=/a\nTALLYD_DATABASE=\n",
    "TALLYD_DATABASE=\n  TALLYD_LOG_LEVEL=debug",
    "TALLYD_DATABASE='  '\n",
    "TALLYD_DATABASE=/a=b$HOME${x}%i%%\n",
    "TALLYD_DATABASE=/ä\u2028€\n",
    "no variable\nexport X=1\n1A=2\n=3\n=4=5\nA-B=4\nTALLYD_DATABASE=/a",
    "TALLYD_DATABASE=/a\\",
    "# ends so \\\n# again\nTALLYD_DATABASE=/a",
    b"TALLYD_DATABASE=/a\nX=\xff\n",
    b"TALLYD_DATABASE=/a\n# \xff\n",
    b"TALLYD_DATABASE=/a\nX=\0\n",
]

# What tallyd refuses and systemd passes over, each of which would lose a setting: EnvironmentFileParser names them.
stricter = ("never closed", 'has no "="', "no name of a variable", "follows a comment")


def by_chance(source):
    def piece(length):
        return "".join(source.choice("ab/ \t\\\\''\"\"\n\r#;=$`ä") for _ in range(source.randint(0, length)))

    lines = ["TALLYD_DATABASE=" + piece(14), "TALLYD_LOG_LEVEL" + piece(2) + "=" + source.choice(["debug", "'info'", '"no\\tice"'])]
    source.shuffle(lines)
    return source.choice(["", piece(4) + "\n", "#" + piece(6) + "\n"]) + "\n".join(lines) + source.choice(["", "\n", "\\", " \\\n"])


def settings(command):
    """The settings and the problems, or None when the command did not come to that, and what it said."""
    ended = subprocess.run(command, capture_output=True, check=False)
    if not ended.stdout:
        return None, ended.stderr
    read = json.loads(ended.stdout)
    found = {entry["name"]: entry["value"] for entry in read["settings"] if entry["name"] != "TALLYD_ENVIRONMENT_FILE"}
    return (found, read["problems"]), ended.stderr


compared = passed_over = 0
source = random.Random(seed)
for text in by_hand + [by_chance(source) for _ in range(count)]:
    content = text if isinstance(text, bytes) else text.encode()
    with open(file, "wb") as out:
        out.write(content)
    check = [tallyd, "config", "check", "--json"]
    ours, said = settings(["env", "--ignore-environment"] + check + ["--environment-file", file])
    assert ours is not None, (content, said)
    about_file = [problem for problem in ours[1] if file in problem]
    if any(words in problem for problem in about_file for words in stricter):
        passed_over += 1
        continue
    unit = ["systemd-run", "--wait", "--pipe", "--quiet", "--collect", "--property=EnvironmentFile=" + file]
    theirs, said = settings(unit + check)
    # A file that is not UTF-8, or has a NUL, is refused by both.
    if ours != theirs and not (theirs is None and about_file):
        print(f"seed {seed}, file {content!r}\ntallyd:  {ours}\nsystemd: {theirs} {said!r}")
        sys.exit(1)
    compared += 1
print(f"{compared} files read alike, {passed_over} refused by tallyd alone, seed {seed}")
sys.exit(0 if compared > len(by_hand) // 2 + count // 4 else 1)
