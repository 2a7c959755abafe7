/** What a fleet costs and keeps to: time, requests, the shared rate, the database while nothing runs. */
import * as Effect from "effect/Effect"
import { report } from "../measure.ts"
import { endpoint, type Endpoint, succeeded, until, world, type World } from "./world.ts"

const pipeline = (name: string, keys = "") => `name: ${name}\nsinks: ["postgres:DATABASE_URL"]\n${keys}`

const count = Effect.fnUntraced(function* ({ sql }: World) {
  const [row] = yield* sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM call_sessions`
  return row?.n ?? 0
})

/** A run of so many workers, by the command that submits and watches it. */
const ofWorkers = Effect.fnUntraced(function* (server: Endpoint, workers: number) {
  const all = yield* world(server)
  yield* all.file("run.yaml", pipeline("speed"))
  const started = yield* Effect.replicateEffect(all.worker(), workers)
  yield* server.times()
  const run = yield* all.run("run.yaml")
  let connections = 0
  const watch = Effect.forever(
    Effect.delay(
      Effect.map(
        all.sql<{
          readonly n: number
        }>`SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()`,
        ([row]) => (connections = Math.max(connections, row?.n ?? 0))
      ),
      "200 millis"
    )
  )
  yield* Effect.forkScoped(watch)
  const { seconds } = yield* succeeded(run)
  const found = yield* count(all)
  if (found !== server.sessions) return yield* Effect.die(new Error(`${found} rows of ${server.sessions}`))
  const requests = (yield* server.times()).length
  for (const { child } of started) child.kill("SIGTERM")
  const ended = yield* Effect.forEach(started, ({ ended }) => ended)
  // The command that watches and this bench have three.
  return { seconds, requests, connections: connections - 3, megabytes: Math.max(...ended.map((one) => one.megabytes)) }
})

const ofOneProcess = Effect.fnUntraced(function* (server: Endpoint) {
  const all = yield* world(server)
  yield* server.times()
  const flags = ["--concurrency", "24", "--quiet"]
  const { megabytes, seconds } = yield* succeeded(
    yield* all.callstream("export", "--to", "postgres:DATABASE_URL", ...flags)
  )
  const found = yield* count(all)
  if (found !== server.sessions) return yield* Effect.die(new Error(`${found} rows of ${server.sessions}`))
  return { seconds, megabytes, requests: (yield* server.times()).length }
})

export const speed = Effect.fnUntraced(function* (sessions: number) {
  const server = yield* endpoint(sessions, 400)
  const one = yield* Effect.scoped(ofOneProcess(server))
  const three = yield* Effect.scoped(ofWorkers(server, 3))
  const single = yield* Effect.scoped(ofWorkers(server, 1))
  const calls = sessions.toLocaleString("en")
  report({
    what: `${calls} calls at 400 ms: three workers with 8 requests in flight / one process with 24`,
    values: `${three.seconds.toFixed(1)} s / ${one.seconds.toFixed(1)} s`,
    ratio: (three.seconds / one.seconds).toFixed(2),
    bar: "at most 1.1"
  })
  report({
    what: `${calls} calls at 400 ms: one worker with 8 / three workers with 8`,
    values: `${single.seconds.toFixed(1)} s / ${three.seconds.toFixed(1)} s`,
    ratio: (single.seconds / three.seconds).toFixed(2),
    bar: "at least 2.3"
  })
  report({
    what: "requests: three workers / one process",
    values: `${three.requests} / ${one.requests}`,
    ratio: (three.requests / one.requests).toFixed(3),
    bar: "at most 1.05"
  })
  report({
    what: "a worker: peak memory, connections",
    values: `${three.megabytes.toFixed(0)} MB (one process: ${one.megabytes.toFixed(0)} MB), ${(three.connections / 3).toFixed(1)}`,
    ratio: "",
    bar: ""
  })
})

/** The most requests in any second, wherever it begins. */
const most = (times: ReadonlyArray<number>): number => {
  let first = 0
  return times.reduce((found, at, last) => {
    while ((times[first] ?? at) <= at - 1000) first++
    return Math.max(found, last - first + 1)
  }, 0)
}

/** Three workers share a rate; the endpoint counts. */
export const rate = Effect.fnUntraced(function* (limit: number, seconds: number) {
  const server = yield* endpoint(limit * seconds * 100, 100)
  const all = yield* world(server)
  yield* all.file("run.yaml", pipeline("rate", `source: { rate: ${limit} }\n`))
  yield* Effect.replicateEffect(all.worker({ concurrency: 16 }), 3)
  yield* server.times()
  yield* succeeded(yield* all.run("run.yaml"))
  const times = yield* server.times()
  // All readers are busy in the middle half of the run: it begins and ends with requests that need the answer before them.
  const [quarter = 0, end = 0] = [0.25, 0.75].map((part) => times[Math.floor(times.length * part)])
  const used = times.filter((at) => at >= quarter && at < end).length / ((end - quarter) / 1000) / limit
  report({
    what: `a rate of ${limit} for three workers: most requests in any second; share of it used`,
    values: `${most(times)} of ${limit}; ${times.length} requests`,
    ratio: used.toFixed(3),
    bar: `at most ${limit}; at least 0.95`
  })
})

/** Rows of the engine's own tables, but for those of workers that are there. */
const leftOvers = ({ sql }: World) =>
  Effect.map(
    sql<{ readonly n: number }>`SELECT (SELECT count(*) FROM callstream_default_messages)::int
+ (SELECT count(*) FROM callstream_default_replies)::int + (SELECT count(*) FROM callstream_default_queue)::int AS n`,
    ([row]) => row?.n ?? 0
  )

const commits = ({ sql }: World) =>
  Effect.map(
    sql<{ readonly n: number }>`SELECT xact_commit::int AS n FROM pg_stat_database WHERE datname = current_database()`,
    ([row]) => row?.n ?? 0
  )

/** A fleet after its run: what the engine leaves, and what three workers cost that wait. */
export const idle = Effect.fnUntraced(function* (sessions: number) {
  const server = yield* endpoint(sessions, 20)
  const all = yield* world(server)
  yield* all.file("run.yaml", pipeline("idle"))
  yield* Effect.replicateEffect(all.worker(), 3)
  yield* succeeded(yield* all.run("run.yaml"))
  const seconds = yield* until(
    "the engine's rows are gone",
    Effect.map(leftOvers(all), (n) => n === 0),
    120
  )
  report({
    what: "rows in the engine's tables a minute after a run; all are gone after",
    values: `${seconds <= 60 ? 0 : "some"}; ${seconds.toFixed(0)} s`,
    ratio: "",
    bar: "0"
  })
  // Sessions report what they committed a while later.
  yield* Effect.sleep("10 seconds")
  const before = yield* commits(all)
  yield* Effect.sleep("60 seconds")
  report({
    what: "commits a second of three idle workers",
    values: (((yield* commits(all)) - before) / 60).toFixed(1),
    ratio: "",
    bar: "at most 12"
  })
})

/** Pipelines of many organizations; how long the others take where one always answers 429. */
const ofMany = Effect.fnUntraced(function* (organizations: number, sessions: number, limits: boolean) {
  const server = yield* endpoint(sessions, 50)
  const keys = Array.from({ length: organizations }, (_, n) => [`KEY_${n}`, `key-${n}`] as const)
  const all = yield* world(server, Object.fromEntries(keys))
  if (limits) yield* server.limit(0)
  yield* all.file("org-0.yaml", pipeline("org-0", `source: { apiKey: "\${KEY_0}", rate: 20 }\n`))
  yield* succeeded(yield* all.run("org-0.yaml", "--detach"))
  // As the command submits them; 200 commands would take minutes.
  yield* all.sql`INSERT INTO callstream_runs (fleet, name, spec)
SELECT fleet, 'org-' || n, replace(replace(spec::text, 'KEY_0', 'KEY_' || n), 'org-0', 'org-' || n)::json
FROM callstream_runs, generate_series(1, ${organizations - 1}::int) AS n`
  const started = performance.now()
  yield* Effect.replicateEffect(all.worker(), 3)
  yield* until(
    "the others are done",
    Effect.map(
      all.sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM callstream_runs
WHERE state <> 'finished' AND name <> 'org-0'`,
      ([row]) => row?.n === 0
    ),
    1800
  )
  const seconds = (performance.now() - started) / 1000
  const expected = sessions * (organizations - (limits ? 1 : 0))
  const found = yield* count(all)
  if (found < expected) return yield* Effect.die(new Error(`${found} rows of ${expected}`))
  const [row] = yield* all.sql<{ readonly parts: number }>`SELECT count(*)::int AS parts FROM callstream_stretches`
  const refused = limits ? (yield* server.times(0)).length : 0
  return { seconds, parts: row?.parts ?? 0, refused }
})

/** Both fleets work at the same time, so that what else the machine does slows both down alike. */
export const organizations = Effect.fnUntraced(function* (many: number, sessions: number) {
  const [without, limited] = yield* Effect.all(
    [Effect.scoped(ofMany(many, sessions, false)), Effect.scoped(ofMany(many, sessions, true))],
    { concurrency: 2 }
  )
  report({
    what: `${many} organizations of ${sessions} calls, one always answers 429: the others / without it`,
    values: `${limited.seconds.toFixed(1)} s / ${without.seconds.toFixed(1)} s`,
    ratio: (limited.seconds / without.seconds).toFixed(2),
    bar: "at most 1.2"
  })
  console.log(`  ${without.parts} parts; the limited one was asked ${limited.refused} times`)
})
