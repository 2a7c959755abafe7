import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, folder, idsOf, simulation } from "../Callstream.ts"

describe("callstream run with flags in place of keys", alongside, () => {
  it.live("reads another range under another name, and leaves the first state alone", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 600, undated: 0 })
      writeFileSync(join(cwd, "p.yaml"), "source: { since: 14d }\nsinks: [{ to: calls.ndjson }]\n")
      const refused = yield* run(["run", "p.yaml", "--since", "3d"], { cwd })
      assert.strictEqual(refused.code, 2)
      assert.strictEqual(
        refused.stderr,
        "error: --since is not what the state of p was made for\n  Add a name for a state of its own, such as --name p-again.\n"
      )
      assert.lengthOf(simulator.requests, 0)
      const other = yield* run(["run", "p.yaml", "--since", "3d", "--name", "short", "--rate", "1000"], { cwd })
      assert.strictEqual(other.code, 0, other.stderr)
      const flags = yield* run(["export", "--since", "3d"], { cwd })
      assert.sameMembers([...idsOf(readFileSync(join(cwd, "calls.ndjson"), "utf8"))], [...idsOf(flags.stdout)])
      const first = yield* run(["run", "p.yaml", "--json"], { cwd })
      assert.notInclude(first.stderr, "finishedBefore")
    })
  )

  it.live("writes elsewhere, with the settings of the sink in the file", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 60, undated: 0 })
      const pipeline = "state: false\nsinks: [{ to: calls.ndjson, force: true }]\n"
      writeFileSync(join(cwd, "p.yaml"), pipeline)
      for (const at of [1, 2]) {
        const ran = yield* run(["run", "p.yaml", "--to", "a.ndjson", "--to", "b.csv"], { cwd })
        assert.strictEqual(ran.code, 0, `${at}: ${ran.stderr}`)
      }
      assert.lengthOf(idsOf(readFileSync(join(cwd, "a.ndjson"), "utf8")), 60)
      assert.match(readFileSync(join(cwd, "b.csv"), "utf8"), /^id,/)
      assert.isFalse(existsSync(join(cwd, "calls.ndjson")))
      const requests = simulator.requests.length
      const twice = yield* run(["run", "p.yaml", "--to", "a.ndjson", "--to", "./a.ndjson"], { cwd })
      assert.deepInclude(twice, { code: 2 })
      assert.match(twice.stderr, /^error: --to/)
      writeFileSync(
        join(cwd, "several.yaml"),
        "pipelines:\n  - { name: a, sinks: [a.ndjson] }\n  - { name: b, sinks: [b.ndjson] }\n"
      )
      const several = yield* run(["run", "several.yaml", "--to", "c.ndjson"], { cwd })
      assert.match(several.stderr, /^error: --to is of one pipeline, and the file has several\n/)
      writeFileSync(join(cwd, "kept.yaml"), "sinks: [calls.ndjson]\n")
      const kept = yield* run(["run", "kept.yaml", "--to", "c.ndjson"], { cwd })
      assert.match(kept.stderr, /^error: --to is not what the state of kept was made for\n/)
      assert.strictEqual(simulator.requests.length, requests)
    })
  )

  it.live("speaks of flags where they are wrong, and of the file where it is", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation()
      writeFileSync(join(cwd, "p.yaml"), "source: { since: 14d }\nstate: false\nsinks: ['-']\n")
      const reversed = yield* run(["run", "p.yaml", "--until", "20d"], { cwd })
      assert.match(reversed.stderr, /^error: --until \(.*\) is not later than --since/)
      const both = yield* run(["run", "p.yaml", "--since", "3d", "--on", "monday"], { cwd })
      assert.match(both.stderr, /^error: --on cannot be combined with --since\n/)
      writeFileSync(join(cwd, "bad.yaml"), "source: { until: 20x }\nstate: false\nsinks: ['-']\n")
      const file = yield* run(["run", "bad.yaml", "--since", "3d"], { cwd })
      assert.match(file.stderr, /^error: bad\.yaml:1:18: /)
      writeFileSync(join(cwd, "key.txt"), "agni_test_key", { mode: 0o600 })
      const keyed = yield* run(["run", "p.yaml", "--api-key-file", "key.txt", "--quiet"], {
        cwd,
        env: { AGNI_API_KEY: undefined }
      })
      assert.strictEqual(keyed.code, 0, keyed.stderr)
    })
  )
})
