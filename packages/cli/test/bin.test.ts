/** A signal while the program is loading. What comes before, Node's own start, ends as the signal says. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { alongside, start, until } from "./Callstream.ts"
import { random } from "./torture/KillPlan.ts"

/** Runs when the second file is read: the first one is the smallest part of the program. */
const whileLoading = (code: string): string => {
  const module = `import { registerHooks } from "node:module"
import { writeSync } from "node:fs"
let files = 0
const load = (url, context, next) => {
  if (url.startsWith("file:") && ++files === 2) { ${code} }
  return next(url, context)
}
registerHooks({ load })`
  return `--import=data:text/javascript,${encodeURIComponent(module)}`
}

const environment = { CLUSTER_URL: "postgres://127.0.0.1:1/nowhere", AGNI_BASE_URL: "http://127.0.0.1:1" }
const worker = ["worker", "--cluster", "postgres:CLUSTER_URL"]

describe.skipIf(process.platform === "win32")("a signal while callstream loads", alongside, () => {
  for (const [code, signal, args] of [
    [0, "SIGTERM", worker],
    [0, "SIGINT", worker],
    [0, "SIGTERM", ["sync", "--follow", "--name", "calls"]],
    [0, "SIGTERM", ["runs", "--watch", "--cluster", "postgres:CLUSTER_URL", "--json"]],
    [130, "SIGTERM", ["runs", "--watch", "calls", "--cluster", "postgres:CLUSTER_URL"]],
    [130, "SIGTERM", ["sync", "--name", "calls"]],
    [130, "SIGINT", ["export"]]
  ] as const) {
    it.live(`${signal} ends ${args.slice(0, 2).join(" ")} with ${code}, before anything is done`, () =>
      Effect.gen(function* () {
        const NODE_OPTIONS = whileLoading(`process.kill(process.pid, "${signal}")`)
        const { ended } = yield* start(args, { env: { ...environment, NODE_OPTIONS } })
        assert.deepStrictEqual(yield* ended, { code, stdout: "", stderr: "" })
      })
    )
  }

  it.live("ends a worker with 0 at any moment of the first half second", () =>
    Effect.gen(function* () {
      const seed = Math.floor(Math.random() * 1e9)
      const next = random(seed)
      const NODE_OPTIONS = whileLoading(`writeSync(1, "loads")`)
      const moments = Array.from({ length: 12 }, () => Math.floor(next() * 500))
      yield* Effect.forEach(
        moments,
        Effect.fnUntraced(function* (millis) {
          const { child, ended, stdout } = yield* start(worker, { env: { ...environment, NODE_OPTIONS } })
          yield* until(() => stdout() === "loads")
          yield* Effect.sleep(millis)
          child.kill("SIGTERM")
          const { code } = yield* ended
          assert.strictEqual(code, 0, `seed ${seed}, after ${millis} ms: ${child.signalCode}`)
        }, Effect.scoped),
        { concurrency: 3 }
      )
    })
  )
})
