/** What a fleet survives: killed, frozen and stopped workers, and a database that restarts. */
import * as Effect from "effect/Effect"
import { report } from "../measure.ts"
import { compared, endpoint, succeeded, until, watchTwice, world, type World } from "./world.ts"

const name = "bars"
const pipeline = (keys: string) => `name: ${name}\nsinks: ["postgres:DATABASE_URL"]\ncommitEvery: 500ms\n${keys}`

/** Calls that the stretches of the run have delivered so far. */
const delivered = ({ sql }: World) =>
  Effect.map(
    Effect.orElseSucceed(
      sql<{ readonly n: number }>`SELECT coalesce(sum((counters->>'delivered')::int), 0)::int AS n
FROM callstream_stretches`,
      () => []
    ),
    ([row]) => row?.n ?? 0
  )

interface Entry {
  readonly range: { readonly from: number; readonly to: number }
  readonly verdict: string
}

/** Places where the proof of the run does not continue, or does not prove. */
const holes = ({ sql }: World) =>
  Effect.map(
    sql<{ readonly entries: string }>`SELECT (summary->'coverage'->'entries')::text AS entries FROM callstream_runs`,
    ([row]) => {
      const entries: ReadonlyArray<Entry> = JSON.parse(row?.entries ?? "[]")
      const breaks = entries.filter((entry, i) => i > 0 && entries[i - 1]?.range.to !== entry.range.from).length
      const unproven = entries.filter(({ verdict }) => verdict !== "proven").length
      return entries.length === 0 ? 1 : breaks + unproven
    }
  )

/** One worker killed, one frozen for 15 seconds and thawed, the database restarted: nothing is missing, nothing twice. */
export const survival = Effect.fnUntraced(function* (sessions: number) {
  const server = yield* endpoint(sessions, 400)
  const all = yield* world(server)
  yield* watchTwice(all)
  yield* all.file("run.yaml", pipeline("source: { until: 2026-10-01 }\n"))
  const [killed, frozen] = [yield* all.worker(), yield* all.worker()]
  const run = yield* all.run("run.yaml")
  const share = (of: number) =>
    until(
      `${of} is delivered`,
      Effect.suspend(() =>
        run.child.exitCode === null
          ? Effect.map(delivered(all), (n) => n >= of * sessions)
          : Effect.die(new Error(`the run ended: ${run.stderr()}`))
      )
    )
  yield* until(
    "both have stretches",
    Effect.map(
      Effect.orElseSucceed(
        all.sql<{ readonly n: number }>`SELECT count(DISTINCT worker)::int AS n FROM callstream_stretches`,
        () => []
      ),
      ([row]) => row?.n === 2
    )
  )
  // It has room for what the others lose.
  yield* all.worker({ stretches: 16 })
  yield* share(0.15)
  killed.child.kill("SIGKILL")
  yield* share(0.3)
  frozen.child.kill("SIGSTOP")
  yield* Effect.sleep("15 seconds")
  frozen.child.kill("SIGCONT")
  yield* share(0.6)
  yield* all.restart("5 seconds")
  const { seconds } = yield* succeeded(run)
  const { missing, twice, unknown } = yield* compared(all, server)
  const fenced = (frozen.stderr().match(/another worker has it/g) ?? []).length
  report({
    what: `${sessions.toLocaleString("en")} calls, a worker killed, one frozen, the database restarted: missing, twice, unknown, holes`,
    values: `${missing}, ${twice}, ${unknown}, ${yield* holes(all)} (${seconds.toFixed(0)} s, ${fenced} fenced)`,
    ratio: "",
    bar: "0, 0, 0, 0"
  })
})

interface Part {
  readonly nth: number
  readonly worker: string | null
  readonly epoch: number
  readonly committed: boolean
  readonly open: boolean
}

const parts = ({ sql }: World, since: Date | undefined) =>
  sql<Part>`SELECT nth, worker, epoch::float8 AS epoch, status = 'open' AS open,
coalesce(updated_at > ${(since ?? new Date(0)).toISOString()}::timestamptz, false) AS committed
FROM callstream_stretches WHERE range IS NOT NULL`

/** From a signal to a worker until other workers have claimed all that it had, and have committed to it. */
const takeover = Effect.fnUntraced(function* (all: World, first: string | null, stop: Effect.Effect<unknown>) {
  const held = (yield* parts(all, undefined)).filter(({ open, worker }) => open && worker === first)
  if (held.length === 0) return yield* Effect.die(new Error("nothing was held: the run is too short"))
  const started = performance.now()
  yield* stop
  let [claimed, committed] = [0, 0]
  const since = new Date()
  yield* until(
    "others take over",
    Effect.gen(function* () {
      const now = new Map((yield* parts(all, since)).map((part) => [part.nth, part]))
      const taken = held.filter(({ epoch, nth }) => (now.get(nth)?.epoch ?? 0) > epoch)
      const at = (performance.now() - started) / 1000
      if (taken.length === held.length && claimed === 0) claimed = at
      const done = taken.filter(({ nth }) => now.get(nth)?.committed === true)
      if (done.length === held.length) committed = at
      return committed > 0
    })
  )
  return { held: held.length, claimed, committed }
})

/**
 * One worker has all stretches; the others have room for them. It is killed, or asked to stop. A commit comes with each window,
 * which has some dozens of pages: the endpoint answers soon, so that the takeover is measured and not the endpoint.
 */
const handover = Effect.fnUntraced(function* (signal: "SIGKILL" | "SIGTERM", sessions: number) {
  const server = yield* endpoint(sessions, 50)
  const all = yield* world(server)
  yield* all.file("run.yaml", pipeline(""))
  const first = yield* all.worker()
  const run = yield* all.run("run.yaml")
  yield* until(
    "some is delivered",
    Effect.map(delivered(all), (n) => n > sessions / 8)
  )
  const { worker = null } = (yield* parts(all, undefined)).find(({ worker }) => worker !== null) ?? {}
  yield* all.worker({ stretches: 8 })
  yield* all.worker({ stretches: 8 })
  const asked = performance.now()
  const found = yield* takeover(
    all,
    worker,
    Effect.sync(() => first.child.kill(signal))
  )
  const { at, code } = yield* first.ended
  yield* succeeded(run)
  return { ...found, code, seconds: (at - asked) / 1000 }
})

export const handovers = Effect.fnUntraced(function* (sessions: number) {
  const killed = yield* Effect.scoped(handover("SIGKILL", sessions))
  report({
    what: `takeover of ${killed.held} stretches after kill -9: claimed, committed`,
    values: `${killed.claimed.toFixed(1)} s, ${killed.committed.toFixed(1)} s`,
    ratio: "",
    bar: "at most 10 s"
  })
  const stopped = yield* Effect.scoped(handover("SIGTERM", sessions))
  report({
    what: `takeover of ${stopped.held} stretches after SIGTERM: exited with ${stopped.code}, claimed, committed`,
    values: `${stopped.seconds.toFixed(1)} s, ${stopped.claimed.toFixed(1)} s, ${stopped.committed.toFixed(1)} s`,
    ratio: "",
    bar: "at most 2 s, exit code 0"
  })
})
