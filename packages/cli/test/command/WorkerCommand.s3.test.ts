/** Workers that write one bucket: processes, a real database, a real S3 server, and DuckDB, which reads all there is. */
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Duck from "../../../node/test/Duck.ts"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import * as S3Server from "../../../node/test/S3Server.ts"
import * as Bucket from "../Bucket.ts"
import { folder, lines, type Running, simulation, until } from "../Callstream.ts"
import * as FleetCommands from "../FleetCommands.ts"

const { env, store } = await Bucket.open()

/** The prefix as a reader with a glob sees it. */
const mirrored = Effect.fnUntraced(function* (prefix: string) {
  const into = yield* folder
  for (const key of store.keys().filter((key) => key.startsWith(prefix))) {
    mkdirSync(dirname(join(into, key)), { recursive: true })
    writeFileSync(join(into, key), store.read(key) ?? "")
  }
  return join(into, prefix)
})

const idsIn = (files: string) =>
  Effect.map(
    Effect.promise(() => Duck.all(`SELECT id FROM read_parquet(${files}) ORDER BY id`)),
    (rows) => rows.map(({ id }) => String(id))
  )

describe.skipIf(Postgres.missing)(`callstream worker into a bucket${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect(
      "one is killed, one frozen until the others have delivered everything: each call is in one object, and the manifest names all",
      () =>
        Effect.gen(function* () {
          const api = yield* simulation({
            sessions: 6000,
            undated: 0.01,
            span: "4 days",
            age: "1 day",
            seed: 11,
            content: "minimal",
            latency: "60 millis"
          })
          const { file, run, sql, start } = yield* FleetCommands.make(api)
          const to = `sinks: [{ to: "s3://${S3Server.bucket}/fleet/calls.parquet", rotate: day }]\n`
          const source = "source: { pageSize: 10, concurrency: 2, timeout: 5s, retries: 100 }\n"
          yield* file("calls.yaml", `stretches: 4\ncommitEvery: 10ms\n${source}${to}`)
          const worker = () => start(["worker", "--stretches", "1"], { env })
          const all = [yield* worker(), yield* worker(), yield* worker()]
          yield* until(() => all.every((one) => one.stderr().startsWith("works for ")))
          const shown = yield* start(["run", "calls.yaml", "--json"], { env })
          const gone = new Set<Running>()
          /** One that is in the middle of a stretch, with rows that are committed. */
          const busy = Effect.map(
            Effect.orElseSucceed(
              sql<{ readonly nth: number }>`SELECT nth FROM callstream_stretches
WHERE status = 'open' AND range IS NOT NULL AND state::text LIKE '%"rows":%'`,
              () => []
            ),
            (rows) =>
              all.find(
                (one) =>
                  !gone.has(one) &&
                  rows.some(
                    ({ nth }) => Number(/.*stretch (\d+) of \d+ begins\n$/s.exec(one.stderr())?.[1]) === nth + 1
                  )
              )
          ).pipe(
            Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (found) => found !== undefined }),
            Effect.timeout("1 minute"),
            Effect.tap((found) => Effect.sync(() => found !== undefined && gone.add(found)))
          )
          const killed = yield* busy
          killed?.child.kill("SIGKILL")
          const frozen = yield* busy
          frozen?.child.kill("SIGSTOP")
          const { code, stderr, stdout } = yield* shown.ended
          assert.strictEqual(code, 0, stderr)
          assert.deepInclude(lines(stdout)[0], { sessions: 6000 })
          frozen?.child.kill("SIGCONT")
          yield* until(() => /stretch \d+ of \d+ stopped/.test(frozen?.stderr() ?? ""))

          const truth = FleetCommands.idsOf(api)
          const at = yield* mirrored("fleet/")
          assert.deepStrictEqual(yield* idsIn(`'${at}date=*/*.parquet'`), truth)
          const manifest = Bucket.decodeManifest(String(store.read("fleet/calls.manifest.json")))
          const named = manifest.files.map(({ name }) => `'${at}${name}'`)
          assert.deepStrictEqual(yield* idsIn(`[${named.join()}]`), truth)
          assert.isTrue(manifest.complete)
          const sizes = manifest.files.map(({ bytes, name }) => [name, bytes] as const)
          assert.deepStrictEqual(
            sizes,
            sizes.map(([name]) => [name, store.read(`fleet/${name}`)?.length ?? 0] as const)
          )

          yield* file("again.yaml", `name: again\n${to}`)
          const again = yield* run(["run", "again.yaml"], { env })
          assert.strictEqual(again.code, 1)
          assert.match(again.stderr, /fleet\/calls\.manifest\.json: the file is there already/)
        })
    )
  })
})
