/** A webhook that workers share: processes, a real database, the simulator, a receiver. */
import { Instant } from "@callstream/core"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import * as FleetCommands from "../FleetCommands.ts"
import { folder, lines, type Simulation, simulation, until } from "../Callstream.ts"
import * as Receiver from "../torture/KillReceiver.ts"

const secret = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }

/** The first and the last start of all calls. */
const startsOf = ({ simulator }: Simulation): ReadonlyArray<string> => {
  const starts = simulator.truth().flatMap(({ startedAt }) => startedAt ?? [])
  return [Math.min(...starts), Math.max(...starts)].map((start) => Instant.format(Instant.of(start)))
}

const shown = (instant: string): string => instant.slice(0, 19).replace("T", " ")

describe.skipIf(Postgres.missing)(`callstream worker to a webhook${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("one is killed between two messages: every call arrives, and what is sent twice has the same id", () =>
      Effect.gen(function* () {
        const api = yield* simulation({ sessions: 1500, undated: 0.02, age: "1 day", seed: 5, content: "minimal" })
        const { cwd, file, run, start } = yield* FleetCommands.make(api)
        const receiver = yield* Receiver.make()
        const env = { ...secret, HOOK_URL: receiver.url }
        const sink = `{ to: "\${HOOK_URL}", allowPrivateHosts: true, batchSize: 20 }`
        yield* file(
          "hooked.yaml",
          `stretches: 3\nstate: false\ncommitEvery: 10ms\nsource: { until: 12h }\nsinks: [${sink}]\n`
        )
        const submitted = yield* run(["run", "hooked.yaml", "--detach"], { env })
        assert.strictEqual(submitted.code, 0, submitted.stderr)

        const killed = yield* start(["worker", "--stretches", "2"], { env })
        // It has this message, and the worker never knows.
        receiver.set({ phase: "before", nth: 30, kill: () => killed.child.kill("SIGKILL") })
        yield* until(() => killed.child.signalCode === "SIGKILL")
        const early = receiver.events.length
        const unconfirmed = receiver.events.at(-1)?.id ?? ""
        receiver.set(undefined)
        // On another machine: nothing that the first one kept beside the database is there.
        const other = yield* start(["worker", "--stretches", "2"], { env, cwd: yield* folder })
        const { code, stderr, stdout } = yield* run(["run", "hooked.yaml", "--json"], { env })
        assert.strictEqual(code, 0, stderr)
        const [shared = {}] = lines(stdout)
        assert.deepInclude(shared["coverage"], { set: "proven", of: 1500 })

        const ids = new Map<string, Set<string>>()
        for (const { id, sessionId } of receiver.events)
          ids.set(sessionId, new Set([...(ids.get(sessionId) ?? []), id]))
        assert.deepStrictEqual([...ids.keys()].sort(), FleetCommands.idsOf(api))
        assert.deepStrictEqual(
          [...ids].filter(([, { size }]) => size > 1),
          []
        )
        // What was never confirmed came again.
        const late = new Set(receiver.events.slice(early).map(({ id }) => id))
        assert.isTrue(late.has(unconfirmed))

        // The summary of a run has the same fields and figures as without a fleet, but for retries, which nobody counts there.
        const [first = "", last = ""] = startsOf(api)
        const people = yield* run(["run", "hooked.yaml"], { env })
        assert.include(people.stderr, `\n  started between ${shown(first)} and ${shown(last)} UTC\n`)
        const [own = {}] = lines((yield* api.run(["run", "hooked.yaml", "--json"], { cwd, env })).stdout)
        assert.deepInclude(shared, { sessions: 1500, earliest: first, latest: last })
        assert.deepStrictEqual(
          Object.keys(shared),
          Object.keys(own).filter((name) => name !== "retries")
        )
        for (const name of ["sessions", "rejected", "to", "earliest", "latest", "walk"])
          assert.deepStrictEqual(shared[name], own[name], name)
        other.child.kill("SIGTERM")
        assert.strictEqual((yield* other.ended).code, 0)
      })
    )
  })
})
