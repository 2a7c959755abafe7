import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, idsOf, lines, records, server, start, until } from "../Callstream.ts"

const list = Array.from({ length: 200 }, (_, at) => at)
const nested = "metadata.l.all(a, metadata.l.all(b, metadata.l.all(c, metadata.l.all(d, a + b + c + d >= 0))))"
const calls = (count: number, l: ReadonlyArray<number>) =>
  Array.from({ length: count }, (_, at) => ({
    id: `${l.length}-${at}`,
    startedAt: `2026-07-31T07:${String(10 + (at % 50))}:00Z`,
    metadata: { l }
  }))
const paging = ["--walk", "pages", "--page-size", "100", "--concurrency", "1", "--where", nested]

describe("a condition that takes too long", alongside, () => {
  it.live("puts the record aside and says so; the others arrive", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { url } = yield* server(records([...calls(2, list), ...calls(18, [1, 2])]))
      const { code, stderr } = yield* callstream(["export", "--to", "calls.ndjson", ...paging], {
        cwd,
        env: { AGNI_BASE_URL: url }
      })
      assert.strictEqual(code, 0, stderr)
      assert.lengthOf(idsOf(readFileSync(join(cwd, "calls.ndjson"), "utf8")), 18)
      const letters = lines(readFileSync(join(cwd, "calls.ndjson.dead-letters.ndjson"), "utf8"))
      assert.deepStrictEqual(
        letters.map(({ reason }) => reason),
        Array.from({ length: 2 }, () => "the condition takes more than 5,000,000 steps")
      )
      assert.match(String(letters[0]?.["stage"]), /^where metadata\.l\.all/)
    })
  )

  it.live.skipIf(process.platform === "win32")("does not keep Ctrl-C waiting", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { requests, url } = yield* server(records(calls(2000, list)))
      const { child, ended } = yield* start(
        ["export", "--to", "calls.ndjson", "--max-dead-letters", "100", ...paging],
        { cwd, env: { AGNI_BASE_URL: url } }
      )
      yield* until(() => requests.length > 0 && existsSync(join(cwd, "calls.ndjson.partial")))
      yield* Effect.sleep("1 second")
      child.kill("SIGINT")
      const begun = performance.now()
      const { code } = yield* ended
      assert.strictEqual(code, 130)
      assert.isBelow(performance.now() - begun, 5000)
    })
  )
})
