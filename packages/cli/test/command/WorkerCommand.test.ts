/** Workers as people run them: processes, a real database, the simulator. */
import { Fault } from "@callstream/core/testing"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import * as Database from "../../src/option/Database.ts"
import * as FleetCommands from "../FleetCommands.ts"
import { lines, simulation, until } from "../Callstream.ts"

describe.skipIf(Postgres.missing)(`callstream worker${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("a worker that is frozen in a transaction holds the others up for 5 seconds at most", () =>
      Effect.gen(function* () {
        const server = yield* Postgres.Server
        const { config } = yield* server.client(yield* server.database(), { maxConnections: 1 })
        const url = Redacted.make(`postgres://postgres@127.0.0.1:${config.port}/postgres?sslmode=disable`)
        const pool = yield* Effect.flatMap(
          Database.pool({ _tag: "Postgres", url: { _tag: "Url", url } }, 1),
          Layer.build
        )
        const sql = Context.get(pool, SqlClient.SqlClient)
        const [limit] = yield* sql.unsafe("SHOW idle_in_transaction_session_timeout")
        assert.deepStrictEqual(limit, { idle_in_transaction_session_timeout: "5s" })
      }).pipe(Effect.provide(NodeServices.layer))
    )

    it.effect(
      "three share a run, one is killed and one stopped: the table equals the API, each call once, and it is proven",
      () =>
        Effect.gen(function* () {
          // From some request on none is answered but the first of each stretch, until all three are in the middle of one.
          const held = { from: 25, requests: 0 }
          const where = ({ params }: { readonly params: Readonly<Record<string, string>> }) =>
            ++held.requests > held.from && !Object.values(params).includes("20")
          const api = yield* simulation({
            sessions: 4000,
            undated: 0,
            age: "1 day",
            seed: 7,
            content: "minimal",
            script: [{ on: { where }, fault: Fault.hang, times: 1000 }]
          })
          const { cwd, file, ids, run, sql, start } = yield* FleetCommands.make(api)
          yield* file(
            "calls.yaml",
            "stretches: 8\ncommitEvery: 10ms\nsource: { until: 12h, timeout: 3s, retries: 100 }\nsinks: ['postgres:SINK_URL']\n"
          )
          const killed = yield* start(["worker", "--stretches", "1"])
          const stopped = yield* start(["worker", "--stretches", "1"])
          const other = yield* start(["worker", "--stretches", "1"])
          const all = [killed, stopped, other]
          yield* until(() => all.every((worker) => worker.stderr().startsWith("works for ")))
          const shown = yield* start(["run", "calls.yaml", "--json"])
          // Each has a stretch.
          yield* Effect.repeat(
            Effect.orElseSucceed(
              sql<{
                readonly workers: number
              }>`SELECT count(DISTINCT worker)::integer AS workers FROM callstream_stretches
WHERE status = 'open' AND state IS NOT NULL`,
              () => []
            ),
            { schedule: Schedule.spaced("50 millis"), until: ([row]) => row?.workers === 3 }
          ).pipe(Effect.timeout("3 minutes"))
          killed.child.kill("SIGKILL")
          stopped.child.kill("SIGTERM")
          const gone = yield* stopped.ended
          assert.strictEqual(gone.code, 0)
          held.from = Infinity
          assert.match(gone.stderr, /: stretch \d+ of \d+ handed back after [^\n]*\n$/)
          const { code, stderr, stdout } = yield* shown.ended
          assert.strictEqual(code, 0, stderr)
          const [summary] = lines(stdout)
          assert.deepInclude(summary, { sessions: 4000, rejected: 0, to: "postgres:SINK_URL" })
          // Workers do not report them.
          assert.notProperty(summary, "retries")
          assert.deepInclude(summary?.["coverage"], { set: "proven", of: 4000 })
          assert.deepStrictEqual(yield* ids("call_sessions"), FleetCommands.idsOf(api))
          // What the two had begun, the other one resumed.
          for (const text of [killed.stderr(), gone.stderr]) {
            const left = Array.from(text.matchAll(/stretch (\d+) of \d+ begins\n/g)).at(-1)?.[1]
            assert.match(other.stderr(), new RegExp(`^calls: stretch ${left} of \\d+ finished`, "m"))
          }

          const [row] = lines((yield* run(["runs", "calls", "--json", "--metrics-file", "runs.prom"])).stdout)
          assert.deepInclude(row, { state: "finished", attempt: 1, calls: 4000, proven: "proven", workers: 0 })
          assert.strictEqual(row?.["requests"], summary?.["requests"])
          const metrics = readFileSync(join(cwd, "runs.prom"), "utf8")
          assert.match(metrics, /^callstream_fleet_runs\{.*state="finished".*\} 1$/m)
          assert.match(metrics, /^callstream_fleet_calls\{.*name="calls".*\} 4000$/m)
          other.child.kill("SIGTERM")
          assert.strictEqual((yield* other.ended).code, 0)
        })
    )

    it.effect("does what was submitted and left to it, says what fails and why, and hands back at a signal", () =>
      Effect.gen(function* () {
        const api = yield* simulation({ sessions: 1500, undated: 0, age: "1 day", seed: 9, content: "minimal" })
        const { cwd, file, ids, run, sql, start } = yield* FleetCommands.make(api)
        yield* sql`CREATE TABLE rejects (id text PRIMARY KEY, "durationSec" integer CHECK ("durationSec" < 300))`
        yield* file(
          "three.yaml",
          `source: { apiKey: "\${ACME_KEY}" }
pipelines:
  - name: rejects
    source: { until: 12h }
    transforms: { select: [id, durationSec] }
    maxDeadLetters: 100
    sinks: [{ to: "postgres:SINK_URL", table: rejects }]
  - { name: hooked, sinks: ["\${HOOK_URL}"] }
  - { name: kept, sync: {}, sinks: [{ to: "postgres:SINK_URL", table: kept }] }
`
        )
        const env = { ACME_KEY: "agni_test_key", HOOK_URL: "https://example.com/hook" }
        const secret = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }
        const submit = (...more: ReadonlyArray<string>) =>
          run(["run", "three.yaml", ...more], { env: { ...env, ...secret, AGNI_API_KEY: undefined } })
        const submitted = yield* submit("--detach")
        assert.strictEqual(submitted.stdout, "rejects\nhooked\nkept\n", submitted.stderr)
        // Nobody works yet.
        const states = Effect.map(run(["runs", "--json"]), ({ stdout }) => lines(stdout).map(({ state }) => state))
        assert.deepStrictEqual(yield* states, ["planned", "planned", "planned"])
        const differs = yield* submit("--detach", "--rate", "100")
        assert.strictEqual(differs.code, 2)
        assert.match(differs.stderr, /^error: run rejects is planned with other settings\n  Wait for its end, /)

        const worker = yield* start(["worker", "--log", "json"], { env: { ...env, HOOK_URL: undefined } })
        const ended = yield* submit()
        // One failed: the worst of all.
        assert.strictEqual(ended.code, 1)
        assert.match(ended.stderr, /^error: hooked: run hooked failed: HOOK_URL is not set on the worker /m)
        assert.match(ended.stderr, /runs retry hooked --cluster postgres:CLUSTER_URL$/m)
        assert.match(
          ended.stderr,
          /^rejects: .*\n.* rejected: see \.callstream\/rejects\.\*\.dead-letters\.ndjson on the workers$/ms
        )
        assert.match(ended.stderr, /^kept: 1,500 calls to postgres:SINK_URL \(kept\) in /m)
        assert.deepStrictEqual(yield* ids("kept"), FleetCommands.idsOf(api))
        const delivered = yield* ids("rejects")
        const dead = readdirSync(join(cwd, ".callstream"))
          .filter((name) => /^rejects\.(\d+|end)\.dead-letters\.ndjson$/.test(name))
          .flatMap((name) => lines(readFileSync(join(cwd, ".callstream", name), "utf8")))
        const letters = dead.map(({ row }) => String(Object(row).id))
        assert.isAbove(letters.length, 0)
        assert.sameMembers([...delivered, ...letters], [...FleetCommands.idsOf(api)])

        const unknown = yield* run(["runs", "nobody"])
        assert.strictEqual(unknown.code, 2)
        assert.include(unknown.stderr, "  There is hooked, kept, rejects.\n")
        assert.strictEqual((yield* run(["runs", "cancel", "kept"])).code, 2)
        const retried = yield* run(["runs", "retry", "hooked"])
        assert.include(retried.stderr, "run hooked resumes where it stopped\n")
        const watched = yield* run(["runs", "hooked", "--watch", "--json"])
        assert.deepInclude(lines(watched.stdout).at(-1), { run: "hooked", state: "failed", attempt: 2 })
        // A sync makes a pass each time.
        const again = yield* submit("--detach", "--json")
        assert.deepStrictEqual(
          lines(again.stdout).map(({ submitted }) => submitted),
          ["has finished", "resumes", "submitted"]
        )
        worker.child.kill("SIGTERM")
        const { code, stderr } = yield* worker.ended
        assert.strictEqual(code, 0)
        const events = lines(stderr)
        assert.includeMembers(
          events.map(({ event, run }) => [run, event].join(" ")),
          ["rejects taken", "rejects finished", "kept taken", "kept finished", "hooked unusable"]
        )
      })
    )
  })
})
