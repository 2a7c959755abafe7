import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, lines, records, server, simulation, until } from "./Callstream.ts"
import * as Receiver from "./torture/KillReceiver.ts"

/** util-linux's `script` gives a command a terminal. */
const noTerminal = !String(spawnSync("script", ["--version"]).stdout).includes("util-linux")

/** The shell command line that runs the command in a terminal so many columns wide. */
const inTerminal = (columns: number) => `exec script -qec "stty cols ${columns}; $*" /dev/null`
const env = { TERM: "xterm" }

describe.skipIf(noTerminal)("on a terminal", alongside, () => {
  it.live("data holds no character that the terminal obeys, and says the same", () =>
    Effect.gen(function* () {
      const summary = "\u001b[2J\u009b2J\u202eabc\u0007\u0000\u200b\u2028Zoë"
      const { url } = yield* server(records([{ id: "one", summary }]))
      const { code, stdout } = yield* callstream(["export", "--walk", "pages", "--quiet"], {
        shell: inTerminal(80),
        env: { ...env, AGNI_BASE_URL: url }
      })
      assert.strictEqual(code, 0)
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(stdout.replaceAll("\r\n", ""), /[\u0000-\u001f\u007f-\u009f\u200b\u2028\u202e]/)
      assert.deepInclude(lines(stdout)[0], { summary })
    })
  )

  it.live("one line shows how far it is, within the columns, and leaves", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 60, latency: "150 millis" })
      const args = ["export", "--walk", "pages", "--to", "calls.ndjson", "--page-size", "20", "--concurrency", "1"]
      const [narrow, plain, dumb] = yield* Effect.all(
        [
          run(args, { cwd, env, shell: inTerminal(40) }),
          run(args, { cwd: yield* folder, env: { ...env, NO_COLOR: "1" }, shell: inTerminal(200) }),
          run(args, { cwd: yield* folder, env: { TERM: "dumb" }, shell: inTerminal(80) })
        ],
        { concurrency: 3 }
      )
      const drawn = narrow.stdout.split("\r\u001b[2K")
      assert.isAbove(drawn.length, 3)
      const last = drawn.pop() ?? ""
      // oxlint-disable-next-line no-control-regex
      for (const text of drawn.slice(1)) assert.match(text, /^(\u001b\[2m[^\u001b\r\n]{1,39}\u001b\[22m)?$/)
      assert.match(last, /^60 calls to calls\.ndjson in /)
      assert.include(plain.stdout, "\r\u001b[2K40 calls written · ")
      assert.notInclude(plain.stdout, "\u001b[2m")
      assert.match(dumb.stdout, /^60 calls to calls\.ndjson in /)
      assert.strictEqual(lines(readFileSync(join(cwd, "calls.ndjson"), "utf8")).length, 60)
    })
  )

  it.live("a warning takes the place of that line, which comes again below", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { start } = yield* simulation({ sessions: 60 })
      const receiver = yield* Receiver.make()
      receiver.answer(503)
      const { ended, stdout } = yield* start(["export", "--to", receiver.url, "--allow-private-hosts"], {
        cwd,
        env: { ...env, CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" },
        shell: inTerminal(200)
      })
      yield* until(() => stdout().includes("tries again"))
      receiver.answer(undefined)
      yield* ended
      assert.match(
        stdout(),
        // oxlint-disable-next-line no-control-regex
        /calls read · [^\r\n]*\r\u001b\[2Kwarning: webhook:[^\r\n]* tries again for up to 3d\r\n\r\u001b\[2K/
      )
    })
  )

  it.live("help has colours, unless they are not wanted", () =>
    Effect.gen(function* () {
      const [colored, plain] = yield* Effect.all(
        [
          callstream(["--help"], { shell: inTerminal(80), env }),
          callstream(["--help"], { shell: inTerminal(80), env: { ...env, NO_COLOR: "1" } })
        ],
        { concurrency: 2 }
      )
      assert.include(colored.stdout, "\u001b[1m")
      assert.notInclude(plain.stdout, "\u001b")
    })
  )
})
