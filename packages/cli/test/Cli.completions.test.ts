/** What shells offer: the words of a choice, and paths where a file is meant. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder } from "./Callstream.ts"

const script = (shell: string) =>
  Effect.map(callstream(["--completions", shell]), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, 0, stderr)
    return stdout
  })

const offered: ReadonlyArray<[flag: string, words: ReadonlyArray<string>]> = [
  ["--walk", ["history", "pages"]],
  ["--without-start", ["include", "skip"]],
  ["--on-sink-failure", ["stop", "continue"]],
  ["--rotate", ["day"]],
  [
    "--derive",
    [
      "outcome",
      "direction",
      "customerNumber",
      "startedDate",
      "startedTime",
      "startedHour",
      "weekday",
      "minutes",
      "cost",
      "finalCost",
      "analysis"
    ]
  ]
]

const hasBash = (() => {
  try {
    execFileSync("bash", ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

describe("callstream --completions", alongside, () => {
  it.live.skipIf(!hasBash)("bash offers the words of a choice, and files for the name of one", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "completions.bash"), yield* script("bash"))
      mkdirSync(join(cwd, "kept"))
      writeFileSync(join(cwd, "kept.ndjson"), "")
      const ask = (...words: ReadonlyArray<string>) => {
        const line = ["callstream", ...words].map((word) => `'${word}'`).join(" ")
        const program = `
          source ./completions.bash
          COMP_WORDS=(${line}); COMP_CWORD=${words.length}; COMP_LINE="callstream ${words.join(" ")}"; COMP_POINT=\${#COMP_LINE}
          $(complete -p callstream | sed 's/.*-F \\([^ ]*\\).*/\\1/') callstream '${words.at(-1)}' '${words.at(-2)}'
          printf '%s\\n' "\${COMPREPLY[@]}"`
        return execFileSync("bash", ["--norc", "-c", program], { cwd, encoding: "utf8" })
          .split("\n")
          .map((text) => text.trim())
          .filter((text) => text !== "")
      }
      for (const [flag, words] of offered) assert.sameMembers([...ask("export", flag, "")], [...words], flag)
      assert.deepStrictEqual([...ask("export", "--walk", "p")], ["pages"])
      assert.include(ask("export", "--dead-letters", "ke"), "kept.ndjson")
      assert.include(ask("export", "--to", "ke"), "kept.ndjson")
      assert.include(ask("run", "ke"), "kept.ndjson")
      assert.include(ask("export", "--with"), "--without-start")
    })
  )

  it.live.each(["zsh", "fish", "powershell"])("%s knows the words of each choice", (shell) =>
    Effect.gen(function* () {
      const lines = (yield* script(shell)).split("\n")
      for (const [flag, words] of offered) {
        const about = lines.filter((line) => line.includes(flag.slice(2)))
        // One after another, which they are in no description.
        const together = new RegExp(`\\b${words.join("[^a-zA-Z]{1,12}")}\\b`)
        assert.isTrue(
          about.some((line) => together.test(line)),
          `${shell} ${flag}`
        )
      }
    })
  )

  it.live("a value that is none of the words is refused in the words of the option", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* callstream(["export", "--walk", "sideways"])
      assert.strictEqual(code, 2)
      assert.include(stderr, '--walk: expected history or pages, not "sideways"')
    })
  )
})
