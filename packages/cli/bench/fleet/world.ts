/** What fleets are measured in: a database, an endpoint and worker processes, all of them real, all gone with the scope. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import { cli } from "../measure.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "callstream-fleet-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** An endpoint with so many calls in each organization. */
export const endpoint = Effect.fnUntraced(function* (sessions: number, latency: number) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [join(import.meta.dirname, "server.ts"), String(sessions), String(latency)], {
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const baseUrl = yield* Effect.callback<string>((resume) => {
    createInterface({ input: child.stdout }).once("line", (line) => resume(Effect.succeed(line)))
  })
  const ask = (path: string) => Effect.promise(async () => await (await fetch(`${baseUrl}${path}`)).text())
  return {
    baseUrl,
    sessions,
    /** When requests of an organization arrived since this was last asked, in milliseconds. */
    times: (org = 0) => Effect.map(ask(`/times?org=${org}`), (text): ReadonlyArray<number> => JSON.parse(text)),
    ids: (org = 0) => Effect.map(ask(`/ids?org=${org}`), (text) => text.split("\n")),
    limit: (org: number) => ask(`/limit?org=${org}`)
  }
})

export type Endpoint = Effect.Success<ReturnType<typeof endpoint>>

export interface Ended {
  readonly code: number | null
  /** Since its start. */
  readonly seconds: number
  /** As `performance.now` says. */
  readonly at: number
  readonly megabytes: number
}

/** A process of the command. */
export interface Running {
  readonly child: ChildProcess
  readonly stderr: () => string
  readonly stdout: () => string
  readonly ended: Effect.Effect<Ended>
}

/** One that must end well. */
export const succeeded = (running: Running): Effect.Effect<Ended> =>
  Effect.tap(running.ended, ({ code }) =>
    code === 0 ? Effect.void : Effect.die(new Error(`exit code ${code}: ${running.stderr()}`))
  )

const start = (
  args: ReadonlyArray<string>,
  cwd: string,
  env: Readonly<Record<string, string>>
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync((): Running => {
      const started = performance.now()
      const child = spawn(process.execPath, [cli, ...args], {
        cwd,
        env: { PATH: process.env["PATH"], ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let stdout = ""
      let stderr = ""
      let peak = 0
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
      const watch = setInterval(() => {
        try {
          const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
          peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
        } catch {
          // It has just ended, or this system has no /proc.
        }
      }, 500)
      const closed = new Promise<Ended>((resolve) =>
        child.once("close", (code) => {
          clearInterval(watch)
          const at = performance.now()
          resolve({ code, at, seconds: (at - started) / 1000, megabytes: peak / 1024 })
        })
      )
      return { child, stderr: () => stderr, stdout: () => stdout, ended: Effect.promise(() => closed) }
    }),
    ({ child }) => Effect.sync(() => void child.kill("SIGKILL"))
  )

/** Looks until it is so; how long that took, in seconds. */
export const until = Effect.fnUntraced(function* <E, R>(
  what: string,
  condition: Effect.Effect<boolean, E, R>,
  seconds = 900
) {
  const started = performance.now()
  const wait = Effect.repeat(Effect.delay(condition, "50 millis"), { until: (isSo) => isSo })
  yield* Effect.timeoutOrElse(wait, {
    duration: `${seconds} seconds`,
    orElse: () => Effect.die(new Error(`not within ${seconds} s: ${what}`))
  })
  return (performance.now() - started) / 1000
})

const cluster = ["--cluster", "postgres:DATABASE_URL"]

export interface WorkerOptions {
  readonly stretches?: number
  readonly concurrency?: number
}

/** A database of its own, with workers and commands that use it. */
export const world = Effect.fnUntraced(function* ({ baseUrl }: Endpoint, more: Readonly<Record<string, string>> = {}) {
  const server = yield* Postgres.Server
  const database = yield* server.database()
  const sql = yield* server.client(database, { maxConnections: 1 })
  const cwd = yield* folder
  const env = {
    AGNI_BASE_URL: baseUrl,
    AGNI_API_KEY: "key-0",
    DATABASE_URL: `postgres://postgres@127.0.0.1:${sql.config.port}/${database}?sslmode=disable`,
    ...more
  }
  const callstream = (...args: ReadonlyArray<string>) => start(args, cwd, env)
  /** Those that the database knows; one that was killed is there for a while. */
  const workers = sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM callstream_default_runners`.pipe(
    Effect.map(([row]) => row?.n ?? 0),
    // The first one makes the table.
    Effect.orElseSucceed(() => 0)
  )
  return {
    sql,
    restart: server.restart,
    callstream,
    file: (name: string, text: string) => Effect.sync(() => writeFileSync(join(cwd, name), text)),
    run: (file: string, ...flags: ReadonlyArray<string>) => callstream("run", file, ...cluster, "--json", ...flags),
    /** A worker that is ready; its files are in a folder of its own. */
    worker: Effect.fnUntraced(function* ({ concurrency = 8, stretches = 4 }: WorkerOptions = {}) {
      const args = ["worker", ...cluster, "--stretches", String(stretches), "--concurrency", String(concurrency)]
      const before = yield* workers
      const running = yield* start(args, yield* folder, env)
      yield* until(
        "a worker starts",
        Effect.flatMap(workers, (now) =>
          running.child.exitCode === null ? Effect.succeed(now > before) : Effect.die(new Error(running.stderr()))
        ),
        60
      )
      return running
    })
  }
})

export type World = Effect.Success<ReturnType<typeof world>>

/** Makes the table of calls, and notes each row that is written more than once. */
export const watchTwice = Effect.fnUntraced(function* ({ callstream, sql }: World) {
  const range = ["--since", "2020-01-01", "--until", "2020-01-02"]
  yield* succeeded(yield* callstream("export", "--to", "postgres:DATABASE_URL", ...range, "--quiet"))
  yield* sql.unsafe("CREATE TABLE written_twice (id text)")
  yield* sql.unsafe(`CREATE FUNCTION note_twice() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO written_twice VALUES (old.id); RETURN new; END$$`)
  yield* sql.unsafe("CREATE TRIGGER twice BEFORE UPDATE ON call_sessions FOR EACH ROW EXECUTE FUNCTION note_twice()")
})

/** Calls of the endpoint that the table lacks, and calls that were written more than once. */
export const compared = Effect.fnUntraced(function* ({ sql }: World, { ids }: Endpoint) {
  const rows = yield* sql<{ readonly id: string }>`SELECT id FROM call_sessions`
  const found = new Set(rows.map(({ id }) => id))
  const known = yield* ids()
  const [{ twice } = { twice: 0 }] = yield* sql<{
    readonly twice: number
  }>`SELECT count(*)::int AS twice FROM written_twice`
  return {
    missing: known.filter((id) => !found.has(id)).length,
    unknown: found.size - known.filter((id) => found.has(id)).length,
    twice
  }
})
