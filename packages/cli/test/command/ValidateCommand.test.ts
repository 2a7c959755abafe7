import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder } from "../Callstream.ts"

const good = `
source: { since: 7d }
sinks: [calls.ndjson, sqlite:calls.db]
`
const bad = `
source: { since: 7x, apiKeyFile: nothing.txt, nope: 1 }
transforms: { where: [durationSec >] }
sinks: [calls.ndjson]
`

describe("callstream validate", alongside, () => {
  it.live("says of each pipeline what it is, and writes nothing", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "good.yaml"), good)
      writeFileSync(
        join(cwd, "two.yaml"),
        "pipelines:\n  - { name: a, sinks: [a.csv] }\n  - { name: b, sync: {}, sinks: ['sqlite:b.db'] }\n"
      )
      const { code, stderr, stdout } = yield* callstream(["validate", "good.yaml", "two.yaml"], { cwd })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.strictEqual(
        stdout,
        "good.yaml is valid\n  good: export to calls.ndjson, sqlite:calls.db\ntwo.yaml is valid\n  a: export to a.csv\n  b: sync to sqlite:b.db\n"
      )
      assert.sameMembers(readdirSync(cwd), ["good.yaml", "two.yaml"])
    })
  )

  it.live("shows all mistakes of all files, with their places, without a request", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "good.yaml"), good)
      writeFileSync(join(cwd, "bad.yaml"), bad)
      const env = { AGNI_BASE_URL: "http://127.0.0.1:9" }
      const { code, stderr, stdout } = yield* callstream(["validate", "bad.yaml", "good.yaml", "none.yaml"], {
        cwd,
        env
      })
      assert.strictEqual(code, 2)
      assert.match(stdout, /^good.yaml is valid\n/)
      const places = Array.from(stderr.matchAll(/^error: (bad\.yaml:\d+:\d+|none\.yaml)/gm), ([, place]) => place)
      assert.deepStrictEqual(places, ["bad.yaml:2:18", "bad.yaml:2:34", "bad.yaml:2:47", "bad.yaml:3:36", "none.yaml"])
    })
  )

  it.live("misses the key and the outputs that collide, as run does", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "good.yaml"), good)
      const env = { AGNI_API_KEY: undefined }
      const { code, stderr } = yield* callstream(["validate", "good.yaml"], { cwd, env })
      assert.strictEqual(code, 2)
      assert.include(stderr, "there is no API key")
      writeFileSync(
        join(cwd, "two.yaml"),
        "pipelines:\n  - { name: a, sinks: [x.csv] }\n  - { name: b, sinks: [x.csv] }\n"
      )
      const both = yield* callstream(["validate", "two.yaml"], { cwd })
      assert.include(both.stderr, "a writes to x.csv already")
    })
  )
})
