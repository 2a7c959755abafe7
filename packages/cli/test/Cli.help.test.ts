import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { once } from "node:events"
import { spawn } from "node:child_process"
import { join } from "node:path"
import manifest from "../package.json" with { type: "json" }
import { alongside, callstream, folder, idsOf, start, until } from "./Callstream.ts"

describe("what needs no server", alongside, () => {
  it.live("help goes to stdout, with examples for every command", () =>
    Effect.gen(function* () {
      const commands = [[], ["export"], ["run"], ["init"], ["plan"], ["check"], ["simulate"], ["demo"]]
      const all = yield* Effect.forEach(commands, (command) => callstream([...command, "--help"]), { concurrency: 2 })
      all.forEach(({ code, stderr, stdout }, i) => {
        const name = ["callstream", ...(commands[i] ?? [])].join(" ")
        assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
        assert.match(stdout, new RegExp(`\\nUSAGE\\n  ${name} `))
        assert.match(stdout, new RegExp(`\\nEXAMPLES\\n  # .*\\n  ${name}`))
        assert.notInclude(stdout, "\u001b")
      })
      const [root, exporting] = all
      for (const command of ["export", "run", "init", "plan", "check", "simulate", "demo"])
        assert.include(root?.stdout, `\n  ${command} `)
      for (const flag of ["since", "to", "dead-letters", "strict", "json", "allow-http"]) {
        assert.include(exporting?.stdout, `  --${flag} `)
      }
    })
  )

  it.live("the version, from the sources as from the bundle", () =>
    Effect.gen(function* () {
      const bundled = yield* callstream(["--version"])
      assert.deepStrictEqual(bundled, { code: 0, stdout: `callstream v${manifest.version}\n`, stderr: "" })
      const child = spawn(process.execPath, [join(import.meta.dirname, "../src/bin.ts"), "--version"], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      let stdout = ""
      child.stdout.on("data", (bytes) => (stdout += String(bytes)))
      yield* Effect.promise(() => once(child, "close"))
      assert.strictEqual(stdout, bundled.stdout)
    })
  )

  it.live("completions for the shell", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* callstream(["--completions", "bash"])
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      assert.match(stdout, /complete .*callstream/)
      assert.include(stdout, "--since")
    })
  )

  it.live("demo does the whole job", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* callstream(["demo"], { env: { TMPDIR: yield* folder } })
      assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: "" })
      assert.match(stderr, /^4,000 calls to .* in .* s, .* a second\n {2}.* requests, \d+ retried \(.*\)\n/m)
      const path = /^The file: (.*)$/m.exec(stderr)?.[1] ?? ""
      assert.strictEqual(new Set(idsOf(readFileSync(path, "utf8"))).size, 4000)
    })
  )

  it.live("demo --sync shows three passes over an organization that lives", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* callstream(["demo", "--sync"])
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stdout, "")
      const passes = [...stderr.matchAll(/^([\d,]+) calls, ([\d,]+) new, ([\d,]+) changed/gm)]
      const [first = [], second = [], third = []] = passes.map((found) =>
        found.slice(1).map((text) => Number(text.replaceAll(",", "")))
      )
      assert.strictEqual(passes.length, 3)
      assert.deepStrictEqual(first, [2000, 2000, 0])
      for (const [, created = 0, changed = 0] of [second, third]) {
        assert.isAbove(created, 100)
        assert.isAbove(changed, 0)
      }
      assert.notInclude(stderr, "warning")
    })
  )

  it.live("simulate says where it is, and serves until it is stopped", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { child, ended, stderr, stdout } = yield* start(["simulate", "--port", "0", "--sessions", "1"])
        yield* until(() => stderr().includes("callstream report --since 7d"))
        const url = stdout().trim()
        assert.match(stdout(), /^http:\/\/127\.0\.0\.1:\d+\n$/)
        assert.include(stderr(), "with 1 call (seed 1)")
        assert.include(stderr(), `AGNI_BASE_URL=${url}\n`)
        const { code, stdout: data } = yield* callstream(["export", "--base-url", url])
        assert.strictEqual(code, 0)
        assert.strictEqual(idsOf(data).length, 1)
        const taken = yield* callstream(["simulate", "--port", new URL(url).port])
        assert.strictEqual(taken.code, 2)
        assert.match(taken.stderr, /^error: --port: port \d+ cannot be listened on\n {2}Another program/)
        child.kill("SIGINT")
        assert.strictEqual((yield* ended).code, 130)
      })
    )
  )
})
